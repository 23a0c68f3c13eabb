/* test_loop.c - event loops give way when they were busy for a turn, read before they judge who is
 * late, and end when they are told to.
 *
 * The http that a loop drives is this file's, and so is the wait for events: time (own_time.h) is
 * what passes and sleeps are said to take, not what they take here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/loop.h"
#include "server/turns.h"
#include "unit/own_time.h"

enum {
    TURN_NS = 500000,
    NAP_NS = 20000,
    TICK_NS = 100000000,
    PASSES = 8,
    MASK_BYTES = 8, /* the kernel's own idea of a sigset_t */
};

static uint64_t wait_ns; /* how long a loop waits for its events */

int epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout_ms,
                const sigset_t *mask)
{
    int ready = (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout_ms, mask, MASK_BYTES);

    if (ready > 0)
        now_ns += wait_ns;
    return ready;
}

/* libuv 1.44 waits with this one, later ones with the other. */
int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms)
{
    return epoll_pwait(epoll, events, count, timeout_ms, NULL);
}

/* ---- an http whose passes take time ---------------------------------------------------------- */

struct http {
    struct loop *loop;
    int always; /* what it watches: always readable */
    bool goes_on;
    uint64_t pass_ns;
    int passes_left, left_at_sweep, sweeps;
    uint64_t swept_ns;
};

int http_epoll_fd(const struct http *http)
{
    return http->always;
}

bool http_run(struct http *http, uint64_t *timeout_ms)
{
    *timeout_ms = 0;
    if (http->passes_left == 0) {
        loop_end(http->loop);
        return false;
    }
    now_ns += http->pass_ns;
    http->passes_left--;
    return http->goes_on;
}

bool http_starves(const struct http *http)
{
    (void)http;
    return false;
}

bool http_sweep(struct http *http, uint64_t at_ns)
{
    http->swept_ns = at_ns;
    http->left_at_sweep = http->passes_left;
    http->sweeps++;
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

static void run_apart(struct http *http, void (*on_tick)(void *context))
{
    const struct loop_events events = {.on_wake = nothing, .on_tick = on_tick, .context = http};
    pthread_t thread;

    http->always = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    http->loop = loop_new(http, &events);
    assert_non_null(http->loop);
    assert_int_equal(pthread_create(&thread, NULL, run_loop, http), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    loop_free(http->loop);
    assert_int_equal(close(http->always), 0);
}

/* How often a loop gave way in PASSES passes; libuv has its turn before each, or now and then. */
static int yields_of(bool goes_on, uint64_t pass_ns)
{
    struct http http = {.goes_on = goes_on, .pass_ns = pass_ns, .passes_left = PASSES};

    yields = 0;
    run_apart(&http, nothing);
    return yields;
}

static void *give_way(void *argument)
{
    (void)argument;
    turns_join(1);
    (void)turns_give_way(now_ns + 1);
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

static void loops_take_turns(void **state)
{
    int unit = is_possible();

    (void)state;
    wait_ns = 0;
    assert_int_equal(yields_of(true, TURN_NS), unit * PASSES);
    assert_int_equal(yields_of(true, TURN_NS / 2), unit * PASSES / 2);
}

static void nor_does_a_way_through_libuv_end_a_turn(void **state)
{
    (void)state;
    wait_ns = NAP_NS;
    assert_int_equal(yields_of(false, (TURN_NS - NAP_NS) / 2), is_possible() * PASSES / 2);
}

static void loops_that_have_slept_begin_a_turn(void **state)
{
    (void)state;
    wait_ns = NAP_NS + 1;
    assert_int_equal(yields_of(false, TURN_NS - 1), 0);
    assert_int_equal(yields_of(false, TURN_NS), is_possible() * PASSES);
}

/* Who sent something until the tick is judged by that time, after all of it was read. */
static void what_is_here_is_read_before_a_sweep(void **state)
{
    struct http http = {.pass_ns = TICK_NS, .passes_left = 2};

    (void)state;
    wait_ns = 0;
    now_ns = 0;
    run_apart(&http, nothing);
    assert_int_equal(http.swept_ns, TICK_NS);
    assert_int_equal(http.left_at_sweep, 0);
}

/* To read more than a tick does; but if it is late at each, it sweeps at every other. */
static void a_loop_that_is_late_sweeps_later(void **state)
{
    struct http http = {.pass_ns = 3 * (uint64_t)TICK_NS, .passes_left = 8};

    (void)state;
    wait_ns = 0;
    now_ns = 0;
    run_apart(&http, nothing); /* ticks after 1, 4, and 7 passes */
    assert_int_equal(http.sweeps, 1);
    assert_int_equal(http.swept_ns, 4 * http.pass_ns);
}

static void end(void *context)
{
    loop_end(((struct http *)context)->loop);
}

/* The first pass, on the way in, lasts until the tick, which makes another before it sweeps. */
static void loops_that_are_to_end_begin_nothing(void **state)
{
    struct http http = {.pass_ns = TICK_NS, .passes_left = PASSES};

    (void)state;
    wait_ns = 0;
    run_apart(&http, end);
    assert_int_equal(http.passes_left, PASSES - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_take_turns),
        cmocka_unit_test(nor_does_a_way_through_libuv_end_a_turn),
        cmocka_unit_test(loops_that_have_slept_begin_a_turn),
        cmocka_unit_test(what_is_here_is_read_before_a_sweep),
        cmocka_unit_test(a_loop_that_is_late_sweeps_later),
        cmocka_unit_test(loops_that_are_to_end_begin_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
