/* exchange.c - one request and its reply. */
#include "server/exchange.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/request_json.h"
#include "server/clock.h"

enum {
    FIRST_BODY_BYTES = 16 * 1024, /* of a chunked body, whose length is not known */
    DISCARD_BYTES_MAX =
        8 * 1024 * 1024,   /* of a body that is refused: read on, so that the client, */
    DISCARD_MS_MAX = 2000, /* which writes first and reads then, gets to see why */
};

static_assert(offsetof(struct exchange, job) == 0, "a job is an exchange");

/* The arena's blocks come from the memory of the service, and count against its budget. */
static void *take_block(void *context, size_t bytes, size_t *granted)
{
    struct exchange *exchange = context;
    void *block = memory_take(exchange->service->memory, bytes, granted);

    if (block == NULL)
        exchange->budget_refused = true;
    return block;
}

static void give_block(void *context, void *block, size_t granted)
{
    struct exchange *exchange = context;

    memory_give(exchange->service->memory, block, granted);
}

/* A spare exchange, or a new one; only its links to the service are set. */
static struct exchange *fetch(struct service *service)
{
    struct exchange *exchange = service->spare;

    if (exchange != NULL)
        service->spare = exchange->next_spare;
    else
        exchange = malloc(sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    /* All but the error text, which is large and only read after it is written. */
    memset(exchange, 0, offsetof(struct exchange, error_text));
    exchange->service = service;
    return exchange;
}

/* 16 hexadecimal digits from a counter scrambled by the finaliser of SplitMix64 (Steele, Lea, Flood,
 * OOPSLA 2014), so that ids do not tell how many requests there were. */
void exchange_make_id(struct service *service, char *id)
{
    uint64_t mixed = service->request_seed += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    (void)snprintf(id, EXCHANGE_ID_BYTES + 1, "%016" PRIx64, mixed ^ mixed >> 31);
}

/* The client's request id, if it can be echoed safely, or one of ours. */
static void name(struct exchange *exchange, const char *wanted)
{
    size_t length = wanted != NULL ? strnlen(wanted, EXCHANGE_ID_BYTES + 1) : 0;
    bool visible = length > 0 && length <= EXCHANGE_ID_BYTES;

    for (size_t i = 0; i < length && visible; i++)
        visible = wanted[i] > ' ' && wanted[i] < 0x7f;
    if (visible)
        memcpy(exchange->request_id, wanted, length + 1);
    else
        exchange_make_id(exchange->service, exchange->request_id);
}

/* Route, method and media type. */
static enum loss_status check_route(struct exchange *exchange, const struct head *head,
                                    struct loss_error *error)
{
    const struct route *route;

    if (head->has_bad_escape)
        return loss_fail(error, LOSS_BAD_PATH, NULL,
                         "the path has a '%%' that begins no valid escape");
    exchange->route = route_find(head->path);
    route = route_row(exchange->route);
    if (route == NULL)
        return loss_fail(error, LOSS_NOT_FOUND, NULL, "there is nothing at this path");
    if (!route_takes(route, exchange->method))
        return loss_fail(error, LOSS_METHOD_NOT_ALLOWED, NULL, "%s takes %s only",
                         route_path(exchange->route), route->allow);
    if (!route->takes_body)
        return LOSS_OK;
    if (head->has_query) /* ignoring options would be a wrong answer */
        return loss_fail(error, LOSS_UNKNOWN_FIELD, NULL,
                         "%s takes its options in the body, not in the query of the URL",
                         route_path(exchange->route));
    if (head->content_encoding != NULL && strcasecmp(head->content_encoding, "identity") != 0 &&
        head->content_encoding[0] != '\0')
        return loss_fail(error, LOSS_UNSUPPORTED_ENCODING, NULL,
                         "the body has a Content-Encoding, but must be plain");
    if (head->content_type != NULL && !head_is_media_type(head->content_type, "application/json"))
        return loss_fail(
            error, LOSS_UNSUPPORTED_MEDIA_TYPE, NULL,
            "the Content-Type is not one of those taken here: application/json (for curl: "
            "--json instead of -d)");
    if (head->content_length == NULL && head->transfer_encodings == 0)
        return loss_fail(error, LOSS_LENGTH_REQUIRED, NULL,
                         "the request has neither a Content-Length nor a chunked body");
    return LOSS_OK;
}

/* `text` is how many bytes the body has, as far as it is known. */
static enum loss_status fail_too_large(const struct exchange *exchange, const char *text,
                                       struct loss_error *error)
{
    return loss_fail(error, LOSS_BODY_TOO_LARGE, NULL,
                     "the body has %s bytes, but at most %" PRIu64 " are taken (json_bytes_max)",
                     text, exchange->service->options->json_bytes_max);
}

/* Make the body's block hold `bytes` and the padding. */
static enum loss_status hold(struct exchange *exchange, size_t bytes, struct loss_error *error)
{
    struct memory *memory = exchange->service->memory;
    size_t granted;
    char *block;

    if (exchange->body_granted >= bytes + CODEC_PADDING)
        return LOSS_OK;
    block = memory_take(memory, bytes + CODEC_PADDING, &granted);
    if (block == NULL)
        return loss_fail_plainly(error, LOSS_MEMORY_BUDGET_FULL);
    if (exchange->body != NULL) {
        memcpy(block, exchange->body, exchange->body_length);
        memory_give(memory, exchange->body, exchange->body_granted);
    }
    exchange->body = block;
    exchange->body_granted = granted;
    return LOSS_OK;
}

/* Room for the body, before its first byte is read. */
static enum loss_status admit(struct exchange *exchange, enum head_body body, uint64_t length,
                              struct loss_error *error)
{
    char text[24];

    if (body == HEAD_BODY_NONE || !route_row(exchange->route)->takes_body)
        return LOSS_OK;
    if (body == HEAD_BODY_CHUNKED)
        return hold(exchange, FIRST_BODY_BYTES - CODEC_PADDING, error);
    if (length <= exchange->service->options->json_bytes_max)
        return hold(exchange, (size_t)length, error);
    (void)snprintf(text, sizeof text, "%" PRIu64, length);
    return fail_too_large(exchange, text, error);
}

struct exchange *exchange_open(struct service *service, const struct head *head)
{
    struct exchange *exchange = fetch(service);
    struct loss_arena_source source = {take_block, give_block, exchange};
    struct loss_error error;
    enum head_body body;
    uint64_t length;

    if (exchange == NULL)
        return NULL;
    loss_arena_init(&exchange->arena, &source);
    service->in_flight++;
    exchange->opened_ns = clock_now_ns();
    exchange->deadline_ns = exchange->opened_ns + service->options->request_timeout_ms * 1000000;
    exchange->route = ROUTE_OTHER;
    exchange->method = method_find(head->method);
    name(exchange, head->request_id);
    body = head_body(head, &length);
    exchange->has_body = body != HEAD_BODY_NONE;
    if (head_guard(head, &error) != LOSS_OK || check_route(exchange, head, &error) != LOSS_OK ||
        admit(exchange, body, length, &error) != LOSS_OK) {
        exchange_fail(exchange, &error);
        /* A little too large: read on and tell afterwards, on a connection that lives; unless the
         * client waits to be told whether to send it. */
        if (error.status == LOSS_BODY_TOO_LARGE && head->expect == NULL &&
            length - service->options->json_bytes_max <= DISCARD_BYTES_MAX)
            exchange->state = EXCHANGE_RECEIVING;
    }
    return exchange;
}

bool exchange_answers_now(const struct exchange *exchange)
{
    return exchange->state == EXCHANGE_ANSWERED && exchange->has_body;
}

/* Give the body's block back: nothing will be read into it. */
static void drop_body(struct exchange *exchange)
{
    if (exchange->body != NULL)
        memory_give(exchange->service->memory, exchange->body, exchange->body_granted);
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
    return exchange->discarded <= DISCARD_BYTES_MAX + exchange->service->options->json_bytes_max &&
           now - exchange->discarding_since_ns <= DISCARD_MS_MAX * (uint64_t)1000000;
}

bool exchange_receive(struct exchange *exchange, const char *bytes, size_t count)
{
    size_t limit = (size_t)exchange->service->options->json_bytes_max;
    size_t needed = exchange->body_length + count;
    const struct route *route = route_row(exchange->route);
    struct loss_error error;

    metric_add(exchange->service->telemetry->request_bytes, count);
    if (exchange->status != LOSS_OK || route == NULL || !route->takes_body)
        return discard(exchange, count);
    if (needed > limit) {
        (void)fail_too_large(exchange, "more", &error);
    } else if (needed + CODEC_PADDING <= exchange->body_granted ||
               hold(exchange, 2 * needed < limit ? 2 * needed : limit, &error) == LOSS_OK) {
        memcpy(exchange->body + exchange->body_length, bytes, count);
        exchange->body_length = needed;
        return true;
    }
    exchange_fail(exchange, &error);
    exchange->state = EXCHANGE_RECEIVING; /* until the rest of it has passed */
    drop_body(exchange);
    return discard(exchange, count);
}

void exchange_complete(struct exchange *exchange)
{
    struct service *service = exchange->service;
    const struct route *route = route_row(exchange->route);

    if (exchange->status != LOSS_OK) {
        exchange->state = EXCHANGE_ANSWERED;
        return;
    }
    if (exchange->body != NULL)
        memset(exchange->body + exchange->body_length, 0, CODEC_PADDING);
    if (!route->takes_body || exchange->body_length <= service->options->inline_bytes_max) {
        exchange_run(&exchange->job);
        return;
    }
    if (workers_reserve(service->workers)) {
        exchange->state = EXCHANGE_WORKING;
        return;
    }
    exchange_fail_plainly(exchange, LOSS_QUEUE_FULL);
}

void exchange_run(struct job *job)
{
    struct exchange *exchange = (struct exchange *)job;

    route_row(exchange->route)->answer(exchange);
    exchange->state = EXCHANGE_ANSWERED;
}

static void log_access(const struct exchange *exchange, bool complete, uint64_t duration_ns)
{
    const struct log_field fields[] = {
        {"request_id", exchange->request_id, 0},
        {"method", method_name(exchange->method), 0},
        {"route", route_path(exchange->route), 0},
        {"status", NULL, exchange->reply.http_status},
        {"code", loss_status_code(exchange->status), 0},
        {"request_bytes", NULL, (double)(exchange->body_length + exchange->discarded)},
        {"response_bytes", NULL, (double)exchange->reply.length},
        {"rows", NULL, (double)exchange->rows},
        {"duration_ms", NULL, (double)duration_ns / 1e6},
    };
    const char *event = complete ? "request" : "request cut off";
    enum log_level level = exchange->status == LOSS_INTERNAL_ERROR ? LOG_ERROR : LOG_DEBUG;

    if (log_takes(exchange->service->log, level))
        log_write(exchange->service->log, level, event, fields, sizeof fields / sizeof fields[0]);
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
    metric_add(telemetry->response_bytes, complete ? exchange->reply.length : 0);
    metric_add(telemetry->rows, exchange->rows);
    if (exchange->job.started_ns != 0)
        metric_observe(telemetry->queue_wait,
                       exchange->job.started_ns - exchange->job.submitted_ns);
    log_access(exchange, complete, duration_ns);
    drop_body(exchange);
    loss_arena_reset(&exchange->arena);
    exchange->next_spare = service->spare;
    service->spare = exchange;
    service->in_flight--;
}

void exchange_free_spares(struct service *service)
{
    while (service->spare != NULL) {
        struct exchange *exchange = service->spare;

        service->spare = exchange->next_spare;
        free(exchange);
    }
}
