/* fuzz_json.c - any bytes as a JSON request: decoded, evaluated, answered in both of its forms; the
 * replies are then read again.
 *
 * A '?' first begins a query, "name=value&name=value", up to the end of its line; the rest is the body. */
#include <string.h>

#include "codec/answer.h"
#include "codec/envelope.h"
#include "codec/reply_json.h"
#include "codec/scan.h"
#include "fuzz/fuzz.h"

enum { QUERY_MAX = 8, REPLY_DEPTH_MAX = 40, LENGTH_BYTES = 8 };

static const struct codec_limits limits = {.elements_max = 4096,
                                           .envelope_bytes_max = 4096,
                                           .json_depth_max = 16,
                                           .confusion_classes_max = 64};

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    envelope_start();
    return 0;
}

static char *copy_padded(const void *bytes, size_t length)
{
    char *copy = calloc(length + CODEC_PADDING, 1);

    FUZZ_CHECK(copy != NULL);
    memcpy(copy, bytes, length);
    return copy;
}

static enum loss_status skip_member(void *context)
{
    return scan_value(context);
}

/* Whether it is one JSON object, by the grammar: no bare NaN. */
static void check_json(const char *text, size_t length)
{
    char *copy = copy_padded(text, length);
    struct loss_error error;
    struct scanner scanner = {.text = copy,
                              .at = copy,
                              .end = copy + length,
                              .depth_max = REPLY_DEPTH_MAX,
                              .error = &error};

    FUZZ_CHECK(scan_document(&scanner, skip_member, &scanner) == LOSS_OK);
    free(copy);
}

/* Replies are lines of NDJSON too. */
static bool is_line(const char *text, size_t length)
{
    return length > 0 && memchr(text, '\n', length) == text + length - 1;
}

static void check_error(enum loss_status status, const struct loss_error *error)
{
    char text[REPLY_JSON_ERROR_BYTES];
    size_t length = reply_json_write_error(error, "fuzz", text);

    FUZZ_CHECK(status == error->status && status > LOSS_OK && status < LOSS_STATUS_COUNT);
    FUZZ_CHECK(error->sentence[0] != '\0');
    FUZZ_CHECK(length < sizeof text && is_line(text, length));
    check_json(text, length);
}

static void check_reply(enum answer_form form, const struct answer *answer)
{
    uint64_t header = 0;

    FUZZ_CHECK(answer->head_length == CODEC_NO_HEAD);
    if (form == ANSWER_JSON) {
        FUZZ_CHECK(is_line(answer->body, answer->length));
        check_json(answer->body, answer->length);
        return;
    }
    FUZZ_CHECK(answer->length > LENGTH_BYTES);
    memcpy(&header, answer->body, LENGTH_BYTES);
    FUZZ_CHECK(header <= answer->length - LENGTH_BYTES);
    check_json(answer->body + LENGTH_BYTES, (size_t)header);
}

/* Take the query off the text, which ends in NUL, if there is one; returns the byte after it. */
static char *take_query(char *text, size_t size, struct codec_option *query, size_t *count)
{
    char *end = text[0] == '?' ? memchr(text, '\n', size) : NULL, *rest = text + 1, *pair;

    if (end == NULL)
        return text;
    *end = '\0';
    while (*count < QUERY_MAX && (pair = strsep(&rest, "&")) != NULL) {
        const char *name = strsep(&pair, "=");

        query[(*count)++] = (struct codec_option){name, pair != NULL ? pair : ""};
    }
    return end + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct answer_host host = {.context = NULL};
    struct codec_option query[QUERY_MAX];
    size_t query_count = 0;
    char *text = copy_padded(data, size), *bytes = take_query(text, size, query, &query_count);
    /* A block of its own, so that what lies before it is out of bounds. */
    size_t length = size - (size_t)(bytes - text);
    char *own = copy_padded(bytes, length);
    const struct codec_body body = {
        .bytes = own, .length = length, .query = query, .query_count = query_count};
    enum loss_status statuses[] = {[ANSWER_JSON] = LOSS_OK, [ANSWER_SAFETENSORS] = LOSS_OK};

    for (int form = ANSWER_JSON; form <= ANSWER_SAFETENSORS; form++) {
        struct loss_arena arena;
        struct loss_error error;
        struct answer answer;

        loss_arena_init(&arena, NULL);
        statuses[form] = answer_request(&body, ANSWER_JSON, (enum answer_form)form, &limits, &host,
                                        &arena, &answer, &error);
        if (statuses[form] == LOSS_OK)
            check_reply((enum answer_form)form, &answer);
        else
            check_error(statuses[form], &error);
        loss_arena_reset(&arena);
    }
    /* What was wrong is wrong with the request, not with the form of the reply. */
    FUZZ_CHECK(statuses[ANSWER_JSON] == statuses[ANSWER_SAFETENSORS]);
    free(own);
    free(text);
    return 0;
}
