/* answers.c - the replies of the routes. */
#include "server/answers.h"

#include <string.h>

#include "codec/answer.h"
#include "server/exchange_internal.h"

static void reply(struct exchange *exchange, const char *content_type, const char *body,
                  size_t length)
{
    exchange->reply = (struct reply){
        .http_status = 200, .content_type = content_type, .body = body, .length = length};
}

static bool is_stopped(void *context)
{
    return exchange_is_late(context);
}

/* Let idle workers help. */
static void share(void *context, void (*run)(void *argument, size_t part), void *argument,
                  size_t parts)
{
    const struct exchange *exchange = context;
    struct shared_work work = {.run = run, .argument = argument, .parts = parts};

    workers_share(exchange->service->workers, &work);
}

void answer_evaluate(struct exchange *exchange)
{
    const struct answer_host host = {.stopped = is_stopped, .share = share, .context = exchange};
    struct answer answer;
    struct loss_error error;
    static const char nothing[CODEC_PADDING];
    const struct codec_body body = {
        .bytes = exchange->body != NULL ? exchange->body : nothing,
        .length = exchange->body_length,
        .query = exchange->query,
        .query_count = exchange->query_count,
    };
    enum loss_status status =
        answer_request(&body, ANSWER_JSON, ANSWER_JSON, &exchange->service->limits, &host,
                       &exchange->arena, &answer, &error);

    if (status == LOSS_OK) {
        exchange->rows = answer.rows;
        reply(exchange, answer.media_type, answer.body, answer.length);
        return;
    }
    if (status == LOSS_OUT_OF_MEMORY && exchange->budget_refused)
        (void)loss_fail_plainly(&error, LOSS_MEMORY_BUDGET_FULL);
    if (status == LOSS_DEADLINE_EXCEEDED && exchange->service->abandoning)
        (void)loss_fail_plainly(&error, LOSS_DRAINING);
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
    if (!text.failed) {
        reply(exchange, "application/json", text.data, text.length);
        return;
    }
    exchange_fail_plainly(exchange, LOSS_OUT_OF_MEMORY);
}

void answer_metrics(struct exchange *exchange)
{
    const struct metrics *registry = exchange->service->telemetry->registry;
    char *text = loss_arena_take(&exchange->arena, metrics_bytes_max(registry), 1);

    if (text != NULL) {
        reply(exchange, metrics_content_type(METRICS_TEXT_0_0_4), text,
              metrics_write(registry, METRICS_TEXT_0_0_4, text));
        return;
    }
    exchange_fail_plainly(exchange, LOSS_OUT_OF_MEMORY);
}

static void reply_word(struct exchange *exchange, const char *json)
{
    reply(exchange, "application/json", json, strlen(json));
}

void answer_live(struct exchange *exchange)
{
    reply_word(exchange, "{\"live\":true}\n");
}

void answer_ready(struct exchange *exchange)
{
    if (!exchange->service->draining) {
        reply_word(exchange, "{\"ready\":true}\n");
        return;
    }
    exchange_fail_plainly(exchange, LOSS_DRAINING);
}
