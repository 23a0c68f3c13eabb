/* content.c - what a request's body is written in, and what its reply is to be written in. */
#include "server/content.h"

#include <stdlib.h>
#include <string.h>

#include "server/negotiate.h"

const char content_accept_post[] =
    "application/json, application/x-ndjson, application/x-safetensors, application/octet-stream";

/* What a body may be. */
static const struct {
    const char *media_type;
    enum answer_form form;
    bool is_stream;
} types[] = {
    {"application/json", ANSWER_JSON, false},
    {"application/x-ndjson", ANSWER_JSON, true},
    {"application/jsonl", ANSWER_JSON, true},
    {"application/x-safetensors", ANSWER_SAFETENSORS, false},
    {"application/octet-stream", ANSWER_SAFETENSORS, false},
};

/* What a reply may be, the form of the request first. */
static const struct offer to_json[] = {{"application/json", NULL},
                                       {"application/x-safetensors", NULL},
                                       {"application/octet-stream", NULL}};
static const struct offer to_safetensors[] = {{"application/x-safetensors", NULL},
                                              {"application/octet-stream", NULL},
                                              {"application/json", NULL}};
static const struct offer to_lines[] = {{"application/x-ndjson", NULL},
                                        {"application/jsonl", NULL}};

static enum loss_status choose_coding(const struct head *head, struct content *content,
                                      struct loss_error *error)
{
    if (coding_find(head->content_encoding, &content->coding_in))
        return LOSS_OK;
    return loss_fail(error, LOSS_UNSUPPORTED_ENCODING, NULL,
                     "the body has a Content-Encoding that is not one of those taken here: gzip, "
                     "deflate");
}

static bool choose_type(const struct head *head, struct content *content)
{
    content->in = ANSWER_JSON;
    if (head->content_type == NULL)
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!head_is_media_type(head->content_type, types[i].media_type))
            continue;
        content->in = types[i].form;
        content->is_stream = types[i].is_stream;
        return true;
    }
    return false;
}

static enum loss_status choose_reply(const struct head *head, struct content *content,
                                     struct loss_error *error)
{
    const struct offer *offers = content->is_stream           ? to_lines
                                 : content->in == ANSWER_JSON ? to_json
                                                              : to_safetensors;
    size_t count = content->is_stream ? sizeof to_lines / sizeof to_lines[0]
                                      : sizeof to_json / sizeof to_json[0];
    int choice = negotiate_media(head->accept, offers, count);

    if (choice < 0)
        return loss_fail(error, LOSS_NOT_ACCEPTABLE, NULL,
                         "Accept takes none of the types that the reply could have: %s, %s%s%s",
                         offers[0].type, offers[1].type, count > 2 ? ", " : "",
                         count > 2 ? offers[2].type : "");
    content->out_type = offers[choice].type;
    content->out = strcmp(content->out_type, "application/json") == 0 || content->is_stream
                       ? ANSWER_JSON
                       : ANSWER_SAFETENSORS;
    return LOSS_OK;
}

enum loss_status content_of_evaluation(const struct head *head, struct content *content,
                                       struct loss_error *error)
{
    enum loss_status status = choose_coding(head, content, error);

    content->head_length = CODEC_NO_HEAD;
    if (status != LOSS_OK)
        return status;
    if (!choose_type(head, content))
        return loss_fail(error, LOSS_UNSUPPORTED_MEDIA_TYPE, NULL,
                         "the Content-Type is not one of those taken here: %s (for curl: --json "
                         "instead of -d)",
                         content_accept_post);
    if (content->is_stream && content->coding_in != CODING_IDENTITY)
        return loss_fail(error, LOSS_UNSUPPORTED_ENCODING, NULL,
                         "the body is evaluated while it arrives, so it must not have a "
                         "Content-Encoding");
    return choose_reply(head, content, error);
}

enum loss_status content_of_inference(const struct head *head, struct content *content,
                                      struct loss_error *error)
{
    uint64_t length;
    enum loss_status status = choose_coding(head, content, error);

    if (status != LOSS_OK)
        return status;
    content->in = content->out = ANSWER_INFER;
    content->out_type = NULL;
    content->head_length = CODEC_NO_HEAD;
    if (head->inference_header_length == NULL)
        return LOSS_OK;
    if (head->inference_header_lengths > 1 ||
        !head_number(head->inference_header_length, 10, &length) || length > INT32_MAX)
        return loss_fail(error, LOSS_BAD_FRAMING, NULL,
                         "Inference-Header-Content-Length is not a number of bytes up to %d",
                         INT32_MAX);
    content->head_length = (size_t)length;
    return LOSS_OK;
}

enum loss_status content_of_metrics(const struct head *head, struct content *content,
                                    struct loss_error *error)
{
    static const struct offer formats[] = {
        [METRICS_TEXT_0_0_4] = {"text/plain", "version=0.0.4"},
        [METRICS_TEXT_1_0_0] = {"text/plain", "version=1.0.0"},
        [METRICS_OPENMETRICS_1_0_0] = {"application/openmetrics-text", "version=1.0.0"},
    };
    int choice = negotiate_media(head->accept, formats, METRICS_FORMAT_COUNT);

    (void)error;
    content->metrics = choice < 0 ? METRICS_TEXT_0_0_4 : (enum metrics_format)choice;
    return LOSS_OK;
}

enum loss_status content_of_document(const struct head *head, struct content *content,
                                     struct loss_error *error)
{
    (void)error;
    content->if_none_match = head->if_none_match;
    return LOSS_OK;
}
