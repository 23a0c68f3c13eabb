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
    _Atomic(enum loss_status) failure; /* of all of it, LOSS_OK if there is none */
};

/* ---- on the loop thread ---------------------------------------------------------------------- */

/* Open the replies; false if memory ran out. */
static bool open_replies(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;

    if (!stream->is_open)
        text_init(&stream->replies, &exchange->arena, REPLIES_BYTES_FIRST);
    stream->is_open = true;
    return !stream->replies.failed;
}

/* Give up all of it, and read the rest of the body for nothing. */
static void fail(struct exchange *exchange, enum loss_status status)
{
    exchange_fail_plainly(exchange, status);
    exchange_drop_all(exchange);
    if (!exchange->stream.has_ended)
        exchange->state = EXCHANGE_RECEIVING;
}

/* Step over the rest of a line that is too long, up to its end. */
static void skip(struct stream *stream, const char **bytes, size_t *count)
{
    const char *end;
    size_t skipped;

    if (!stream->is_skipping)
        return;
    end = memchr(*bytes, '\n', *count);
    skipped = end != NULL ? (size_t)(end - *bytes) : *count;
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
    if (needed - stream->ready > limit) { /* enough of it is kept to tell that, in its place */
        stream->is_skipping = true;
        exchange->body_length = stream->ready + limit + 1;
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
    /* All replies may have to be packed. */
    if (stream->ready + stream->replies.length <= exchange->service->options->inline_bytes_max)
        stream_run(exchange);
    else
        exchange_queue(exchange);
}

/* ---- on workers ------------------------------------------------------------------------------ */

/* Whether a line, which ends in NUL, has no reply.  A NUL in it is for the decoder to refuse, and
 * of one that is too long not all may be there. */
static bool is_blank(const char *line, size_t length, size_t limit)
{
    return length <= limit && strspn(line, " \t\r") == length;
}

static void put_error(struct part *part, const struct exchange *exchange,
                      const struct loss_error *error)
{
    char text[REPLY_JSON_ERROR_BYTES];

    metric_add(exchange->service->telemetry->errors[error->status], 1);
    text_put(&part->replies, text, reply_json_write_error(error, NULL, text));
}

/* The reply of one line, which ends in NUL.  What is no fault of the line is one of all. */
static void run_line(struct window *window, struct part *part, const char *line, size_t length,
                     struct loss_arena *arena)
{
    struct exchange *exchange = window->exchange;
    static const struct answer_host host = {.context = NULL};
    const struct codec_body body = {.bytes = line,
                                    .length = length,
                                    .patience = exchange_patience(exchange),
                                    .query = exchange->query,
                                    .query_count = exchange->query_count};
    size_t limit = (size_t)exchange->service->options->json_bytes_max;
    struct answer answer;
    struct loss_error error;
    enum loss_status status;

    if (length > limit) {
        (void)loss_fail(&error, LOSS_BODY_TOO_LARGE, NULL,
                        "the line has more than %zu bytes (json_bytes_max)", limit);
        put_error(part, exchange, &error);
        return;
    }
    status = answer_request(&body, ANSWER_JSON, ANSWER_JSON, &exchange->service->limits, &host,
                            arena, &answer, &error);
    if (status == LOSS_OK) {
        part->rows += answer.rows;
        text_put(&part->replies, answer.body, answer.length);
    } else if (status == LOSS_DEADLINE_EXCEEDED) {
        window->failure = exchange_late_status(exchange);
    } else if (status == LOSS_OUT_OF_MEMORY) {
        window->failure = LOSS_MEMORY_BUDGET_FULL;
    } else {
        put_error(part, exchange, &error);
    }
}

static void run_part(void *argument, size_t index)
{
    struct window *window = argument;
    struct part *part = &window->parts[index];
    struct loss_arena scratch;
    char *line = part->lines, *end = line + part->length;
    size_t limit = (size_t)window->exchange->service->options->json_bytes_max;

    loss_arena_init(&scratch, &window->exchange->arena.source);
    text_init(&part->replies, &part->arena, REPLIES_BYTES_FIRST);
    while (line < end && window->failure == LOSS_OK && !part->replies.failed) {
        char *newline = memchr(line, '\n', (size_t)(end - line));
        char *stop = newline != NULL ? newline : end;

        *stop = '\0';
        if (!is_blank(line, (size_t)(stop - line), limit))
            run_line(window, part, line, (size_t)(stop - line), &scratch);
        loss_arena_reset(&scratch);
        line = stop + 1;
    }
    if (part->replies.failed)
        window->failure = LOSS_MEMORY_BUDGET_FULL;
}

/* The length of the part that begins at `at`.  It ends with a line, and the next line is
 * long enough that the bytes after this one, which its decoder may look at, are not
 * written to by another thread. */
static size_t part_length(const char *at, size_t left)
{
    size_t bytes = PART_BYTES;

    while (bytes < left) {
        const char *newline = memchr(at + bytes - 1, '\n', left - (bytes - 1));

        if (newline == NULL)
            break;
        bytes = (size_t)(newline + 1 - at);
        if (left - bytes >= CODEC_PADDING && memchr(at + bytes, '\n', CODEC_PADDING) == NULL)
            return bytes;
        bytes++;
    }
    return left;
}

/* Cut the whole lines into parts; their number, 0 if memory ran out. */
static size_t cut(struct exchange *exchange, struct loss_arena *arena, struct part **parts_out)
{
    size_t left = exchange->stream.ready, count = 0;
    struct part *parts = loss_arena_take(arena, left / PART_BYTES + 1, sizeof *parts);
    char *at = exchange->body;

    while (parts != NULL && left != 0) {
        size_t bytes = part_length(at, left);

        parts[count] = (struct part){.lines = at, .length = bytes};
        loss_arena_init(&parts[count++].arena, &exchange->arena.source);
        at += bytes;
        left -= bytes;
    }
    *parts_out = parts;
    return count;
}

/* What the parts have made, in order; false if memory ran out. */
static bool gather(struct exchange *exchange, struct window *window, size_t count)
{
    struct text *replies = &exchange->stream.replies;

    for (size_t i = 0; i < count; i++) {
        struct part *part = &window->parts[i];

        if (window->failure == LOSS_OK)
            text_put(replies, part->replies.data, part->replies.length);
        exchange->rows += part->rows;
        loss_arena_reset(&part->arena);
    }
    return !replies->failed;
}

void stream_run(struct exchange *exchange)
{
    struct stream *stream = &exchange->stream;
    struct window window = {.exchange = exchange};
    struct loss_arena arena;
    struct shared_work work = {.run = run_part, .argument = &window};

    loss_arena_init(&arena, &exchange->arena.source);
    work.parts = cut(exchange, &arena, &window.parts);
    if (window.parts != NULL)
        workers_share(exchange->service->workers, &work);
    if (window.parts == NULL || !gather(exchange, &window, work.parts))
        window.failure = LOSS_MEMORY_BUDGET_FULL;
    loss_arena_reset(&arena);
    if (window.failure != LOSS_OK) {
        fail(exchange, window.failure);
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
    (void)exchange_reply(exchange, exchange->content.out_type, stream->replies.data,
                         stream->replies.length);
}
