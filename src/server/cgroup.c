/* cgroup.c - the limits of control groups, from their files. */
#include "server/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024, LINE_BYTES = 1024 };

/* Whether a list as "cpu,cpuacct" has a name. */
static bool lists(const char *list, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = strstr(list, name); at != NULL; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* The path of the group that has a controller, "" for version 2's; "/" if it is not told. */
static void find_path(const char *membership, const char *controller, char path[PATH_BYTES])
{
    FILE *file = fopen(membership != NULL ? membership : "/proc/self/cgroup", "re");
    char line[LINE_BYTES];

    (void)strcpy(path, "/");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) { /* number:controllers:path */
        char *controllers = strchr(line, ':'), *found;

        if (controllers == NULL || (found = strchr(++controllers, ':')) == NULL)
            continue;
        *found++ = '\0';
        found[strcspn(found, "\n")] = '\0';
        if (controller[0] == '\0' ? controllers[0] == '\0' : lists(controllers, controller))
            (void)snprintf(path, PATH_BYTES, "%s", found);
    }
    if (file != NULL)
        (void)fclose(file);
}

/* Read one or two numbers of a file; the word "max" and negative ones are no limits.  Returns how
 * many there were, 0 for no file and no limit. */
static int read_numbers(const char *path, uint64_t numbers[2])
{
    FILE *file = fopen(path, "re");
    char text[64] = "";
    unsigned long long a, b;
    int count = 0;

    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) != NULL && strchr(text, '-') == NULL)
        count = sscanf(text, "%llu %llu", &a, &b);
    (void)fclose(file);
    if (count >= 1)
        numbers[0] = a;
    if (count >= 2)
        numbers[1] = b;
    return count > 0 ? count : 0;
}

/* The limits that can be asked for. */
struct limit {
    const char *controller; /* of version 1, and the folder of its groups; "" for version 2 */
    const char *file;
    const char
        *divisor; /* a file whose number the other's is divided by; NULL: the second number */
    bool is_quota;
};

static uint64_t value_at(const struct limit *limit, const char *folder)
{
    uint64_t numbers[2] = {0, 0}, divisor[2] = {0, 0};
    char path[2 * PATH_BYTES + 64];
    int count;

    (void)snprintf(path, sizeof path, "%s/%s", folder, limit->file);
    count = read_numbers(path, numbers);
    if (count == 0 || !limit->is_quota)
        return count == 0 ? UINT64_MAX : numbers[0];
    divisor[0] = numbers[1];
    if (limit->divisor != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, limit->divisor);
        (void)read_numbers(path, divisor);
    }
    return divisor[0] == 0 ? UINT64_MAX : (numbers[0] + divisor[0] - 1) / divisor[0];
}

/* The least of the limits of the group and of all above it. */
static uint64_t least(const struct cgroup *cgroup, const struct limit *limit)
{
    const char *mount = cgroup->mount != NULL ? cgroup->mount : "/sys/fs/cgroup";
    char path[PATH_BYTES], folder[2 * PATH_BYTES];
    uint64_t smallest = UINT64_MAX;

    find_path(cgroup->membership, limit->controller, path);
    for (;;) {
        char *last = strrchr(path, '/');
        uint64_t value;

        (void)snprintf(folder, sizeof folder, "%s%s%s%s", mount,
                       limit->controller[0] != '\0' ? "/" : "", limit->controller,
                       strcmp(path, "/") != 0 ? path : "");
        value = value_at(limit, folder);
        smallest = value < smallest ? value : smallest;
        if (last == NULL || path[0] == '\0')
            return smallest;
        *last = '\0';
    }
}

static uint64_t least_of(const struct cgroup *cgroup, const struct limit *two,
                         const struct limit *one)
{
    uint64_t by_two = least(cgroup, two), by_one = least(cgroup, one);

    return by_two < by_one ? by_two : by_one;
}

uint64_t cgroup_memory_bytes(const struct cgroup *cgroup)
{
    static const struct limit two = {"", "memory.max", NULL, false};
    static const struct limit one = {"memory", "memory.limit_in_bytes", NULL, false};

    return least_of(cgroup, &two, &one);
}

uint64_t cgroup_cpus(const struct cgroup *cgroup)
{
    static const struct limit two = {"", "cpu.max", NULL, true};
    static const struct limit one = {"cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us", true};

    return least_of(cgroup, &two, &one);
}
