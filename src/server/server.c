/* server.c - the daemon: start in order, run, stop in reverse order. */
#include "server/server.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/access.h"
#include "server/connections.h"
#include "server/front.h"
#include "server/inherited.h"
#include "server/linger.h"
#include "server/listener.h"
#include "server/notify.h"
#include "server/quota.h"
#include "server/statistics.h"

enum {
    DESCRIPTORS_SPARED = 64 + CONNECTIONS_SPARED, /* for what the process has once */
    LOOP_SPARED = LINGER_SOCKETS_MAX + 8,         /* and each loop */
    WATCHERS_MAX = 64, /* connections where metrics have an address of their own */
};

struct server {
    struct service common; /* what all fronts share */
    struct service_state state;
    struct listening listening, metrics;
    size_t count;          /* of fronts */
    size_t threads;        /* that are to be joined; of the fronts after the first */
    struct front **fronts; /* the first runs on the thread that calls server_run */
};

/* Read the files of keys again. */
static void reload(struct server *server)
{
    notify_tell(server->common.notify, NOTIFY_RELOADING);
    telemetry_reload(server->common.telemetry, access_reload(server->common.options->access));
    notify_tell(server->common.notify, NOTIFY_READY);
}

static void on_signal(void *context, int number)
{
    struct server *server = context;

    if (number == SIGHUP) {
        if (!server->state.draining)
            reload(server);
        return;
    }
    if (!server->state.draining)
        notify_tell(server->common.notify, NOTIFY_STOPPING);
    server->state.draining = true;
    for (size_t i = 0; i < server->common.options->loops; i++)
        front_stop(server->fronts[i]);
}

static bool has_metrics_apart(const struct server_options *options)
{
    return options->metrics_address[0] != '\0';
}

static size_t fronts_of(const struct server_options *options)
{
    return (size_t)options->loops + has_metrics_apart(options);
}

/* Connections take descriptors: refuse a limit that would run out of them. */
static bool has_descriptors(const struct server_options *options, struct loss_error *error)
{
    uint64_t others = DESCRIPTORS_SPARED + LOOP_SPARED * fronts_of(options) +
                      (has_metrics_apart(options) ? WATCHERS_MAX + CONNECTIONS_SPARED : 0);
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return true;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* if not, the soft limit is what there is */
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (options->connections_max + others <= limit.rlim_cur)
        return true;
    (void)loss_fail(
        error, LOSS_INTERNAL_ERROR, NULL,
        "connections_max is %llu, but only %llu files may be open (RLIMIT_NOFILE), and %llu "
        "are needed for other things",
        (unsigned long long)options->connections_max, (unsigned long long)limit.rlim_cur,
        (unsigned long long)others);
    return false;
}

/* What all fronts share. */
static bool start_common(struct server *server, struct loss_error *error)
{
    struct service *common = &server->common;
    const struct server_options *options = common->options;
    const struct workers_options workers = {.threads = (size_t)options->workers,
                                            .queue_jobs_max = (size_t)options->queue_jobs_max,
                                            .run = exchange_run};

    common->state = &server->state;
    server->state.clients.max = (size_t)options->connections_max;
    server->state.watchers.max = WATCHERS_MAX;
    common->notify = notify_new(fronts_of(options));
    common->memory =
        memory_new((size_t)options->memory_budget_bytes, (size_t)options->pool_bytes_max);
    common->telemetry = telemetry_new(common);
    common->statistics = statistics_new();
    common->quota = quota_new(options->client_requests_max);
    if (common->memory == NULL || common->telemetry == NULL || common->statistics == NULL ||
        common->notify == NULL || common->quota == NULL) {
        (void)loss_fail_memory(error);
        return false;
    }
    if (notify_is_lost(common->notify))
        log_write(common->log, LOG_WARNING, "the socket of NOTIFY_SOCKET cannot be reached", NULL,
                  0);
    common->workers = workers_start(&workers);
    if (common->workers != NULL)
        return true;
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start %zu worker threads",
                    workers.threads);
    return false;
}

/* Make a front for each of these sockets, which all find an owner, whatever fails. */
static bool make_fronts(struct server *server, const int *listeners, size_t count,
                        const struct service *common, struct loss_error *error)
{
    bool ok = true;

    for (size_t i = 0; i < count; i++) {
        struct front *front = NULL;

        if (ok)
            front = front_new(common, listeners[i], server->count == 0 ? on_signal : NULL, server,
                              error);
        else
            (void)close(listeners[i]);
        ok = front != NULL;
        if (ok)
            server->fronts[server->count++] = front;
    }
    return ok;
}

/* Listen at a place with `count` sockets, each with a front. */
static bool add_fronts(struct server *server, const struct listener_place *place, size_t count,
                       enum service_scope scope, struct listening *where, struct loss_error *error)
{
    struct service common = server->common;
    int *listeners = calloc(count, sizeof *listeners);
    bool ok = false;

    common.scope = scope;
    common.crowd = scope == SERVES_VITAL ? &server->state.watchers : &server->state.clients;
    if (listeners == NULL)
        (void)loss_fail_memory(error);
    else
        ok = listener_open(place, listeners, count, where, error);
    common.listener_is_lent = where->is_inherited;
    ok = ok && make_fronts(server, listeners, count, &common, error);
    free(listeners);
    return ok;
}

/* All but the first, which is for server_run. */
static bool start_threads(struct server *server, struct loss_error *error)
{
    bool ok = true;

    while (ok && server->threads + 1 < server->count) {
        ok = front_start(server->fronts[server->threads + 1], error);
        server->threads += ok;
    }
    return ok;
}

static bool start_fronts(struct server *server, struct loss_error *error)
{
    const struct server_options *options = server->common.options;
    int inherited;

    if (!inherited_find(&inherited, error))
        return false;
    const struct listener_place all = {options->listen_address, (unsigned)options->listen_port,
                                       inherited};
    const struct listener_place metrics = {options->metrics_address,
                                           (unsigned)options->metrics_port, -1};
    bool is_apart = has_metrics_apart(options);

    server->fronts = calloc(fronts_of(options), sizeof(struct front *));
    if (server->fronts == NULL) {
        (void)loss_fail_memory(error);
        return false;
    }
    return add_fronts(server, &all, (size_t)options->loops,
                      is_apart ? SERVES_ALL_BUT_METRICS : SERVES_ALL, &server->listening, error) &&
           (!is_apart || add_fronts(server, &metrics, 1, SERVES_VITAL, &server->metrics, error)) &&
           start_threads(server, error);
}

/* Have a front end without delay. */
static void end_front(struct front *front)
{
    front_stop(front);
    front_stop(front);
}

/* True if every request that the fronts on their own threads accepted has been answered.  The one
 * for metrics, the last, serves until the others have ended: whoever watches sees them drain, but
 * is waited for no longer. */
static bool join_fronts(struct server *server)
{
    bool all_answered = true;

    for (size_t i = 1; i <= server->threads; i++) {
        bool is_for_metrics = i == server->common.options->loops;

        if (is_for_metrics)
            end_front(server->fronts[i]);
        all_answered &= front_join(server->fronts[i]) || is_for_metrics;
    }
    server->threads = 0;
    return all_answered;
}

struct server *server_start(struct server_options *options, struct log *log,
                            struct loss_error *error)
{
    struct server *server = calloc(1, sizeof *server);

    if (server == NULL) {
        (void)loss_fail_memory(error);
        return NULL;
    }
    options_resolve(options);
    server->common.options = options;
    server->common.limits = options_codec_limits(options);
    server->common.log = log;
    if (has_descriptors(options, error) && start_common(server, error) &&
        start_fronts(server, error))
        return server;
    server_stop(server);
    return NULL;
}

const struct listening *server_listening(const struct server *server)
{
    return &server->listening;
}

unsigned server_metrics_port(const struct server *server)
{
    return server->metrics.port;
}

bool server_run(struct server *server)
{
    bool all_answered;

    notify_tell(server->common.notify, NOTIFY_READY);
    all_answered = front_run(server->fronts[0]);
    all_answered &= join_fronts(server);
    log_write(server->common.log, LOG_INFO, "stopped", NULL, 0);
    return all_answered;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 1; i <= server->threads; i++) /* it was never run */
        end_front(server->fronts[i]);
    (void)join_fronts(server);
    workers_stop(server->common.workers);
    for (size_t i = 0; i < server->count; i++)
        front_free(server->fronts[i]);
    free(server->fronts);
    telemetry_free(server->common.telemetry);
    statistics_free(server->common.statistics);
    quota_free(server->common.quota);
    notify_free(server->common.notify);
    memory_free(server->common.memory);
    free(server);
}
