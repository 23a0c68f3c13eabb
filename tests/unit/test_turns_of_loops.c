/* test_turns_of_loops.c - event loops give way, when they were busy for a turn.
 *
 * sched_yield is this file's, to count, and so is the http that a loop drives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/loop.h"
#include "server/turns.h"

enum { TURN_NS = 500000, SLEEP_NS = 1000000, PASSES = 8, TRIALS_MAX = 100 };

static atomic_int yields;

int sched_yield(void)
{
    yields++;
    return 0;
}

/* ---- an http whose passes take time ---------------------------------------------------------- */

enum between { GOES_ON, COMES_BACK, SLEEPS }; /* what the loop does between passes */

struct http {
    struct loop *loop;
    int timer; /* what it watches: readable when it has rung */
    enum between between;
    uint64_t pass_ns;
    int passes_left;
};

int http_epoll_fd(const struct http *http)
{
    return http->timer;
}

static void ring_in(const struct http *http, long ns)
{
    const struct itimerspec once = {.it_value.tv_nsec = ns};

    assert_int_equal(timerfd_settime(http->timer, 0, &once, NULL), 0);
}

static bool has_rung(const struct http *http)
{
    uint64_t rings;

    return read(http->timer, &rings, sizeof rings) == sizeof rings;
}

bool http_run(struct http *http, uint64_t *wait_ms)
{
    uint64_t start_ns = clock_now_ns();

    *wait_ms = 0;
    if (http->between == SLEEPS && !has_rung(http)) /* the tick of the loop */
        return false;
    if (http->passes_left == 0) {
        loop_end(http->loop);
        return false;
    }
    while (clock_now_ns() < start_ns + http->pass_ns)
        continue;
    http->passes_left--;
    if (http->between == SLEEPS)
        ring_in(http, SLEEP_NS);
    return http->between == GOES_ON;
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

/* ---- what a loop did ------------------------------------------------------------------------- */

static void nothing(void *context)
{
    (void)context;
}

static void *run_loop(void *argument)
{
    struct http *http = argument;

    loop_run(http->loop);
    return NULL;
}

/* How often a loop gave way in PASSES passes. */
static int yields_of(enum between between, uint64_t pass_ns)
{
    const struct loop_events events = {.on_wake = nothing, .on_tick = nothing};
    struct http http = {.between = between, .pass_ns = pass_ns, .passes_left = PASSES};
    pthread_t thread;

    http.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    ring_in(&http, 1);
    http.loop = loop_new(&http, &events);
    assert_non_null(http.loop);
    yields = 0;
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &http), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_free(http.loop);
    assert_int_equal(close(http.timer), 0);
    return yields;
}

static void *give_way(void *argument)
{
    (void)argument;
    turns_join(1);
    (void)turns_give_way(clock_now_ns() + 1);
    return NULL;
}

/* Whether threads may take turns here. */
static bool is_possible(void)
{
    pthread_t thread;

    yields = 0;
    assert_int_equal(pthread_create(&thread, NULL, give_way, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return yields == 1;
}

/* So many in a run in which nobody else made the passes longer. */
static void expect(enum between between, uint64_t pass_ns, int wanted)
{
    int trials = 0;

    while (yields_of(between, pass_ns) != (is_possible() ? wanted : 0))
        assert_in_range(++trials, 1, TRIALS_MAX);
}

static void loops_take_turns(void **state)
{
    (void)state;
    assert_int_equal(yields_of(GOES_ON, TURN_NS), is_possible() ? PASSES : 0);
    expect(GOES_ON, TURN_NS / 2, PASSES / 2);
}

static void nor_does_a_way_through_libuv_end_a_turn(void **state)
{
    (void)state;
    expect(COMES_BACK, TURN_NS / 2, PASSES / 2);
}

static void loops_that_have_slept_begin_a_turn(void **state)
{
    (void)state;
    expect(SLEEPS, TURN_NS / 2, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_take_turns),
        cmocka_unit_test(nor_does_a_way_through_libuv_end_a_turn),
        cmocka_unit_test(loops_that_have_slept_begin_a_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
