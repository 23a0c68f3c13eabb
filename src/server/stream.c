/* stream.c - a request of many lines. */
#include "server/stream.h"

#include <stdatomic.h>
#include <string.h>

#include "codec/answer.h"
#include "server/exchange_internal.h"

enum {
    WINDOW_BYTES = 1024 * 1024, /* of whole lines, before a worker gets them */
    PART_BYTES = 64 * 1024,     /* about; what a thread takes of a window at a time */
    REPLIES_BYTES_FIRST = 16 * 1024,
};

/* Some lines of a window, and their replies. */
struct part {
    char *lines;
    size_t length;
    struct loss_arena arena; /* of the replies */
    struct text replies;
    size_t rows;
};

struct window {
    struct exchange *exchange;
    struct part *parts;
    _Atomic bool is_late;
};

/* ---- on the loop thread ------------------------------------------------------------------------ */

/* Open the replies; false if memory ran out. */
static bool open_replies(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;

    if (!stream->is_open)
        text_init(&stream->replies, &exchange->arena, REPLIES_BYTES_FIRST);
    stream->is_open = true;
    return !stream->replies.failed;
}

static void put_error(struct text *replies, const struct exchange *exchange,
                      const struct loss_error *error)
{
    char text[REPLY_JSON_ERROR_BYTES];

    metric_add(exchange->service->telemetry->errors[error->status], 1);
    text_put(replies, text, reply_json_write_error(error, NULL, text));
}

/* Give up all of it, and read the rest of the body for nothing. */
static void fail(struct exchange *exchange, enum loss_status status)
{
    exchange_fail_plainly(exchange, status);
    exchange_drop_body(exchange);
    if (!exchange->stream.has_ended)
        exchange->state = EXCHANGE_RECEIVING;
}

static void fail_line(struct exchange *exchange)
{
    struct loss_error error;

    (void)loss_fail(&error, LOSS_BODY_TOO_LARGE, NULL,
                    "the line has more than %zu bytes (json_bytes_max)",
                    (size_t)exchange->service->options->json_bytes_max);
    put_error(&exchange->stream.replies, exchange, &error);
}

/* Step over the rest of a line that is too long. */
static void skip(struct stream *stream, const char **bytes, size_t *count)
{
    const char *end = memchr(*bytes, '\n', *count);
    size_t skipped = end != NULL ? (size_t)(end + 1 - *bytes) : *count;

    if (!stream->is_skipping)
        return;
    stream->is_skipping = end == NULL;
    *bytes += skipped;
    *count -= skipped;
}

void stream_receive(struct exchange *exchange, const char *bytes, size_t count)
{
    struct stream *stream = &exchange->stream;
    size_t limit = (size_t)exchange->service->options->json_bytes_max, needed;
    struct loss_error error;
    const char *last;

    skip(stream, &bytes, &count);
    needed = exchange->body_length + count;
    if (!open_replies(exchange) ||
        (needed + CODEC_PADDING > exchange->body_granted &&
         exchange_hold(exchange, needed < limit / 2 ? 2 * needed : needed, &error) != LOSS_OK)) {
        fail(exchange, LOSS_MEMORY_BUDGET_FULL);
        return;
    }
    memcpy(exchange->body + exchange->body_length, bytes, count);
    last = memrchr(exchange->body + exchange->body_length, '\n', count);
    exchange->body_length = needed;
    if (last != NULL)
        stream->ready = (size_t)(last + 1 - exchange->body);
    if (needed - stream->ready > limit) {
        fail_line(exchange);
        stream->is_skipping = true;
        exchange->body_length = stream->ready;
    }
}

bool stream_is_full(const struct exchange *exchange)
{
    return exchange->stream.ready != 0 && exchange->body_length >= WINDOW_BYTES;
}

void stream_end(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;

    stream->has_ended = true;
    if (!open_replies(exchange)) {
        fail(exchange, LOSS_MEMORY_BUDGET_FULL);
        return;
    }
    stream->ready = exchange->body_length;
    if (stream->ready <= exchange->service->options->inline_bytes_max)
        stream_run(exchange);
    else
        exchange_queue(exchange);
}

/* ---- on workers -------------------------------------------------------------------------------- */

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r")] == '\0';
}

/* The reply of one line, which ends in NUL. */
static void run_line(struct window *window, struct part *part, const char *line, size_t length,
                     struct loss_arena *arena)
{
    struct exchange *exchange = window->exchange;
    const struct answer_host alone = {.context = NULL};
    const struct codec_body body = {.bytes = line,
                                    .length = length,
                                    .query = exchange->query,
                                    .query_count = exchange->query_count};
    struct answer answer;
    struct loss_error error;

    if (answer_request(&body, ANSWER_JSON, ANSWER_JSON, &exchange->service->limits, &alone, arena,
                       &answer, &error) != LOSS_OK) {
        put_error(&part->replies, exchange, &error);
        return;
    }
    part->rows += answer.rows;
    text_put(&part->replies, answer.body, answer.length);
}

static void run_part(void *argument, size_t index)
{
    struct window *window = argument;
    struct part *part = &window->parts[index];
    struct loss_arena scratch;
    char *line = part->lines, *end = line + part->length;

    loss_arena_init(&scratch, &window->exchange->arena.source);
    text_init(&part->replies, &part->arena, REPLIES_BYTES_FIRST);
    while (line < end && !part->replies.failed) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline != NULL ? newline : end;

        if (exchange_is_late(window->exchange)) {
            window->is_late = true;
            break;
        }
        *stop = '\0';
        /* A NUL in a line is for the decoder to refuse. */
        if ((size_t)(stop - line) != strlen(line) || !is_blank(line))
            run_line(window, part, line, (size_t)(stop - line), &scratch);
        loss_arena_reset(&scratch);
        line = stop + 1;
    }
    loss_arena_reset(&scratch);
}

/* Cut the whole lines into parts; their number, 0 if memory ran out. */
static size_t cut(struct exchange *exchange, struct loss_arena *arena, struct part **parts_out)
{
    size_t left = exchange->stream.ready, count = 0;
    struct part *parts = loss_arena_take(arena, left / PART_BYTES + 1, sizeof *parts);
    char *at = exchange->body;

    while (parts != NULL && left != 0) {
        size_t bytes = left < PART_BYTES ? left : PART_BYTES;
        const char *newline = memchr(at + bytes - 1, '\n', left - (bytes - 1));

        bytes = newline != NULL ? (size_t)(newline + 1 - at) : left;
        parts[count] = (struct part){.lines = at, .length = bytes};
        loss_arena_init(&parts[count++].arena, &exchange->arena.source);
        at += bytes;
        left -= bytes;
    }
    *parts_out = parts;
    return count;
}

/* What the parts have made, in order. */
static void gather(struct exchange *exchange, struct part *parts, size_t count)
{
    struct text *replies = &exchange->stream.replies;

    for (size_t i = 0; i < count; i++) {
        text_put(replies, parts[i].replies.data, parts[i].replies.length);
        replies->failed |= parts[i].replies.failed;
        exchange->rows += parts[i].rows;
        loss_arena_reset(&parts[i].arena);
    }
}

void stream_run(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;
    struct window window = {.exchange = exchange};
    struct loss_arena arena;
    struct shared_work work = {.run = run_part, .argument = &window};

    loss_arena_init(&arena, &exchange->arena.source);
    work.parts = cut(exchange, &arena, &window.parts);
    if (window.parts != NULL) {
        workers_share(exchange->service->workers, &work);
        gather(exchange, window.parts, work.parts);
    }
    loss_arena_reset(&arena);
    if (window.parts == NULL || stream->replies.failed || window.is_late) {
        fail(exchange, window.is_late ? LOSS_DEADLINE_EXCEEDED : LOSS_MEMORY_BUDGET_FULL);
        return;
    }
    exchange->body_length -= stream->ready;
    if (exchange->body != NULL)
        memmove(exchange->body, exchange->body + stream->ready, exchange->body_length);
    stream->ready = 0;
    exchange->state = EXCHANGE_RECEIVING;
    if (!stream->has_ended)
        return;
    exchange->state = EXCHANGE_ANSWERED;
    exchange_reply(exchange, exchange->content.out_type, stream->replies.data,
                   stream->replies.length);
}
