/* test_cgroup.c - limits of control groups of both versions, in folders made like the kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/cgroup.h"
#include "support/folder.h"

/* Files below a folder of the test's own, "=" between path and content; the
 * path of the process's group. */
static const struct row {
    const char *name, *membership, *files[6];
    uint64_t memory_bytes, cpus;
} rows[] = {
    {"nothing at all", NULL, {NULL}, UINT64_MAX, UINT64_MAX},
    {"a container of version 2",
     "0::/\n",
     {"memory.max=67108864", "cpu.max=150000 100000"},
     67108864,
     2},
    {"without limits", "0::/\n", {"memory.max=max", "cpu.max=max 100000"}, UINT64_MAX, UINT64_MAX},
    {"a service",
     "0::/system.slice/lossd.service\n",
     {"system.slice/lossd.service/memory.max=300",
      "system.slice/lossd.service/cpu.max=100000 100000"},
     300,
     1},
    {"less above it",
     "0::/a/b\n",
     {"a/b/memory.max=300", "a/memory.max=200", "memory.max=max", "a/b/cpu.max=max 100000",
      "a/cpu.max=300000 100000"},
     200,
     3},
    {"a container of version 1, whose path is another's",
     "4:memory:/docker/0123\n2:cpu,cpuacct:/docker/0123\n0::/docker/0123\n",
     {"memory/memory.limit_in_bytes=67108864", "cpu/cpu.cfs_quota_us=50000",
      "cpu/cpu.cfs_period_us=100000"},
     67108864,
     1},
    {"a group of version 1",
     "3:cpuset:/x\n4:cpu:/g\n5:memory:/g\n",
     {"memory/g/memory.limit_in_bytes=400", "memory/memory.limit_in_bytes=9223372036854771712",
      "cpu/g/cpu.cfs_quota_us=-1", "cpu/g/cpu.cfs_period_us=100000"},
     400,
     UINT64_MAX},
    {"what is no number", "0::/\n", {"memory.max=", "cpu.max=x"}, UINT64_MAX, UINT64_MAX},
};

static void write_file(const char *root, const char *path, const char *text, size_t length)
{
    char full[512];
    FILE *file;

    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
        *at = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *root, const char *path)
{
    char full[512];

    (void)snprintf(full, sizeof full, "%s/%s", root, path);
    assert_int_equal(remove(full), 0);
    for (char *slash = strrchr(full, '/'); slash > full + strlen(root);
         slash = strrchr(full, '/')) {
        *slash = '\0';
        (void)rmdir(full); /* if it is empty now */
    }
}

static void the_least_limit_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        char root[FOLDER_PATH_BYTES], membership[FOLDER_PATH_BYTES];
        struct cgroup cgroup = {membership, root};

        folder_make();
        (void)folder_path(".", root);
        (void)folder_path("membership", membership);
        if (row->membership != NULL)
            write_file(root, "membership", row->membership, strlen(row->membership));
        for (int f = 0; f < 6 && row->files[f] != NULL; f++) {
            char path[128];
            const char *text = strchr(row->files[f], '=') + 1;

            (void)snprintf(path, sizeof path, "%.*s", (int)(text - 1 - row->files[f]),
                           row->files[f]);
            write_file(root, path, text, strlen(text));
        }
        if (cgroup_memory_bytes(&cgroup) != row->memory_bytes || cgroup_cpus(&cgroup) != row->cpus)
            fail_msg("%s: got %llu bytes, %llu CPUs", row->name,
                     (unsigned long long)cgroup_memory_bytes(&cgroup),
                     (unsigned long long)cgroup_cpus(&cgroup));
        for (int f = 0; f < 6 && row->files[f] != NULL; f++) {
            char path[128];

            (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(row->files[f], "="),
                           row->files[f]);
            remove_file(root, path);
        }
        if (row->membership != NULL)
            remove_file(root, "membership");
        folder_remove_empty();
    }
}

static void this_process_has_some(void **state)
{
    const struct cgroup own = {NULL, NULL};

    (void)state;
    assert_true(cgroup_memory_bytes(&own) > 1 << 20);
    assert_true(cgroup_cpus(&own) >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_limit_counts),
        cmocka_unit_test(this_process_has_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
