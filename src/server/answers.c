/* answers.c - the replies of the routes. */
#include "server/answers.h"

#include <stdio.h>
#include <string.h>

#include "codec/answer.h"
#include "server/clock.h"
#include "server/exchange_internal.h"
#include "server/openapi.h"

/* Let idle workers help. */
static void share(void *context, void (*run)(void *argument, size_t part), void *argument,
                  size_t parts)
{
    const struct exchange *exchange = context;
    struct shared_work work = {.run = run, .argument = argument, .parts = parts};

    workers_share(exchange->service->workers, &work);
}

static void limit_time(void *context, uint64_t microseconds)
{
    exchange_limit_time(context, microseconds);
}

/* The bytes of the body, decoded if it is compressed. */
static enum loss_status decoded_body(struct exchange *exchange, struct codec_body *body,
                                     struct loss_error *error)
{
    static const char nothing[CODEC_PADDING];
    char *decoded;
    enum loss_status status;

    *body = (struct codec_body){.bytes = exchange->body != NULL ? exchange->body : nothing,
                                .length = exchange->body_length,
                                .patience = exchange_patience(exchange),
                                .query = exchange->query,
                                .query_count = exchange->query_count,
                                .head_length = exchange->content.head_length};
    if (exchange->model != NULL)
        body->stage = exchange->model->stage;
    if (exchange->content.coding_in == CODING_IDENTITY || body->length == 0)
        return LOSS_OK;
    status = coding_inflate(body->bytes, body->length, exchange->content.coding_in,
                            exchange_bytes_max(exchange), &body->patience, &exchange->arena,
                            &decoded, &body->length, error);
    if (status == LOSS_BODY_TOO_LARGE) /* which limit it was, only the exchange knows */
        return exchange_fail_too_large(exchange, "more decoded", error);
    body->bytes = decoded;
    return status;
}

/* A name and milliseconds with three digits after the point. */
static void put_duration(struct text *text, const char *name, uint64_t ns)
{
    uint64_t us = (ns + 500) / 1000;
    const char fraction[] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                             (char)('0' + us % 10)};

    text_word(text, name);
    text_word(text, ";dur=");
    text_unsigned(text, us / 1000);
    text_put(text, fraction, sizeof fraction);
}

/* What the client may show of where the time went. */
static const char *server_timing(struct exchange *exchange)
{
    struct text text;

    text_init(&text, &exchange->arena, 128);
    put_duration(&text, "queue", exchange->job.waited_ns);
    put_duration(&text, ", decode", exchange->decode_ns);
    put_duration(&text, ", evaluate", exchange->evaluate_ns);
    put_duration(&text, ", encode", exchange->encode_ns);
    text_put(&text, "", 1);
    return text.failed ? NULL : text.data;
}

/* The length of the JSON of an inference reply with binary tensors, for its header. */
static const char *head_length(struct exchange *exchange, size_t length)
{
    enum { DIGITS_BYTES = 24 };
    char *text = NULL;

    if (length != CODEC_NO_HEAD)
        text = loss_arena_take(&exchange->arena, DIGITS_BYTES, 1);
    if (text != NULL)
        (void)snprintf(text, DIGITS_BYTES, "%zu", length);
    return text;
}

static void reply_with(struct exchange *exchange, const struct answer *answer)
{
    const char *head = head_length(exchange, answer->head_length);

    exchange->rows = answer->rows;
    exchange->decode_ns = answer->decode_ns;
    exchange->evaluate_ns = answer->evaluate_ns;
    exchange->encode_ns = answer->encode_ns;
    if (head == NULL && answer->head_length != CODEC_NO_HEAD) {
        exchange_fail_memory(exchange);
        return;
    }
    if (!exchange_reply(exchange,
                        exchange->content.out_type != NULL ? exchange->content.out_type
                                                           : answer->media_type,
                        answer->body, answer->length))
        return;
    exchange->reply.head_length = head;
    exchange->reply.server_timing = server_timing(exchange);
}

void answer_evaluate(struct exchange *exchange)
{
    const struct answer_host host = {
        .share = share, .limit_time = limit_time, .now_ns = clock_now_ns, .context = exchange};
    struct codec_body body;
    struct answer answer;
    struct loss_error error;
    enum loss_status status = decoded_body(exchange, &body, &error);

    if (status == LOSS_OK)
        status =
            answer_request(&body, exchange->content.in, exchange->content.out,
                           &exchange->service->limits, &host, &exchange->arena, &answer, &error);
    if (status == LOSS_OK) {
        reply_with(exchange, &answer);
        return;
    }
    if (status == LOSS_OUT_OF_MEMORY) {
        exchange_fail_memory(exchange);
        return;
    }
    if (status == LOSS_DEADLINE_EXCEEDED)
        (void)loss_fail_plainly(&error, exchange_late_status(exchange));
    exchange_fail(exchange, &error);
}

void answer_version(struct exchange *exchange)
{
    const struct server_options *options = exchange->service->options;
    struct text text;

    text_init(&text, &exchange->arena, 256);
    text_word(&text, "{\"name\":\"lossd\",\"version\":");
    text_string(&text, options->version);
    text_word(&text, ",\"revision\":");
    text_string(&text, options->revision);
    text_word(&text, "}\n");
    exchange_reply_json(exchange, &text);
}

/* Whether If-None-Match lists a tag: weak or strong is the same here, and the quotes are part of
 * it, so none is found within another. */
static bool is_known(const char *if_none_match, const char *tag)
{
    return if_none_match != NULL &&
           (strcmp(if_none_match, "*") == 0 || strstr(if_none_match, strchr(tag, '"')) != NULL);
}

/* A file that is a part of the program: sent only to those who do not have it. */
static void reply_document(struct exchange *exchange, const char *media_type,
                           const struct embedded *document)
{
    (void)exchange_reply(exchange, media_type, (const char *)document->bytes, document->length);
    exchange->reply.tag = document->tag;
    if (!is_known(exchange->content.if_none_match, document->tag))
        return;
    /* Like the reply to HEAD it has the length of what is not sent (RFC 9110, section 8.6), so
     * that is made all the same. */
    exchange->reply.http_status = 304;
    exchange->reply.content_type = exchange->reply.content_encoding = NULL;
}

void answer_page(struct exchange *exchange)
{
    reply_document(exchange, exchange->page->media_type, exchange->page->content);
}

void answer_openapi(struct exchange *exchange)
{
    reply_document(exchange, "application/json", &embedded_openapi_json);
}

void answer_metrics(struct exchange *exchange)
{
    const struct metrics *registry = exchange->service->telemetry->registry;
    enum metrics_format format = exchange->content.metrics;
    char *text = loss_arena_take(&exchange->arena, metrics_bytes_max(registry), 1);

    if (text != NULL) {
        (void)exchange_reply(exchange, metrics_content_type(format), text,
                             metrics_write(registry, format, text));
        return;
    }
    exchange_fail_memory(exchange);
}

static void reply_word(struct exchange *exchange, const char *json)
{
    (void)exchange_reply(exchange, "application/json", json, strlen(json));
}

void answer_live(struct exchange *exchange)
{
    reply_word(exchange, "{\"live\":true}\n");
}

void answer_ready(struct exchange *exchange)
{
    if (!exchange->service->state->draining) {
        reply_word(exchange, "{\"ready\":true}\n");
        return;
    }
    exchange_fail_unready(exchange);
}
