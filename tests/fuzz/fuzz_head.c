/* fuzz_head.c - any text as the head of a request: its path, query and headers, and what is made of
 * them.
 *
 * The first line is method, path and query, "POST /v1/evaluate?k=1", the others are headers. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/heads.h"
#include "server/list.h"
#include "server/negotiate.h"
#include "server/routes.h"
#include "server/tokens.h"
#include "server/trace.h"

static void check_path(const char *path)
{
    struct route_names names;
    enum route_name name = route_find(path, &names);
    const struct route *row = route_row(name);

    FUZZ_CHECK(name <= ROUTE_OTHER && (row == NULL) == (name == ROUTE_OTHER));
    if (row == NULL)
        return;
    FUZZ_CHECK(memchr(names.model, '\0', sizeof names.model) != NULL &&
               memchr(names.version, '\0', sizeof names.version) != NULL);
    FUZZ_CHECK(strchr(names.model, '/') == NULL && strchr(names.version, '/') == NULL &&
               strchr(names.file, '/') == NULL);
    if (strstr(route_path(name), "{model}") != NULL)
        FUZZ_CHECK(names.model[0] != '\0' && strstr(path, names.model) != NULL);
    else if (strstr(route_path(name), "{file}") != NULL)
        FUZZ_CHECK(names.file[0] != '\0' && strstr(path, names.file) != NULL);
    else
        FUZZ_CHECK(strcmp(route_path(name), path) == 0 || strcmp(path, "/v2/") == 0);
}

static void check_failure(enum loss_status status, const struct loss_error *error)
{
    FUZZ_CHECK(status == error->status && status < LOSS_STATUS_COUNT && error->sentence[0] != '\0');
}

static void check_evaluation(const struct head *head)
{
    struct content content = {.in = ANSWER_JSON};
    struct loss_error error;
    enum loss_status status = content_of_evaluation(head, &content, &error);

    FUZZ_CHECK(content.coding_out < CODING_COUNT);
    if (status != LOSS_OK) {
        check_failure(status, &error);
        return;
    }
    FUZZ_CHECK(content.in <= ANSWER_SAFETENSORS && content.out <= ANSWER_SAFETENSORS);
    FUZZ_CHECK(content.coding_in < CODING_COUNT && content.out_type != NULL);
    FUZZ_CHECK(content.head_length == CODEC_NO_HEAD);
    FUZZ_CHECK(!content.is_stream || (content.in == ANSWER_JSON && content.out == ANSWER_JSON &&
                                      content.coding_in == CODING_IDENTITY));
}

static void check_inference(const struct head *head)
{
    struct content content = {.in = ANSWER_JSON};
    struct loss_error error;
    enum loss_status status = content_of_inference(head, &content, &error);

    if (status != LOSS_OK) {
        check_failure(status, &error);
        return;
    }
    FUZZ_CHECK(content.in == ANSWER_INFER && content.out == ANSWER_INFER && !content.is_stream);
    FUZZ_CHECK(content.coding_in < CODING_COUNT && content.coding_out < CODING_COUNT);
    FUZZ_CHECK(content.head_length == CODEC_NO_HEAD || content.head_length <= INT32_MAX);
}

static void check_metrics(const struct head *head)
{
    struct content content = {.in = ANSWER_JSON};
    struct loss_error error;

    FUZZ_CHECK(content_of_metrics(head, &content, &error) == LOSS_OK);
    FUZZ_CHECK(content.metrics < METRICS_FORMAT_COUNT && content.coding_out < CODING_COUNT);
}

static void check_trace(const char *traceparent)
{
    char trace[TRACE_ID_BYTES];
    size_t length = sizeof trace - 1;

    if (!trace_parse(traceparent, trace))
        return;
    FUZZ_CHECK(strlen(trace) == length && strspn(trace, "0123456789abcdef") == length &&
               strspn(trace, "0") < length && strstr(traceparent, trace) != NULL);
}

static bool is_inside(struct span span, const char *start, const char *end)
{
    return span.length == 0 || (span.start >= start && span.start + span.length <= end);
}

static void check_list(const char *list)
{
    const char *at = list, *end = list + strlen(list), *before = list;
    struct list_element element;

    while (list_next(&at, &element)) {
        const char *parameters = element.parameters;
        struct list_parameter parameter;

        FUZZ_CHECK(at > before && at <= end); /* so it ends */
        before = at;
        FUZZ_CHECK(element.quality >= 0 && element.quality <= 1000 && element.type.length > 0);
        FUZZ_CHECK(is_inside(element.type, list, at) && is_inside(element.subtype, list, at));
        while (list_next_parameter(&parameters, &parameter))
            FUZZ_CHECK(parameter.name.length > 0 && parameter.value.length > 0 &&
                       is_inside(parameter.name, list, at) && is_inside(parameter.value, list, at));
        FUZZ_CHECK(parameters == at); /* what was well-formed once is so again */
    }
    FUZZ_CHECK(at == end || *at == '\0');
}

/* A list said twice is the same list, unless a quote that does not end takes the second along. */
static void check_negotiation(const char *list)
{
    static const struct offer offers[] = {{"text/plain", "version=0.0.4"},
                                          {"application/json", NULL},
                                          {"application/openmetrics-text", "version=1.0.0"}};
    enum { OFFERS = sizeof offers / sizeof offers[0] };
    int choice = negotiate_media(list, offers, OFFERS);
    size_t length = strlen(list);
    char *twice = malloc(2 * length + 2);

    FUZZ_CHECK(twice != NULL && choice >= -1 && choice < OFFERS);
    FUZZ_CHECK(negotiate_coding(list) < CODING_COUNT);
    (void)sprintf(twice, "%s,%s", list, list);
    if (strchr(list, '"') == NULL)
        FUZZ_CHECK(negotiate_media(twice, offers, OFFERS) == choice &&
                   negotiate_coding(twice) == negotiate_coding(list));
    free(twice);
}

/* A token is inside of the header, and one that a file may have, but for its length. */
static void check_token(const char *authorization)
{
    size_t length;
    const char *token = tokens_bearer(authorization, &length);
    struct loss_error error;
    struct tokens *tokens;

    if (token == NULL)
        return;
    FUZZ_CHECK(token > authorization && length > 0 && length <= strlen(token));
    tokens = tokens_parse("a file", token, length, &error);
    FUZZ_CHECK((tokens != NULL) == (length >= TOKEN_BYTES_MIN && length <= TOKEN_BYTES_MAX));
    if (tokens != NULL)
        FUZZ_CHECK(tokens_count(tokens) == 1 && tokens_include(tokens, token, length) &&
                   !tokens_include(tokens, token, length - 1));
    tokens_free(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + 1, 1);
    struct head head;
    struct loss_error error;
    enum loss_status status;
    uint64_t length;

    FUZZ_CHECK(text != NULL);
    memcpy(text, data, size);
    (void)heads_read(&head, text);
    FUZZ_CHECK(method_find(head.method) <= METHOD_OTHER && head.query_count <= HEAD_QUERY_MAX);
    check_path(head.path);
    status = head_guard(&head, &error);
    if (status != LOSS_OK)
        check_failure(status, &error);
    FUZZ_CHECK(head_body(&head, &length) <= HEAD_BODY_CHUNKED);
    check_evaluation(&head);
    check_inference(&head);
    check_metrics(&head);
    check_trace(head.traceparent);
    if (head.authorization != NULL)
        check_token(head.authorization);
    if (head.accept != NULL) {
        check_list(head.accept);
        check_negotiation(head.accept);
    }
    if (head.accept_encoding != NULL) {
        check_list(head.accept_encoding);
        check_negotiation(head.accept_encoding);
    }
    free(text);
    return 0;
}
