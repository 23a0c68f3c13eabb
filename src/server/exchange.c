/* exchange.c - one request and its reply. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/connection.h"
#include "server/exchange_internal.h"
#include "server/statistics.h"
#include "server/turns.h"

/* In the queue, before anybody looks whether the client is still there. */
enum { LONG_WAIT_MS = 50 };

static_assert(offsetof(struct exchange, job) == 0, "a job is an exchange");

void exchange_limit_time(struct exchange *exchange, uint64_t microseconds)
{
    uint64_t deadline_ns = exchange->opened_ns + microseconds * 1000;

    if (microseconds < UINT64_MAX / 2000 && deadline_ns < exchange->deadline_ns)
        exchange->deadline_ns = deadline_ns;
}

bool exchange_is_full(struct exchange *exchange)
{
    if (exchange->content.is_stream && exchange->status == LOSS_OK && stream_is_full(exchange))
        exchange_queue(exchange);
    if (exchange->status != LOSS_OK && exchange->state == EXCHANGE_ANSWERED)
        exchange_read_on(exchange); /* there was no place in the queue */
    return exchange->state == EXCHANGE_WORKING;
}

bool exchange_is_for_workers(const struct exchange *exchange, size_t length)
{
    /* What is compressed may be a thousand times as large. */
    return length > exchange->service->options->inline_bytes_max ||
           exchange->content.coding_in != CODING_IDENTITY;
}

void exchange_complete(struct exchange *exchange)
{
    if (exchange->status != LOSS_OK) {
        exchange->state = EXCHANGE_ANSWERED;
        return;
    }
    if (exchange->body != NULL)
        memset(exchange->body + exchange->body_length, 0, CODEC_PADDING);
    if (exchange->content.is_stream) {
        stream_end(exchange);
        return;
    }
    if (!exchange_takes_body(exchange) ||
        !exchange_is_for_workers(exchange, exchange->body_length)) {
        exchange_run(&exchange->job);
        return;
    }
    exchange_queue(exchange);
}

void exchange_queue(struct exchange *exchange)
{
    exchange->job.deadline_ns = exchange->deadline_ns;
    exchange->has_place = !exchange->has_been_queued && workers_reserve(exchange->service->workers);
    if (exchange->has_place || exchange->has_been_queued)
        exchange->state = EXCHANGE_WORKING;
    else
        exchange_fail_plainly(exchange, LOSS_QUEUE_FULL);
    exchange->has_been_queued = true;
}

void exchange_give_up(struct exchange *exchange)
{
    exchange->job.waited_ns += clock_now_ns() - exchange->job.submitted_ns;
    exchange_fail_plainly(exchange, exchange_late_status(exchange));
    if (exchange->content.is_stream && !exchange->stream.has_ended)
        exchange_read_on(exchange); /* with the clocks of a body */
}

static bool patience_ends(void *context)
{
    const struct exchange *exchange = context;
    uint64_t now_ns = turns_give_way(clock_now_ns());

    return exchange->service->state->abandoning || now_ns > exchange->deadline_ns;
}

struct patience exchange_patience(struct exchange *exchange)
{
    return (struct patience){patience_ends, exchange};
}

enum loss_status exchange_late_status(const struct exchange *exchange)
{
    return exchange->service->state->abandoning ? LOSS_DRAINING : LOSS_DEADLINE_EXCEEDED;
}

/* Who has waited for long enough to lose patience, and did.  A client that closed its half but
 * waits on looks the same; so this is for busy times alone. */
static bool is_client_gone(const struct exchange *exchange)
{
    const struct job *job = &exchange->job;

    return job->started_ns - job->submitted_ns > LONG_WAIT_MS * UINT64_C(1000000) &&
           connection_has_ended(exchange->socket);
}

void exchange_run(struct job *job)
{
    struct exchange *exchange = (struct exchange *)job;

    if (exchange->content.is_stream) {
        stream_run(exchange);
        return;
    }
    if (exchange->is_preflight) {
        exchange->reply = (struct reply){.http_status = 204, .body = "", .is_preflight = true};
        exchange->state = EXCHANGE_ANSWERED;
        return;
    }
    if (is_client_gone(exchange))
        exchange_fail_plainly(exchange, LOSS_CLIENT_GONE);
    else
        route_row(exchange->route)->answer(exchange);
    exchange->state = EXCHANGE_ANSWERED;
}

/* Of a reply that was sent whole. */
static size_t sent_bytes(const struct exchange *exchange)
{
    bool is_bodiless = exchange->method == METHOD_HEAD || exchange->reply.http_status == 304;

    return is_bodiless ? 0 : exchange->reply.length;
}

static void log_access(const struct exchange *exchange, bool complete, uint64_t duration_ns)
{
    const struct log_field fields[] = {
        {"request_id", exchange->request_id, 0},
        {"method", method_name(exchange->method), 0},
        {"route", route_path(exchange->route), 0},
        {"status", NULL, exchange->reply.http_status},
        {"code", loss_status_code(exchange->status), 0},
        {"request_bytes", NULL, (double)(exchange->received_bytes + exchange->discarded)},
        {"response_bytes", NULL, (double)sent_bytes(exchange)},
        {"rows", NULL, (double)exchange->rows},
        {"duration_ms", NULL, (double)duration_ns / 1e6},
        {"trace_id", exchange->trace_id, 0}, /* last, as most have none */
    };
    size_t count = sizeof fields / sizeof fields[0] - (exchange->trace_id[0] == '\0');
    const char *event = complete ? "request" : "request cut off";
    enum log_level level = exchange->status == LOSS_INTERNAL_ERROR ? LOG_ERROR : LOG_DEBUG;

    if (log_takes(exchange->service->log, level))
        log_write(exchange->service->log, level, event, fields, count);
}

void exchange_close(struct exchange *exchange, bool complete)
{
    struct service *service = exchange->service;
    struct telemetry *telemetry = service->telemetry;
    uint64_t duration_ns = clock_now_ns() - exchange->opened_ns;

    if (exchange->reply.http_status != 0)
        telemetry_request(telemetry, exchange->route, exchange->method, exchange->reply.http_status,
                          duration_ns);
    if (exchange->status != LOSS_OK)
        metric_add(telemetry->errors[exchange->status], 1);
    if (!complete)
        metric_add(telemetry->client_aborts, 1);
    metric_add(telemetry->response_bytes, complete ? sent_bytes(exchange) : 0);
    metric_add(telemetry->rows, exchange->rows);
    if (exchange->job.waited_ns != 0)
        metric_observe(telemetry->queue_wait, exchange->job.waited_ns);
    if (exchange->route == ROUTE_V2_INFER && exchange->model != NULL &&
        exchange->reply.http_status != 0) /* 0: its client was gone before there was one */
        statistics_count(service->statistics, exchange, duration_ns);
    log_access(exchange, complete, duration_ns);
    exchange_drop_body(exchange);
    loss_arena_reset(&exchange->arena);
    exchange->next = service->spare;
    service->spare = exchange;
    service->in_flight--;
    service->state->in_flight--;
}

void exchange_free_spares(struct service *service)
{
    while (service->spare != NULL) {
        struct exchange *exchange = service->spare;

        service->spare = exchange->next;
        free(exchange);
    }
}
