/* front.c - one event loop: serve, drain, end. */
#include "server/front.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "server/access.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/loop.h"
#include "server/notify.h"

enum {
    QUIET_TICKS = 3,       /* with nothing in flight, before a drained front ends */
    FIRST_WORDS_MS = 1000, /* for the requests of those who had only just connected */
    LAST_WORDS_MS = 1000,  /* for the replies of those who are refused at the very end */
};

enum stage {
    SERVING,
    DELAYING, /* told to stop: not ready, but serving on while the balancers notice */
    DRAINING, /* no new connections */
    ENDING,   /* out of patience: workers give up at their next piece */
};

struct front {
    struct service service;
    enum stage stage;
    uint64_t stage_since_ns;
    unsigned quiet_ticks;
    bool is_unquiet; /* and counted as such; what serves metrics alone never is */
    unsigned stops_heard;
    _Atomic unsigned stops; /* how often it was told to stop */
    unsigned round;         /* of notify_tick */
    bool is_first;          /* of several, which do the same at the same time: it logs for all */
    struct http *http;
    struct loop *loop;
    pthread_t thread; /* if it has one of its own; and what it ended with */
    bool has_answered;
};

static void enter(struct front *front, enum stage stage, const char *event)
{
    const struct log_field field = {"in_flight", NULL, (double)front->service.state->in_flight};

    front->stage = stage;
    front->stage_since_ns = clock_now_ns();
    if (front->is_first)
        log_write(front->service.log, LOG_INFO, event, &field, 1);
}

static bool has_passed(const struct front *front, uint64_t ms)
{
    return clock_now_ns() - front->stage_since_ns >= ms * 1000000;
}

/* Jobs that are done, or came back from the queue undone: late, or given up. */
static void resume_done(struct front *front)
{
    struct job *job = done_jobs_take(&front->service.done);

    while (job != NULL) {
        struct job *next = job->next;

        if (job->started_ns == 0)
            exchange_give_up((struct exchange *)job);
        http_resume((struct exchange *)job);
        job = next;
    }
}

/* Answer those that still wait, so that nobody is left without a reply.  Other fronts' jobs go back
 * to them: they have given up too, or will with their next tick. */
static void give_up(struct front *front, const char *event)
{
    front->service.state->abandoning = true;
    enter(front, ENDING, event);
    workers_return_late(front->service.workers, UINT64_MAX);
    resume_done(front);
}

static void obey(struct front *front)
{
    front->stops_heard++;
    if (front->stage == SERVING) {
        loop_hurry(front->loop);
        enter(front, DELAYING, "stopping: not ready any more");
    } else if (front->stage != ENDING) {
        http_close_listener(front->http);
        give_up(front, "stopping at once: signalled again");
    }
}

static void on_wake(void *context)
{
    struct front *front = context;

    while (front->stops_heard != front->stops)
        obey(front);
    resume_done(front);
}

static bool has_nothing_to_do(const struct front *front)
{
    return front->service.in_flight == 0 &&
           (front->stage != DRAINING || has_passed(front, FIRST_WORDS_MS) ||
            !http_expects_request(front->http));
}

/* Tell the others, if something has changed. */
static void note_quiet(struct front *front)
{
    bool is_quiet;

    front->quiet_ticks = has_nothing_to_do(front) ? front->quiet_ticks + 1 : 0;
    is_quiet = front->quiet_ticks >= QUIET_TICKS;
    if (front->service.scope == SERVES_VITAL || front->is_unquiet != is_quiet)
        return;
    front->is_unquiet = !is_quiet;
    if (is_quiet)
        front->service.state->unquiet--;
    else
        front->service.state->unquiet++;
}

static bool is_out_of_time(const struct front *front)
{
    return front->stage == ENDING && has_passed(front, LAST_WORDS_MS);
}

/* Fronts end together: as long as one of them drains, the connections of the others may bring
 * requests.  In the end, whoever still has half a request to send or half a reply to read is cut
 * off.  A worker's connection cannot be: it is suspended, but comes back within a piece of work. */
static bool may_end(const struct front *front)
{
    if (front->quiet_ticks >= QUIET_TICKS &&
        (front->stage == ENDING || front->service.state->unquiet == 0))
        return true;
    return is_out_of_time(front) && front->service.working == 0;
}

static void end(struct front *front)
{
    if (!front->is_first && front->service.scope != SERVES_VITAL)
        front->service.state->others--;
    loop_end(front->loop);
}

static void on_tick(void *context)
{
    struct front *front = context;
    const struct server_options *options = front->service.options;

    notify_tick(front->service.notify, &front->round);
    if (front->is_first) {
        access_report(options->access, clock_now_ns());
        workers_return_late(front->service.workers, clock_now_ns());
    }
    if (front->stage == DELAYING && has_passed(front, options->drain_delay_ms)) {
        http_close_listener(front->http);
        enter(front, DRAINING, "draining: no new connections");
    }
    if (front->stage == DRAINING && has_passed(front, options->drain_timeout_ms))
        give_up(front, "the time to drain is over");
    if (front->stage < DRAINING)
        return;
    note_quiet(front);
    if (!may_end(front))
        return;
    if (!http_part(front->http) && !is_out_of_time(front))
        front->quiet_ticks = 0; /* somebody has asked in the last moment */
    else if (!front->is_first || front->service.state->others == 0)
        end(front); /* the first, which hears the signals, ends last */
}

static void wake(void *context)
{
    struct front *front = context;

    loop_wake(front->loop);
}

struct front *front_new(const struct service *common, int listener,
                        void (*on_signal)(void *context, int number), void *context,
                        struct loss_error *error)
{
    struct front *front = calloc(1, sizeof *front);
    struct loop_events events = {on_wake, on_tick, front, on_signal, context};

    if (front == NULL) {
        (void)close(listener);
        (void)loss_fail_memory(error);
        return NULL;
    }
    front->service = *common;
    front->service.done.wake = wake;
    front->service.done.context = front;
    front->is_first = on_signal != NULL;
    front->is_unquiet = common->scope != SERVES_VITAL;
    common->state->unquiet += front->is_unquiet;
    common->state->others += front->is_unquiet && !front->is_first;
    if (getrandom(&front->service.request_seed, sizeof front->service.request_seed, 0) !=
        (ssize_t)sizeof front->service.request_seed)
        front->service.request_seed = clock_now_ns();
    front->http = http_start(&front->service, listener, error);
    if (front->http == NULL) {
        free(front);
        return NULL;
    }
    front->loop = loop_new(front->http, &events);
    if (front->loop != NULL)
        return front;
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start an event loop");
    front_free(front);
    return NULL;
}

bool front_run(struct front *front)
{
    loop_run(front->loop);
    return front->service.in_flight == 0;
}

static void *run(void *context)
{
    struct front *front = context;

    front->has_answered = front_run(front);
    return NULL;
}

bool front_start(struct front *front, struct loss_error *error)
{
    if (pthread_create(&front->thread, NULL, run, front) == 0)
        return true;
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start the thread of an event loop");
    return false;
}

bool front_join(struct front *front)
{
    (void)pthread_join(front->thread, NULL); /* fails for no thread that was started once */
    return front->has_answered;
}

void front_stop(struct front *front)
{
    front->stops++;
    loop_wake(front->loop);
}

void front_free(struct front *front)
{
    if (front == NULL)
        return;
    loop_free(front->loop);
    http_stop(front->http);
    exchange_free_spares(&front->service);
    free(front);
}
