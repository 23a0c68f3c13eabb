/* test_options.c - the defaults that depend on the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>

#include "server/options.h"

static struct server_options resolve(struct server_options options)
{
    options_resolve(&options);
    return options;
}

/* As many threads as this process has CPUs. */
static void threads_follow_the_cpus(void **state)
{
    struct server_options options;
    cpu_set_t before, one;
    size_t first = 0;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    options = resolve((struct server_options){.loops = 0});
    assert_in_range(options.workers, 1, (uintmax_t)CPU_COUNT(&before)); /* or fewer, by a quota */
    assert_int_equal(options.loops, options.workers < 4 ? options.workers : 4);
    assert_int_equal(options.queue_jobs_max, 32 * options.workers);
    while (!CPU_ISSET(first, &before))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    options = resolve((struct server_options){.loops = 0});
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(options.loops, 1);
    assert_int_equal(options.workers, 1);
}

static void what_is_set_stays(void **state)
{
    struct server_options options =
        resolve((struct server_options){.loops = 7, .workers = 9, .queue_jobs_max = 11});

    (void)state;
    assert_int_equal(options.loops, 7);
    assert_int_equal(options.workers, 9);
    assert_int_equal(options.queue_jobs_max, 11);
    options = resolve((struct server_options){.workers = 9});
    assert_int_equal(options.queue_jobs_max, 32 * 9);
    options = resolve((struct server_options){.memory_budget_bytes = 12345});
    assert_int_equal(options.memory_budget_bytes, 12345);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_follow_the_cpus),
        cmocka_unit_test(what_is_set_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
