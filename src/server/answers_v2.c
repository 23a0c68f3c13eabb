/* answers_v2.c - the replies of the Open Inference Protocol, but for inference itself. */
#include <string.h>

#include "server/answers.h"
#include "server/exchange_internal.h"
#include "server/statistics.h"

enum { TEXT_BYTES_FIRST = 1024 };

static void begin(struct exchange *exchange, struct text *text)
{
    text_init(text, &exchange->arena, TEXT_BYTES_FIRST);
}

void answer_v2(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    text_word(&text, "{\"name\":\"lossd\",\"version\":");
    text_string(&text, exchange->service->options->version);
    text_word(&text, ",\"extensions\":[\"binary_tensor_data\",\"classification\",\"parameters\","
                     "\"statistics\",\"model_configuration\",\"model_repository\"]}\n");
    exchange_reply_json(exchange, &text);
}

void answer_v2_models(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    text_word(&text, "{\"models\":[");
    for (size_t i = 0; infer_model_at(i) != NULL; i++) {
        text_word(&text, i != 0 ? "," : "");
        text_string(&text, infer_model_at(i)->name);
    }
    text_word(&text, "]}\n");
    exchange_reply_json(exchange, &text);
}

void answer_v2_model(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    (void)infer_write_metadata(&text, exchange->model); /* the text knows if it failed */
    exchange_reply_json(exchange, &text);
}

void answer_v2_model_config(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    (void)infer_write_config(&text, exchange->model);
    exchange_reply_json(exchange, &text);
}

void answer_v2_model_ready(struct exchange *exchange)
{
    struct text text;

    if (exchange->service->state->draining) {
        exchange_fail_unready(exchange);
        return;
    }
    begin(exchange, &text);
    text_word(&text, "{\"name\":");
    text_string(&text, exchange->model->name);
    text_word(&text, ",\"ready\":true}\n");
    exchange_reply_json(exchange, &text);
}

void answer_v2_statistics(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    (void)statistics_write(&text, exchange->service->statistics, exchange->model);
    exchange_reply_json(exchange, &text);
}

void answer_v2_index(struct exchange *exchange)
{
    struct text text;

    begin(exchange, &text);
    text_word(&text, "[");
    for (size_t i = 0; infer_model_at(i) != NULL; i++) {
        text_word(&text, i != 0 ? ",{\"name\":" : "{\"name\":");
        text_string(&text, infer_model_at(i)->name);
        text_word(&text, ",\"version\":\"1\",\"state\":\"READY\",\"reason\":\"\"}");
    }
    text_word(&text, "]\n");
    exchange_reply_json(exchange, &text);
}

void answer_v2_fixed(struct exchange *exchange)
{
    struct loss_error error;

    (void)loss_fail(&error, LOSS_NOT_IMPLEMENTED, NULL,
                    "the models are part of the program, and are neither loaded nor unloaded");
    exchange_fail(exchange, &error);
}
