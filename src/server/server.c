/* server.c - the daemon: start in order, run, stop in reverse order. */
#include "server/server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/connection.h"
#include "server/front.h"
#include "server/listener.h"
#include "server/statistics.h"

enum { DESCRIPTORS_SPARED = 64 }; /* for everything that is no connection */

struct server {
    struct service common; /* what all fronts share */
    struct service_state state;
    unsigned port, metrics_port;
    size_t count;          /* of fronts */
    struct front **fronts; /* the first runs on the thread that calls server_run */
};

static void on_signal(void *context)
{
    struct server *server = context;

    server->state.draining = true;
    for (size_t i = 0; i < server->count; i++)
        front_stop(server->fronts[i]);
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
    if (options->connections_max + CONNECTIONS_SPARED * options->loops + DESCRIPTORS_SPARED <=
        limit.rlim_cur)
        return true;
    (void)loss_fail(
        error, LOSS_INTERNAL_ERROR, NULL,
        "connections_max is %llu, but only %llu files may be open (RLIMIT_NOFILE), and %d "
        "are needed for other things",
        (unsigned long long)options->connections_max, (unsigned long long)limit.rlim_cur,
        DESCRIPTORS_SPARED + CONNECTIONS_SPARED * (int)options->loops);
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
    common->memory =
        memory_new((size_t)options->memory_budget_bytes, (size_t)options->pool_bytes_max);
    common->telemetry = telemetry_new(common);
    common->statistics = statistics_new();
    if (common->memory == NULL || common->telemetry == NULL || common->statistics == NULL) {
        (void)loss_fail_memory(error);
        return false;
    }
    common->workers = workers_start(&workers);
    if (common->workers != NULL)
        return true;
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot start %zu worker threads",
                    workers.threads);
    return false;
}

/* Make a front for each of these sockets, which all find an owner, whatever fails. */
static bool make_fronts(struct server *server, const int *listeners, size_t count,
                        enum service_scope scope, struct loss_error *error)
{
    struct service common = server->common;
    bool ok = true;

    common.scope = scope;
    for (size_t i = 0; i < count; i++) {
        struct front *front = NULL;

        if (ok)
            front = front_new(&common, listeners[i], server->count == 0 ? on_signal : NULL, server,
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
                       enum service_scope scope, unsigned *port, struct loss_error *error)
{
    int *listeners = calloc(count, sizeof *listeners);
    bool ok = false;

    if (listeners == NULL)
        (void)loss_fail_memory(error);
    else
        ok = listener_open(place, listeners, count, port, error) &&
             make_fronts(server, listeners, count, scope, error);
    free(listeners);
    return ok;
}

/* All but the first, which is for server_run. */
static bool start_threads(struct server *server, struct loss_error *error)
{
    size_t started = 1;
    bool ok = true;

    while (ok && started < server->count) {
        ok = front_start(server->fronts[started], error);
        started += ok;
    }
    for (size_t i = 1; !ok && i < started; i++) {
        front_stop(server->fronts[i]);
        front_stop(server->fronts[i]); /* at once */
        (void)front_join(server->fronts[i]);
    }
    return ok;
}

static bool start_fronts(struct server *server, struct loss_error *error)
{
    const struct server_options *options = server->common.options;
    const struct listener_place all = {"listen_address", options->listen_address,
                                       (unsigned)options->listen_port};
    const struct listener_place metrics = {"metrics_address", options->metrics_address,
                                           (unsigned)options->metrics_port};
    bool is_apart = options->metrics_address[0] != '\0';

    server->fronts = calloc((size_t)options->loops + is_apart, sizeof *server->fronts);
    if (server->fronts == NULL) {
        (void)loss_fail_memory(error);
        return false;
    }
    return add_fronts(server, &all, (size_t)options->loops,
                      is_apart ? SERVES_ALL_BUT_METRICS : SERVES_ALL, &server->port, error) &&
           (!is_apart ||
            add_fronts(server, &metrics, 1, SERVES_VITAL, &server->metrics_port, error)) &&
           start_threads(server, error);
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

unsigned server_port(const struct server *server)
{
    return server->port;
}

unsigned server_metrics_port(const struct server *server)
{
    return server->metrics_port;
}

bool server_run(struct server *server)
{
    bool all_answered = front_run(server->fronts[0]);

    for (size_t i = 1; i < server->count; i++)
        all_answered &= front_join(server->fronts[i]);
    log_write(server->common.log, LOG_INFO, "stopped", NULL, 0);
    return all_answered;
}

void server_stop(struct server *server)
{
    if (server == NULL)
        return;
    workers_stop(server->common.workers);
    for (size_t i = 0; i < server->count; i++)
        front_free(server->fronts[i]);
    free(server->fronts);
    telemetry_free(server->common.telemetry);
    statistics_free(server->common.statistics);
    memory_free(server->common.memory);
    free(server);
}
