/* test_turns.c - workers give way, not too often, and keep what else they were given.
 *
 * Time (own_time.h) is what jobs are said to take; what the kernel was told is asked of the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/turns.h"
#include "server/workers.h"
#include "support/slices.h"
#include "unit/own_time.h"

enum {
    TURN_NS = 300000, /* of a thread here */
    TURN_NS_OF_WORKERS = 100000,
    LONG_NS = 2000000,
    STEP_NS = 1000,
    STEPS = 4,
    JOBS = 10,
};

/* What a thread of its own saw. */
struct seen {
    int policy, nice, nice_before;
    bool has_slice;
    int yields[STEPS];    /* so far, after each step */
    bool is_right[STEPS]; /* the time that it was told */
};

/* The first turn is to begin in an hour. */
static void *take_turns(void *argument)
{
    static const uint64_t steps_ns[STEPS] = {TURN_NS - 1, TURN_NS, TURN_NS - 1, TURN_NS};
    const uint64_t hour_ns = 3600000000000;
    struct seen *seen = argument;
    uint64_t begun_ns;

    turns_join(TURN_NS);
    seen->policy = sched_getscheduler(0);
    seen->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    seen->has_slice = slice_ns(0) == SLICE_NS_MIN;
    begun_ns = now_ns + hour_ns;
    turns_begin(begun_ns);
    for (int i = 0; i < STEPS; i++) {
        uint64_t asked_ns = begun_ns + steps_ns[i];
        int yields_before = yields;
        uint64_t told_ns = turns_give_way(asked_ns);

        seen->yields[i] = yields;
        if (yields == yields_before) {
            seen->is_right[i] = told_ns == asked_ns;
        } else {
            seen->is_right[i] = told_ns == now_ns;
            begun_ns = told_ns;
        }
    }
    return NULL;
}

static void *take_turns_politely(void *argument)
{
    struct seen *seen = argument;

    (void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){.sched_priority = 0});
    seen->nice_before = getpriority(PRIO_PROCESS, (id_t)gettid());
    seen->nice_before += seen->nice_before < 19;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), seen->nice_before);
    return take_turns(argument);
}

static void *take_turns_as_batch(void *argument)
{
    (void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){.sched_priority = 0});
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
    static const int wanted[STEPS] = {0, 1, 1, 2};
    struct seen seen = run_apart(take_turns_politely);

    (void)state;
    assert_int_equal(seen.policy, SCHED_OTHER);
    assert_int_equal(seen.nice, seen.nice_before);
    assert_true(seen.has_slice || !slices_can_be_short());
    for (int i = 0; i < STEPS; i++)
        assert_true(seen.is_right[i]);
    if (!seen.has_slice) {
        assert_int_equal(yields, 0);
        skip();
    }
    assert_memory_equal(seen.yields, wanted, sizeof wanted);
}

/* Whoever runs it has said how it is to be scheduled. */
static void other_policies_are_left_alone(void **state)
{
    struct seen seen = run_apart(take_turns_as_batch);

    (void)state;
    assert_int_equal(yields, 0);
    assert_false(seen.has_slice);
    assert_int_equal(seen.policy, SCHED_BATCH);
}

static void who_has_not_joined_never_yields(void **state)
{
    uint64_t slice = slice_ns(0);

    (void)state;
    yields = 0;
    turns_begin(now_ns);
    assert_int_equal(turns_give_way(now_ns + LONG_NS), now_ns + LONG_NS);
    assert_int_equal(yields, 0);
    assert_int_equal(slice_ns(0), slice);
}

static atomic_bool has_slice;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* A job that works on until it has given way, but not for ever. */
static void work_on(struct job *job)
{
    has_slice = slice_ns(0) == SLICE_NS_MIN;
    while (yields == 0 && now_ns < job->started_ns + LONG_NS) {
        now_ns += STEP_NS;
        (void)turns_give_way(now_ns);
    }
}

static uint64_t job_ns;

/* A job of so long that asks for nothing; the first one waits until all are there. */
static void work_for_long(struct job *job)
{
    (void)job;
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    now_ns += job_ns;
}

static void nothing(void *context)
{
    (void)context;
}

/* How often one worker gave way in `count` jobs. */
static int yields_of(void (*run)(struct job *job), size_t count)
{
    const struct workers_options options = {.threads = 1, .queue_jobs_max = count, .run = run};
    struct workers *workers = workers_start(&options);
    struct done_jobs done = {.wake = nothing};
    struct job jobs[JOBS];

    assert_non_null(workers);
    assert_in_range(count, 1, JOBS);
    yields = 0;
    (void)pthread_mutex_lock(&gate);
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct job){.done = NULL};
        assert_true(workers_reserve(workers));
        workers_submit(workers, &jobs[i], &done);
    }
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    return yields;
}

static void workers_take_turns(void **state)
{
    int unit = slices_can_be_short();
    uint64_t start_ns = now_ns;

    (void)state;
    assert_int_equal(yields_of(work_on, 1), unit);
    assert_int_equal(has_slice, unit);
    assert_int_equal(now_ns - start_ns, unit == 1 ? TURN_NS_OF_WORKERS : LONG_NS);
    job_ns = TURN_NS_OF_WORKERS;
    assert_int_equal(yields_of(work_for_long, JOBS), unit * JOBS);
    job_ns = TURN_NS_OF_WORKERS / 2;
    assert_int_equal(yields_of(work_for_long, JOBS), unit * JOBS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_computes_gives_way_between_turns),
        cmocka_unit_test(other_policies_are_left_alone),
        cmocka_unit_test(who_has_not_joined_never_yields),
        cmocka_unit_test(workers_take_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
