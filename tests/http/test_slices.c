/* test_slices.c - every thread of the daemon has asked for its short slice, and was allowed to,
 * confined or not: without it nobody gives way to anybody (turns.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "support/daemon.h"
#include "support/slices.h"

enum { PATIENCE_MS = 20000, WORKERS = 3, LOOPS = 2, METRICS_LOOPS = 1 };

static int count_short_slices(const struct daemon *lossd)
{
    char path[64];
    DIR *directory;
    int count = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)lossd->pid);
    directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        int thread = atoi(entry->d_name);

        count += thread != 0 && slice_ns(thread) == SLICE_NS_MIN;
    }
    (void)closedir(directory);
    return count;
}

static void every_thread_takes_turns(void **state)
{
    static const char *const words[] = {"on", "off"};
    const int wanted = slices_can_be_short() ? WORKERS + LOOPS + METRICS_LOOPS : 0;

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct daemon lossd;
        double start_ms = clock_ms();
        int count;

        daemon_start(&lossd,
                     (const char *const[]){"--confine", words[i], "--workers", "3", "--loops", "2",
                                           "--metrics-address", "127.0.0.1", "--metrics-port", "0",
                                           NULL},
                     NULL);
        do { /* each asks when it begins, which may be after the daemon listens */
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            count = count_short_slices(&lossd);
        } while (count != wanted && clock_ms() - start_ms < PATIENCE_MS);
        assert_int_equal(count, wanted);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_thread_takes_turns)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
