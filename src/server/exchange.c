/* exchange.c - one request and its reply. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "server/connection.h"
#include "server/exchange_internal.h"
#include "server/pressure.h"
#include "server/statistics.h"

enum {
    DISCARD_MS_MAX = 2000, /* that a refused body is read on */
    PATIENCE_MS = 50,      /* in the queue, before it is looked whether the client is still there */
};

static_assert(offsetof(struct exchange, job) == 0, "a job is an exchange");

static bool is_binary(const struct exchange *exchange)
{
    return exchange->content.in != ANSWER_JSON;
}

size_t exchange_bytes_max(const struct exchange *exchange)
{
    const struct server_options *options = exchange->service->options;

    return (size_t)(is_binary(exchange) ? options->binary_bytes_max : options->json_bytes_max);
}

bool exchange_takes_body(const struct exchange *exchange)
{
    const struct route *route = route_row(exchange->route);

    return !exchange->is_preflight && route != NULL && route->takes_body;
}

void exchange_limit_time(struct exchange *exchange, uint64_t microseconds)
{
    uint64_t deadline_ns = exchange->opened_ns + microseconds * 1000;

    if (microseconds < UINT64_MAX / 2000 && deadline_ns < exchange->deadline_ns)
        exchange->deadline_ns = deadline_ns;
}

enum loss_status exchange_fail_too_large(const struct exchange *exchange, const char *text,
                                         struct loss_error *error)
{
    return loss_fail(error, LOSS_BODY_TOO_LARGE, NULL,
                     "the body has %s bytes, but at most %zu are taken (%s)", text,
                     exchange_bytes_max(exchange),
                     is_binary(exchange) ? "binary_bytes_max" : "json_bytes_max");
}

/* Where the body begins in its block: tensors after a head are aligned then, and used where they lie. */
static size_t body_start(const struct exchange *exchange)
{
    size_t head = exchange->content.head_length;

    return head != CODEC_NO_HEAD ? (0 - head) % LOSS_ARENA_ALIGNMENT : 0;
}

enum loss_status exchange_hold(struct exchange *exchange, size_t bytes, struct loss_error *error)
{
    struct memory *memory = exchange->service->memory;
    size_t start = body_start(exchange), length = exchange->body_length, granted;
    char *block = NULL;

    if (exchange->body_granted >= bytes + CODEC_PADDING)
        return LOSS_OK;
    if (pressure_admits(exchange->service, bytes))
        block = memory_take(memory, start + bytes + CODEC_PADDING, &granted);
    if (block == NULL)
        return loss_fail_plainly(error, LOSS_MEMORY_BUDGET_FULL);
    if (length > 0)
        memcpy(block + start, exchange->body, length);
    exchange_drop_body(exchange);
    exchange->body = block + start;
    exchange->body_granted = granted - start;
    exchange->body_length = length;
    return LOSS_OK;
}

void exchange_drop_body(struct exchange *exchange)
{
    size_t start = body_start(exchange);

    if (exchange->body != NULL)
        memory_give(exchange->service->memory, exchange->body - start,
                    exchange->body_granted + start);
    exchange->body = NULL;
    exchange->body_granted = exchange->body_length = 0;
}

/* Bytes nobody wants, up to a limit. */
static bool discard(struct exchange *exchange, size_t count)
{
    uint64_t now = clock_now_ns();

    if (exchange->discarded == 0)
        exchange->discarding_since_ns = now;
    exchange->discarded += count;
    return exchange->discarded <= EXCHANGE_DISCARD_BYTES_MAX + exchange_bytes_max(exchange) &&
           now - exchange->discarding_since_ns <= DISCARD_MS_MAX * (uint64_t)1000000;
}

/* Of an exchange that failed let the rest of the body pass. */
static void read_on(struct exchange *exchange)
{
    exchange->state = EXCHANGE_RECEIVING;
    exchange_drop_body(exchange);
}

bool exchange_receive(struct exchange *exchange, const char *bytes, size_t count)
{
    size_t limit = exchange_bytes_max(exchange);
    size_t needed = exchange->body_length + count;
    struct loss_error error;

    metric_add(exchange->service->telemetry->request_bytes, count);
    if (exchange->status != LOSS_OK || !exchange_takes_body(exchange))
        return discard(exchange, count);
    exchange->received_bytes += count;
    if (exchange->content.is_stream) {
        stream_receive(exchange, bytes, count);
        return true;
    }
    if (needed > limit) {
        (void)exchange_fail_too_large(exchange, "more", &error);
    } else if (needed + CODEC_PADDING <= exchange->body_granted ||
               exchange_hold(exchange, 2 * needed < limit ? 2 * needed : limit, &error) ==
                   LOSS_OK) {
        memcpy(exchange->body + exchange->body_length, bytes, count);
        exchange->body_length = needed;
        return true;
    }
    exchange_fail(exchange, &error);
    read_on(exchange);
    return discard(exchange, count);
}

bool exchange_is_full(struct exchange *exchange)
{
    if (exchange->content.is_stream && exchange->status == LOSS_OK && stream_is_full(exchange))
        exchange_queue(exchange);
    if (exchange->status != LOSS_OK && exchange->state == EXCHANGE_ANSWERED)
        read_on(exchange); /* there was no place in the queue */
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

void exchange_stall(struct exchange *exchange)
{
    struct service *service = exchange->service;

    exchange->next = NULL;
    if (service->stalled == NULL)
        service->stalled = exchange;
    else
        service->stalled_last->next = exchange;
    service->stalled_last = exchange;
}

void exchange_admit_stalled(struct service *service)
{
    while (service->stalled != NULL && workers_reserve(service->workers)) {
        struct exchange *exchange = service->stalled;

        service->stalled = exchange->next;
        workers_submit(service->workers, &exchange->job, &service->done);
    }
}

void exchange_queue(struct exchange *exchange)
{
    exchange_admit_stalled(exchange->service); /* nobody overtakes them */
    exchange->has_place = workers_reserve(exchange->service->workers);
    if (exchange->has_place || exchange->has_been_queued)
        exchange->state = EXCHANGE_WORKING;
    else
        exchange_fail_plainly(exchange, LOSS_QUEUE_FULL);
    exchange->has_been_queued = true;
}

bool exchange_is_late(const struct exchange *exchange)
{
    return exchange->service->state->abandoning || clock_now_ns() > exchange->deadline_ns;
}

/* Who has waited for long enough to lose patience, and did.  A client that closed its half but waits on
 * looks the same; so this is for busy times alone. */
static bool is_client_gone(const struct exchange *exchange)
{
    const struct job *job = &exchange->job;

    return job->started_ns - job->submitted_ns > PATIENCE_MS * UINT64_C(1000000) &&
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
    if (exchange->job.started_ns != 0)
        metric_observe(telemetry->queue_wait,
                       exchange->job.started_ns - exchange->job.submitted_ns);
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
