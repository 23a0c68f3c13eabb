/* test_turns.c - threads that compute give way, not too often, and keep what else they were given.
 *
 * sched_yield is this file's, to count; what the kernel was told is asked of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/turns.h"
#include "server/workers.h"

static atomic_int yields;

int sched_yield(void)
{
    yields++;
    return 0;
}

enum {
    TURN_NS = 250000,
    LONG_NS = 2000000000,
    NICE = 3,
    RUNTIME_WORD = 6, /* of struct sched_attr: sched_setattr(2) */
};

static const uint64_t before = 1000000000;

/* The slice of this thread; 0 before Linux 6.12, which does not tell. */
static uint64_t slice_ns(void)
{
    uint32_t words[12] = {sizeof words};

    assert_int_equal(syscall(SYS_sched_getattr, 0, words, sizeof words, 0), 0);
    return words[RUNTIME_WORD] | (uint64_t)words[RUNTIME_WORD + 1] << 32;
}

/* Some sandboxes refuse it, and then nobody yields. */
static void skip_if_refused(void)
{
    uint32_t words[12] = {sizeof words};

    if (syscall(SYS_sched_getattr, 0, words, sizeof words, 0) != 0 ||
        syscall(SYS_sched_setattr, 0, words, 0) != 0)
        skip();
}

/* What a thread of its own saw. */
struct seen {
    uint64_t slice_ns;
    int nice, policy;
    int yields[5]; /* so far, after each step */
};

static void *take_turns(void *argument)
{
    static const uint64_t steps_ns[] = {TURN_NS - 1, TURN_NS, 2 * TURN_NS - 1, 2 * TURN_NS};
    struct seen *seen = argument;

    turns_join();
    seen->slice_ns = slice_ns();
    seen->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    seen->policy = sched_getscheduler(0);
    turns_begin(before);
    for (size_t i = 0; i < 4; i++) {
        turns_give_way(before + steps_ns[i]);
        seen->yields[i] = yields;
    }
    turns_begin(before + 10 * TURN_NS); /* after a rest it has a whole turn */
    turns_give_way(before + 11 * TURN_NS - 1);
    seen->yields[4] = yields;
    return NULL;
}

static void *take_turns_politely(void *argument)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    return take_turns(argument);
}

static void *take_turns_as_batch(void *argument)
{
    const struct sched_param none = {.sched_priority = 0};

    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    return take_turns(argument);
}

static struct seen run_apart(void *(*run)(void *))
{
    struct seen seen;
    pthread_t thread;

    yields = 0;
    assert_int_equal(pthread_create(&thread, NULL, run, &seen), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return seen;
}

static void who_computes_gives_way_between_turns(void **state)
{
    static const int wanted[] = {0, 1, 1, 2, 2}; /* each counted from the one before */
    struct seen seen;

    (void)state;
    skip_if_refused();
    seen = run_apart(take_turns_politely);
    assert_memory_equal(seen.yields, wanted, sizeof wanted);
    assert_true(seen.slice_ns == 100000 || seen.slice_ns == 0);
    assert_int_equal(seen.nice, NICE);
    assert_int_equal(seen.policy, SCHED_OTHER);
}

/* Whoever runs it has said how it is to be scheduled. */
static void other_policies_are_left_alone(void **state)
{
    struct seen seen = run_apart(take_turns_as_batch);

    (void)state;
    assert_int_equal(seen.yields[4], 0);
    assert_true(seen.slice_ns != 100000);
    assert_int_equal(seen.policy, SCHED_BATCH);
}

static void who_serves_never_yields(void **state)
{
    uint64_t slice = slice_ns();

    (void)state;
    yields = 0;
    turns_begin(before);
    turns_give_way(before + 10 * TURN_NS);
    assert_int_equal(yields, 0);
    assert_int_equal(slice_ns(), slice);
}

/* A job that works on until it has given way, but not for ever. */
static void work_on(struct job *job)
{
    int yields_before = yields;

    while (yields == yields_before && clock_now_ns() < job->started_ns + LONG_NS)
        turns_give_way(clock_now_ns());
}

static void nothing(void *context)
{
    (void)context;
}

static void workers_take_turns(void **state)
{
    const struct workers_options options = {.threads = 1, .queue_jobs_max = 1, .run = work_on};
    struct workers *workers;
    struct done_jobs done = {.wake = nothing};
    struct job job = {.done = NULL};

    (void)state;
    skip_if_refused();
    workers = workers_start(&options);
    assert_non_null(workers);
    yields = 0;
    assert_true(workers_reserve(workers));
    workers_submit(workers, &job, &done);
    workers_stop(workers);
    assert_int_equal(yields, 1);
    assert_ptr_equal(done_jobs_take(&done), &job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_computes_gives_way_between_turns),
        cmocka_unit_test(other_policies_are_left_alone),
        cmocka_unit_test(who_serves_never_yields),
        cmocka_unit_test(workers_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
