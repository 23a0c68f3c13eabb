/* test_slices.c - every thread of the daemon has asked for its short slice, and was allowed to,
 * confined or not: without it nobody gives way to anybody (turns.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "support/daemon.h"
#include "support/slices.h"
#include "support/threads.h"
#include <cmocka.h>

enum { PATIENCE_MS = 120000, WORKERS = 3, LOOPS = 2, METRICS_LOOPS = 1, THREADS_MAX = 20 };

static int count_short_slices(const struct daemon *lossd)
{
    pid_t threads[THREADS_MAX];
    size_t all = threads_of(lossd->pid, threads, THREADS_MAX);
    int count = 0;

    assert_in_range(all, 1, THREADS_MAX);
    for (size_t i = 0; i < all; i++)
        count += slice_ns(threads[i]) == SLICE_NS_MIN;
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
            pause_a_ms();
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
