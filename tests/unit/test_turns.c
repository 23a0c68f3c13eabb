/* test_turns.c - workers and loops give way, not too often, and keep what else they were given.
 *
 * sched_yield is this file's, to count, and so is the http that a loop drives; what the kernel was
 * told is asked of the kernel. */
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
#include <sys/timerfd.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/loop.h"
#include "server/turns.h"
#include "server/workers.h"

static atomic_int yields;

int sched_yield(void)
{
    yields++;
    return 0;
}

enum {
    SLICE_NS = 100000,
    TURN_NS = 300000, /* of a thread here */
    TURN_NS_OF_WORKERS = 100000,
    TURN_NS_OF_LOOPS = 500000,
    LONG_NS = 2000000000,
    RUNTIME_WORD = 6, /* of struct sched_attr: sched_setattr(2) */
    RUNTIME_WORDS = 12,
};

static const uint64_t before = 1000000000;

/* The slice of this thread, if the kernel tells: since Linux 6.12, and outside of some sandboxes. */
static uint64_t slice_ns(void)
{
    uint32_t words[RUNTIME_WORDS] = {sizeof words};

    if (syscall(SYS_sched_getattr, 0, words, sizeof words, 0) != 0)
        return 0;
    return words[RUNTIME_WORD] | (uint64_t)words[RUNTIME_WORD + 1] << 32;
}

/* What a thread of its own saw. */
struct seen {
    int policy, nice, nice_before;
    bool has_slice;
    int yields[7]; /* so far, after each step */
};

static void *take_turns(void *argument)
{
    struct seen *seen = argument;

    turns_join(TURN_NS);
    seen->policy = sched_getscheduler(0);
    seen->nice = getpriority(PRIO_PROCESS, (id_t)gettid());
    seen->has_slice = slice_ns() == SLICE_NS;
    for (int i = 0; i < 7; i++) {
        static const uint64_t steps_ns[] = {0, /* begins */
                                            TURN_NS - 1,
                                            TURN_NS,
                                            5 * TURN_NS, /* the next one begins only now */
                                            6 * TURN_NS - 1,
                                            6 * TURN_NS - 1 /* rested: begins */,
                                            7 * TURN_NS - 2};

        if (i == 5)
            turns_rest();
        (void)turns_give_way(before + steps_ns[i]);
        seen->yields[i] = yields;
    }
    (void)turns_give_way(before + 7 * TURN_NS - 1);
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
    static const int wanted[] = {0, 0, 1, 1, 1, 1, 1};
    struct seen seen = run_apart(take_turns_politely);

    (void)state;
    assert_int_equal(seen.policy, SCHED_OTHER);
    assert_int_equal(seen.nice, seen.nice_before);
    if (!seen.has_slice) {
        assert_int_equal(yields, 0);
        skip();
    }
    assert_memory_equal(seen.yields, wanted, sizeof wanted);
    assert_int_equal(yields, 2);
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
    uint64_t slice = slice_ns();

    (void)state;
    yields = 0;
    for (uint64_t i = 0; i < 10; i++)
        (void)turns_give_way(before + i * TURN_NS);
    assert_int_equal(yields, 0);
    assert_int_equal(slice_ns(), slice);
}

static atomic_bool has_slice;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* A job that works on until it has given way, but not for ever. */
static void work_on(struct job *job)
{
    int yields_before = yields;

    has_slice = slice_ns() == SLICE_NS;
    while (has_slice && yields == yields_before && clock_now_ns() < job->started_ns + LONG_NS)
        (void)turns_give_way(clock_now_ns());
}

/* A job that is as long as a turn, and asks for nothing; the first one waits until all are there. */
static void work_for_a_turn(struct job *job)
{
    (void)pthread_mutex_lock(&gate);
    (void)pthread_mutex_unlock(&gate);
    while (clock_now_ns() < job->started_ns + TURN_NS_OF_WORKERS)
        continue;
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
    struct job jobs[10];

    assert_non_null(workers);
    assert_in_range(count, 1, 10);
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
    bool can_have_slice = run_apart(take_turns).has_slice;
    int yields_within = yields_of(work_on, 1);

    (void)state;
    assert_int_equal(has_slice, can_have_slice);
    assert_int_equal(yields_within, can_have_slice);
    /* after every other job, as a turn begins after the rest */
    assert_int_equal(yields_of(work_for_a_turn, 10), can_have_slice ? 5 : 0);
}

/* An http that takes a turn for each pass; between them it has more to do, or waits for a timer. */
struct http {
    struct loop *loop;
    int timer; /* readable when it has rung */
    bool waits;
    int passes_left;
};

int http_epoll_fd(const struct http *http)
{
    return http->timer;
}

/* Whether the timer has rung, which rings once more then. */
static bool has_rung(int timer)
{
    const struct itimerspec soon = {.it_value.tv_nsec = 1000000};
    uint64_t rings;

    return read(timer, &rings, sizeof rings) == sizeof rings &&
           timerfd_settime(timer, 0, &soon, NULL) == 0;
}

bool http_run(struct http *http, uint64_t *wait_ms)
{
    uint64_t start_ns = clock_now_ns();

    *wait_ms = 0;
    if (http->waits && !has_rung(http->timer)) /* the tick of the loop */
        return false;
    if (http->passes_left == 0) {
        loop_end(http->loop);
        return false;
    }
    while (clock_now_ns() < start_ns + TURN_NS_OF_LOOPS)
        continue;
    http->passes_left--;
    return !http->waits;
}

bool http_starves(const struct http *http)
{
    (void)http;
    return false;
}

bool http_sweep(struct http *http)
{
    (void)http;
    return false;
}

static void *run_loop(void *argument)
{
    struct http *http = argument;

    loop_run(http->loop);
    return NULL;
}

enum { PASSES = 8 };

/* How often a loop gave way in PASSES passes. */
static int yields_of_loop(bool waits)
{
    const struct loop_events events = {.on_wake = nothing, .on_tick = nothing};
    const struct itimerspec at_once = {.it_value.tv_nsec = 1};
    struct http http = {.waits = waits, .passes_left = PASSES};
    pthread_t thread;

    http.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    assert_int_equal(timerfd_settime(http.timer, 0, &at_once, NULL), 0);
    http.loop = loop_new(&http, &events);
    assert_non_null(http.loop);
    yields = 0;
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &http), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_free(http.loop);
    assert_int_equal(close(http.timer), 0);
    return yields;
}

static void loops_take_turns(void **state)
{
    bool can_have_slice = run_apart(take_turns).has_slice;

    (void)state;
    /* after every other pass, as a turn begins after the first; the last one ends the loop */
    assert_int_equal(yields_of_loop(false), can_have_slice ? PASSES / 2 : 0);
}

static void loops_that_have_slept_begin_a_turn(void **state)
{
    (void)state;
    assert_int_equal(yields_of_loop(true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_computes_gives_way_between_turns),
        cmocka_unit_test(other_policies_are_left_alone),
        cmocka_unit_test(who_has_not_joined_never_yields),
        cmocka_unit_test(workers_take_turns),
        cmocka_unit_test(loops_take_turns),
        cmocka_unit_test(loops_that_have_slept_begin_a_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
