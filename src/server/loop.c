/* loop.c - an event loop. */
#include "server/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "server/clock.h"
#include "server/turns.h"

enum {
    TICK_MS = 100, /* libmicrohttpd re-arms a full listener only when it is run */
    TICK_MS_HURRIED = 10,
    PUMP_PASSES = 4,
    TURN_NS = 500000, /* 0.1 ms lets more small requests by, and half as many large ones */
    NAP_NS = 20000,   /* the way through libuv takes less: the loop has slept */
    LATE_NS = 2 * TICK_MS * 1000000,
};

struct loop {
    struct http *http;
    struct loop_events events;
    uv_loop_t uv;
    uv_poll_t poll;   /* http's epoll descriptor */
    uv_timer_t timer; /* http's own next timeout */
    uv_idle_t idle;   /* http has more to do, after the other handles had their turn */
    uv_async_t wake;
    uv_timer_t tick;
    uv_signal_t sigterm, sigint, sighup;
    bool has_ended;
    uint64_t ticked_ns; /* the last tick */
    bool is_late;       /* it came so late that it only read */
    uint64_t left_ns;   /* when it came back from the last pass of http, and from giving way */
};

static void on_timer(uv_timer_t *timer);
static void on_idle(uv_idle_t *idle);
static void on_readable(uv_poll_t *poll, int status, int events);

static void pump(struct loop *loop)
{
    uint64_t wait_ms;

    if (loop->has_ended) /* the way out leads by here: what comes now is not to be begun */
        return;
    (void)uv_timer_stop(&loop->timer);
    (void)uv_idle_stop(&loop->idle);
    if (!uv_is_active((const uv_handle_t *)&loop->poll))
        (void)uv_poll_start(&loop->poll, UV_READABLE, on_readable);
    for (int pass = 0; pass < PUMP_PASSES; pass++) {
        bool is_pending = http_run(loop->http, &wait_ms);

        loop->left_ns = turns_give_way(clock_now_ns());
        if (http_starves(loop->http)) { /* until the next tick */
            (void)uv_poll_stop(&loop->poll);
            return;
        }
        if (!is_pending)
            return;
        if (wait_ms > 0) {
            (void)uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
            return;
        }
    }
    (void)uv_idle_start(&loop->idle, on_idle);
}

/* Back from libuv, first of all. */
static void come_back(const struct loop *loop)
{
    uint64_t now_ns = clock_now_ns();

    if (now_ns - loop->left_ns > NAP_NS)
        turns_begin(now_ns);
}

static void on_timer(uv_timer_t *timer)
{
    come_back(timer->data);
    pump(timer->data);
}

static void on_idle(uv_idle_t *idle)
{
    pump(idle->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* an error shows itself when http looks at the descriptor */
    (void)events;
    come_back(poll->data);
    pump(poll->data);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;

    come_back(loop);
    loop->events.on_wake(loop->events.context);
    pump(loop);
}

/* Whether so much may be here that it takes until the next tick to read it; not twice in a row. */
static bool is_late(struct loop *loop, uint64_t now_ns)
{
    loop->is_late = !loop->is_late && now_ns - loop->ticked_ns > LATE_NS;
    loop->ticked_ns = now_ns;
    return loop->is_late;
}

/* Read what is here first: nobody is late with it because this loop was. */
static void on_tick(uv_timer_t *tick)
{
    struct loop *loop = tick->data;
    uint64_t now_ns = clock_now_ns();

    come_back(loop);
    pump(loop);
    if (!is_late(loop, now_ns) && http_sweep(loop->http, now_ns))
        (void)uv_timer_start(tick, on_tick, TICK_MS_HURRIED, uv_timer_get_repeat(tick));
    loop->events.on_tick(loop->events.context);
    pump(loop);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct loop *loop = signal->data;

    loop->events.on_signal(loop->events.signal_context, number);
}

static void close_one(uv_handle_t *handle, void *argument)
{
    (void)argument;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* Close every handle and run until that is done. */
static void close_all(struct loop *loop)
{
    uv_walk(&loop->uv, close_one, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int status = uv_loop_close(&loop->uv);
    assert(status == 0);
    (void)status;
}

static bool watch_signals(struct loop *loop)
{
    return uv_signal_init(&loop->uv, &loop->sigterm) == 0 &&
           uv_signal_start(&loop->sigterm, on_signal, SIGTERM) == 0 &&
           uv_signal_init(&loop->uv, &loop->sigint) == 0 &&
           uv_signal_start(&loop->sigint, on_signal, SIGINT) == 0 &&
           uv_signal_init(&loop->uv, &loop->sighup) == 0 &&
           uv_signal_start(&loop->sighup, on_signal, SIGHUP) == 0;
}

struct loop *loop_new(struct http *http, const struct loop_events *events)
{
    struct loop *loop = calloc(1, sizeof *loop);

    if (loop == NULL)
        return NULL;
    loop->http = http;
    loop->events = *events;
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return NULL;
    }
    (void)uv_timer_init(&loop->uv, &loop->timer); /* these never fail */
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    loop->timer.data = loop->idle.data = loop->tick.data = loop;
    loop->poll.data = loop->wake.data = loop->sigterm.data = loop->sigint.data = loop;
    loop->sighup.data = loop;
    if (uv_poll_init(&loop->uv, &loop->poll, http_epoll_fd(http)) == 0 &&
        uv_poll_start(&loop->poll, UV_READABLE, on_readable) == 0 &&
        uv_async_init(&loop->uv, &loop->wake, on_wake) == 0 &&
        (events->on_signal == NULL || watch_signals(loop)) &&
        uv_timer_start(&loop->tick, on_tick, TICK_MS, TICK_MS) == 0)
        return loop;
    close_all(loop);
    free(loop);
    return NULL;
}

void loop_run(struct loop *loop)
{
    turns_join(TURN_NS);
    loop->ticked_ns = clock_now_ns();
    pump(loop);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_end(struct loop *loop)
{
    loop->has_ended = true;
    uv_stop(&loop->uv);
}

void loop_hurry(struct loop *loop)
{
    (void)uv_timer_start(&loop->tick, on_tick, TICK_MS_HURRIED, TICK_MS_HURRIED);
}

void loop_wake(struct loop *loop)
{
    (void)uv_async_send(&loop->wake); /* fails for no handle that is open */
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    close_all(loop);
    free(loop);
}
