/* telemetry.c - the metrics of the server. */
#include "server/telemetry.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/process.h"
#include "server/service.h"

static const unsigned codes[TELEMETRY_CODES] = {200, 204, 304, 400, 401, 404, 405, 406, 408,
                                                411, 413, 415, 417, 500, 501, 503, 504};

/* Which statuses a request of this route and method can end with. */
static bool can_end_with(enum route_name name, enum method method, unsigned code)
{
    const struct route *route = route_row(name);
    bool common = code == 400 || code == 408 || code == 413 || code == 417 || code == 503;

    if (code == 401 && route != NULL &&
        (route->access == ROUTE_IS_OPEN || route->access == ROUTE_IS_HEALTH))
        return false;
    common |= code == 401;
    if (route == NULL)
        return method == METHOD_OTHER && (common || code == 404);
    if (!route_takes(route, method))
        return method == METHOD_OTHER && (common || code == 405 || code == 204); /* a preflight */
    if (code == 404)
        return strchr(route_path(name), '{') != NULL;
    if (code == 304)
        return route->content == content_of_document;
    if (code == 405)
        return false;
    if (code == 501)
        return name == ROUTE_V2_LOAD || name == ROUTE_V2_UNLOAD;
    if (code == 406)
        return name == ROUTE_EVALUATE;
    return common || code == 200 || code == 500 || (route->takes_body && route->content != NULL);
}

static bool register_requests(struct telemetry *telemetry)
{
    static const char name[] = "lossd_http_requests_total";
    static const char help[] = "Requests that were answered, by route, method and status.";
    char labels[96];

    for (int route = 0; route < ROUTE_COUNT; route++) {
        for (int method = 0; method < METHOD_COUNT; method++) {
            for (int code = 0; code < TELEMETRY_CODES; code++) {
                struct metric **series = &telemetry->requests[route][method][code];

                if (!can_end_with((enum route_name)route, (enum method)method, codes[code]))
                    continue;
                (void)snprintf(labels, sizeof labels, "route=\"%s\",method=\"%s\",code=\"%u\"",
                               route_path((enum route_name)route), method_name((enum method)method),
                               codes[code]);
                *series = metrics_add(telemetry->registry, METRIC_COUNTER, name, help, labels);
                if (*series == NULL)
                    return false;
            }
        }
    }
    telemetry->requests_other = metrics_add(telemetry->registry, METRIC_COUNTER, name, help,
                                            "route=\"other\",method=\"other\",code=\"other\"");
    return telemetry->requests_other != NULL;
}

static bool register_errors(struct telemetry *telemetry)
{
    char labels[96];

    for (int status = LOSS_OK + 1; status < LOSS_STATUS_COUNT; status++) {
        (void)snprintf(labels, sizeof labels, "code=\"%s\"",
                       loss_status_code((enum loss_status)status));
        telemetry->errors[status] =
            metrics_add(telemetry->registry, METRIC_COUNTER, "lossd_errors_total",
                        "Requests that were refused or failed, by code.", labels);
        if (telemetry->errors[status] == NULL)
            return false;
    }
    return true;
}

static bool register_durations(struct telemetry *telemetry)
{
    char labels[96];

    for (int route = 0; route < ROUTE_COUNT; route++) {
        (void)snprintf(labels, sizeof labels, "route=\"%s\"", route_path((enum route_name)route));
        telemetry->duration[route] = metrics_add_histogram(
            telemetry->registry, "lossd_http_request_duration_seconds",
            "Time from a request's headers to the last byte of its reply.", labels);
        if (telemetry->duration[route] == NULL)
            return false;
    }
    telemetry->queue_wait =
        metrics_add_histogram(telemetry->registry, "lossd_queue_wait_seconds",
                              "Time that requests waited for a worker, in all.", NULL);
    return telemetry->queue_wait != NULL;
}

static bool register_counters(struct telemetry *telemetry)
{
    const struct {
        struct metric **series;
        const char *name, *help;
    } rows[] = {
        {&telemetry->request_bytes, "lossd_http_request_bytes_total", "Bytes of request bodies."},
        {&telemetry->response_bytes, "lossd_http_response_bytes_total", "Bytes of reply bodies."},
        {&telemetry->rows, "lossd_rows_evaluated_total", "Positions whose loss was computed."},
        {&telemetry->client_aborts, "lossd_client_aborts_total",
         "Requests whose client went away or was cut off before its reply was complete."},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        *rows[i].series =
            metrics_add(telemetry->registry, METRIC_COUNTER, rows[i].name, rows[i].help, NULL);
        if (*rows[i].series == NULL)
            return false;
    }
    return true;
}

static bool register_reloads(struct telemetry *telemetry)
{
    static const char *const labels[ACCESS_RELOAD_COUNT] = {
        [ACCESS_RELOADED] = "result=\"ok\"", [ACCESS_KEPT] = "result=\"failed\""};

    for (int i = 0; i < ACCESS_RELOAD_COUNT; i++) {
        telemetry->reloads[i] = metrics_add(
            telemetry->registry, METRIC_COUNTER, "lossd_config_reloads_total",
            "Times that the files of keys were read again, by what came of it.", labels[i]);
        if (telemetry->reloads[i] == NULL)
            return false;
    }
    return true;
}

#define READER(name, expression)                 \
    static double name(void *context)            \
    {                                            \
        const struct service *service = context; \
        return (double)(expression);             \
    }
READER(read_queue_jobs, workers_waiting(service->workers))
READER(read_queue_jobs_max, service->options->queue_jobs_max)
READER(read_workers, service->options->workers)
READER(read_workers_busy, workers_busy(service->workers))
READER(read_used_bytes, memory_used_bytes(service->memory))
READER(read_budget_bytes, service->options->memory_budget_bytes)
READER(read_in_flight, service->state->in_flight)
READER(read_connections, service->state->clients.count + service->state->watchers.count)
READER(read_idle_connections, service->state->clients.sparable + service->state->watchers.sparable)
READER(read_draining, service->state->draining)
READER(read_dropped, service->log->dropped)
#undef READER

static bool register_readers(struct telemetry *telemetry, struct service *service)
{
    static const struct {
        enum metric_kind kind;
        const char *name, *help;
        double (*read)(void *context);
    } rows[] = {
        {METRIC_GAUGE, "lossd_queue_jobs", "Requests that wait for a worker.", read_queue_jobs},
        {METRIC_GAUGE, "lossd_queue_jobs_max", "Places in the queue.", read_queue_jobs_max},
        {METRIC_GAUGE, "lossd_workers", "Worker threads.", read_workers},
        {METRIC_GAUGE, "lossd_workers_busy", "Worker threads at work.", read_workers_busy},
        {METRIC_GAUGE, "lossd_in_flight_bytes", "Memory held by requests.", read_used_bytes},
        {METRIC_GAUGE, "lossd_memory_budget_bytes", "Most memory that requests may hold.",
         read_budget_bytes},
        {METRIC_GAUGE, "lossd_in_flight_requests", "Requests between headers and last byte.",
         read_in_flight},
        {METRIC_GAUGE, "lossd_connections", "Open connections.", read_connections},
        {METRIC_GAUGE, "lossd_idle_connections",
         "Those that would be closed for others, a tenth of a second ago.", read_idle_connections},
        {METRIC_GAUGE, "lossd_draining", "1 from the signal to stop on, else 0.", read_draining},
        {METRIC_COUNTER, "lossd_log_dropped_total", "Log lines that could not be written.",
         read_dropped},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (metrics_add_reader(telemetry->registry, rows[i].kind, rows[i].name, rows[i].help,
                               rows[i].read, service) == NULL)
            return false;
    }
    return true;
}

static bool register_build(struct telemetry *telemetry, const struct service *service)
{
    struct metric *build;
    char labels[96];

    (void)snprintf(labels, sizeof labels, "version=\"%s\",revision=\"%s\"",
                   service->options->version, service->options->revision);
    build = metrics_add(telemetry->registry, METRIC_GAUGE, "lossd_build_info",
                        "1, with the version as labels.", labels);
    if (build != NULL)
        metric_add(build, 1);
    return build != NULL;
}

struct telemetry *telemetry_new(struct service *service)
{
    struct telemetry *telemetry = calloc(1, sizeof *telemetry);

    if (telemetry == NULL)
        return NULL;
    telemetry->registry = metrics_new();
    if (telemetry->registry != NULL && register_requests(telemetry) && register_errors(telemetry) &&
        register_durations(telemetry) && register_counters(telemetry) &&
        register_reloads(telemetry) && register_readers(telemetry, service) &&
        register_build(telemetry, service) && process_register(telemetry->registry))
        return telemetry;
    telemetry_free(telemetry);
    return NULL;
}

void telemetry_free(struct telemetry *telemetry)
{
    if (telemetry == NULL)
        return;
    metrics_free(telemetry->registry);
    free(telemetry);
}

void telemetry_reload(struct telemetry *telemetry, enum access_reload reload)
{
    if (reload < ACCESS_RELOAD_COUNT)
        metric_add(telemetry->reloads[reload], 1);
}

void telemetry_request(struct telemetry *telemetry, enum route_name route, enum method method,
                       unsigned http_status, uint64_t duration_ns)
{
    const struct route *row = route_row(route);
    enum method label = row != NULL && route_takes(row, method) ? method : METHOD_OTHER;
    struct metric *series = NULL;

    for (int code = 0; code < TELEMETRY_CODES; code++) {
        if (codes[code] == http_status)
            series = telemetry->requests[route][label][code];
    }
    metric_add(series != NULL ? series : telemetry->requests_other, 1);
    metric_observe(telemetry->duration[route], duration_ns);
}
