/* server.c - the daemon: start in order, run, drain, stop in reverse order. */
#include "server/server.h"

#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "server/access.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/listener.h"
#include "server/loop.h"
#include "server/statistics.h"

enum {
    DESCRIPTORS_SPARED = 64, /* for everything that is no connection */
    QUIET_TICKS = 3,         /* with nothing in flight, before a drained server stops */
    LAST_WORDS_MS = 1000,    /* for the replies of those who are refused at the very end */
};

enum stage {
    SERVING,
    DELAYING, /* told to stop: not ready, but serving on while the balancers notice */
    DRAINING, /* no new connections */
    ENDING,   /* out of patience: workers give up at their next block */
};

struct server {
    struct service service;
    enum stage stage;
    uint64_t stage_since_ns;
    unsigned quiet_ticks;
    unsigned port;
    struct statistics statistics;
    struct http *http;
    struct loop *loop;
};

static void enter(struct server *server, enum stage stage, const char *event)
{
    const struct log_field field = {"in_flight", NULL, (double)server->service.in_flight};

    server->stage = stage;
    server->stage_since_ns = clock_now_ns();
    log_write(server->service.log, LOG_INFO, event, &field, 1);
}

static bool has_passed(const struct server *server, uint64_t ms)
{
    return clock_now_ns() - server->stage_since_ns >= ms * 1000000;
}

/* Answer the jobs that still wait, so that nobody is left without a reply. */
static void refuse_waiting(struct server *server)
{
    struct job *job = workers_take_waiting(server->service.workers);

    while (job != NULL) {
        struct job *next = job->next;

        exchange_fail_plainly((struct exchange *)job, LOSS_DRAINING);
        http_resume((struct exchange *)job);
        job = next;
    }
    while (server->service.stalled != NULL) {
        struct exchange *exchange = server->service.stalled;

        server->service.stalled = exchange->next;
        exchange_fail_plainly(exchange, LOSS_DRAINING);
        http_resume(exchange);
    }
}

static void give_up(struct server *server, const char *event)
{
    server->service.abandoning = true;
    enter(server, ENDING, event);
    refuse_waiting(server);
}

static void on_wake(void *context)
{
    struct server *server = context;
    struct job *job = workers_take_done(server->service.workers);

    while (job != NULL) {
        struct job *next = job->next;

        http_resume((struct exchange *)job);
        job = next;
    }
    exchange_admit_stalled(&server->service); /* there are places in the queue again */
}

static void on_signal(void *context)
{
    struct server *server = context;

    if (server->stage == SERVING) {
        server->service.draining = true;
        loop_hurry(server->loop);
        enter(server, DELAYING, "stopping: not ready any more");
    } else if (server->stage != ENDING) {
        http_close_listener(server->http);
        give_up(server, "stopping at once: signalled again");
    }
}

static void on_hangup(void *context)
{
    struct server *server = context;

    telemetry_reload(server->service.telemetry, access_reload(server->service.options->access));
}

static void on_tick(void *context)
{
    struct server *server = context;
    const struct server_options *options = server->service.options;

    access_report(options->access, clock_now_ns());
    if (server->stage == DELAYING && has_passed(server, options->drain_delay_ms)) {
        http_close_listener(server->http);
        enter(server, DRAINING, "draining: no new connections");
    }
    if (server->stage == DRAINING && has_passed(server, options->drain_timeout_ms))
        give_up(server, "the time to drain is over");
    if (server->stage < DRAINING)
        return;
    server->quiet_ticks = server->service.in_flight == 0 ? server->quiet_ticks + 1 : 0;
    /* In the end, whoever still has half a request to send or half a reply to read is cut off.  A
     * worker's connection cannot be: it is suspended, but comes back within a block of rows. */
    if (server->quiet_ticks >= QUIET_TICKS ||
        (server->stage == ENDING && server->service.working == 0 &&
         has_passed(server, LAST_WORDS_MS)))
        loop_end(server->loop);
}

static void wake(void *context)
{
    struct server *server = context;

    loop_wake(server->loop);
}

/* Connections take descriptors: refuse a limit that would run out of them. */
static bool has_descriptors(const struct server_options *options, struct loss_error *error)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* if not, the soft limit is what there is */
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (options->connections_max + DESCRIPTORS_SPARED <= limit.rlim_cur)
        return true;
    (void)loss_fail(
        error, LOSS_INTERNAL_ERROR, NULL,
        "connections_max is %llu, but only %llu files may be open (RLIMIT_NOFILE), and %d "
        "are needed for other things",
        (unsigned long long)options->connections_max, (unsigned long long)limit.rlim_cur,
        DESCRIPTORS_SPARED);
    return false;
}

static bool start_service(struct server *server, struct loss_error *error)
{
    struct service *service = &server->service;
    const struct server_options *options = service->options;
    const struct workers_options workers = {.threads = (size_t)options->workers,
                                            .queue_jobs_max = (size_t)options->queue_jobs_max,
                                            .run = exchange_run,
                                            .wake = wake,
                                            .context = server};

    if (getrandom(&service->request_seed, sizeof service->request_seed, 0) !=
        (ssize_t)sizeof service->request_seed)
        service->request_seed = clock_now_ns();
    service->memory =
        memory_new((size_t)options->memory_budget_bytes, (size_t)options->pool_bytes_max);
    service->telemetry = telemetry_new(service);
    service->statistics = &server->statistics;
    if (service->memory != NULL && service->telemetry != NULL) {
        service->workers = workers_start(&workers);
        if (service->workers != NULL)
            return true;
        (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start %zu worker threads",
                        workers.threads);
        return false;
    }
    (void)loss_fail_memory(error);
    return false;
}

struct server *server_start(struct server_options *options, struct log *log,
                            struct loss_error *error)
{
    struct server *server = calloc(1, sizeof *server);
    struct loop_events events = {on_wake, on_tick, on_signal, on_hangup, server};
    int listener;

    if (server == NULL) {
        (void)loss_fail_memory(error);
        return NULL;
    }
    options_resolve(options);
    server->service.options = options;
    server->service.limits = options_codec_limits(options);
    server->service.log = log;
    if (!has_descriptors(options, error) || !start_service(server, error))
        goto stop;
    listener = listener_open(options, &server->port, error);
    if (listener < 0)
        goto stop;
    server->http = http_start(&server->service, listener, error);
    if (server->http == NULL)
        goto stop;
    server->loop = loop_new(server->http, &events);
    if (server->loop != NULL)
        return server;
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start the event loop");

stop:
    server_stop(server);
    return NULL;
}

unsigned server_port(const struct server *server)
{
    return server->port;
}

bool server_run(struct server *server)
{
    loop_run(server->loop);
    enter(server, server->stage, "stopped");
    return server->service.in_flight == 0;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    workers_stop(server->service.workers);
    http_stop(server->http);
    loop_free(server->loop);
    exchange_free_spares(&server->service);
    telemetry_free(server->service.telemetry);
    memory_free(server->service.memory);
    free(server);
}
