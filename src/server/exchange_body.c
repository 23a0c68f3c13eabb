/* exchange_body.c - the body of a request: room for it, its bytes as they come, and
 * those that nobody wants. */
#include <inttypes.h>
#include <string.h>

#include "server/clock.h"
#include "server/exchange_internal.h"
#include "server/pressure.h"

enum { DISCARD_MS_MAX = 2000 }; /* that a refused body is read on */

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

enum loss_status exchange_fail_too_large(const struct exchange *exchange, const char *text,
                                         struct loss_error *error)
{
    return loss_fail(error, LOSS_BODY_TOO_LARGE, NULL,
                     "the body has %s bytes, but at most %zu are taken (%s)", text,
                     exchange_bytes_max(exchange),
                     is_binary(exchange) ? "binary_bytes_max" : "json_bytes_max");
}

enum loss_status exchange_fail_too_needy(const struct exchange *exchange, struct loss_error *error)
{
    return loss_fail(error, LOSS_BODY_TOO_LARGE, NULL,
                     "this request alone needs more than the %" PRIu64
                     " bytes that all requests together may hold (memory_budget_bytes)",
                     exchange->service->options->memory_budget_bytes);
}

/* Where the body begins in its block: tensors after a head are aligned then,
 * and used where they lie. */
static size_t body_start(const struct exchange *exchange)
{
    size_t head = exchange->content.head_length;

    return head != CODEC_NO_HEAD ? (0 - head) % LOSS_ARENA_ALIGNMENT : 0;
}

static size_t block_bytes(const struct exchange *exchange)
{
    return exchange->body != NULL ? exchange->body_granted + body_start(exchange) : 0;
}

size_t exchange_held_bytes(const struct exchange *exchange)
{
    return block_bytes(exchange) + exchange->arena_granted;
}

bool exchange_could_take(const struct exchange *exchange, size_t bytes)
{
    return memory_could_take(exchange->service->memory, exchange_held_bytes(exchange), bytes);
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
    if (block == NULL && !exchange_could_take(exchange, start + bytes + CODEC_PADDING))
        return exchange_fail_too_needy(exchange, error);
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
        memory_give(exchange->service->memory, exchange->body - start, block_bytes(exchange));
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
           (exchange->status == LOSS_OK || /* a body that is let pass has the time of any other */
            now - exchange->discarding_since_ns <= DISCARD_MS_MAX * (uint64_t)1000000);
}

void exchange_drop_all(struct exchange *exchange)
{
    exchange_drop_body(exchange);
    exchange->query = NULL; /* it and the replies of a stream were in the arena */
    exchange->query_count = 0;
    exchange->stream.replies = (struct text){.failed = true};
    loss_arena_reset(&exchange->arena);
}

void exchange_read_on(struct exchange *exchange)
{
    exchange->state = EXCHANGE_RECEIVING;
    exchange_drop_all(exchange);
}

/* Twice of what is needed, if there could be as much. */
static size_t room_for(const struct exchange *exchange, size_t needed, size_t limit)
{
    size_t twice = 2 * needed < limit ? 2 * needed : limit;

    return exchange_could_take(exchange, twice + CODEC_PADDING) ? twice : needed;
}

bool exchange_receive(struct exchange *exchange, const char *bytes, size_t count)
{
    size_t limit = exchange_bytes_max(exchange);
    size_t needed = exchange->body_length + count;
    struct loss_error error;

    metric_add(exchange->service->telemetry->request_bytes, count);
    if (exchange->status != LOSS_OK || !exchange_takes_body(exchange)) {
        if (discard(exchange, count))
            return true;
        if (exchange->status == LOSS_OK) {
            (void)exchange_fail_too_large(exchange, "more", &error);
            exchange_fail(exchange, &error);
        }
        return false;
    }
    exchange->received_bytes += count;
    if (exchange->content.is_stream) {
        stream_receive(exchange, bytes, count);
        return true;
    }
    if (needed > limit) {
        (void)exchange_fail_too_large(exchange, "more", &error);
    } else if (needed + CODEC_PADDING <= exchange->body_granted ||
               exchange_hold(exchange, room_for(exchange, needed, limit), &error) == LOSS_OK) {
        memcpy(exchange->body + exchange->body_length, bytes, count);
        exchange->body_length = needed;
        return true;
    }
    exchange_fail(exchange, &error);
    exchange_read_on(exchange);
    return discard(exchange, count);
}
