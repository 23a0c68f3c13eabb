/* fuzz_json.c - any bytes as a JSON request: decoded, evaluated, answered in both of its forms.
 *
 * A '?' first begins a query, "name=value&name=value", up to the end of its
 * line; the rest is the body. */
#include <string.h>

#include "codec/envelope.h"
#include "fuzz/answers.h"
#include "fuzz/fuzz.h"

enum { QUERY_MAX = 8 };

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    envelope_start();
    return 0;
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
    struct codec_option query[QUERY_MAX];
    size_t query_count = 0;
    char *text = answers_pad(data, size), *rest = take_query(text, size, query, &query_count);
    size_t length = size - (size_t)(rest - text);
    /* A block of its own, so that what lies before it is out of bounds. */
    char *bytes = answers_pad(rest, length);
    const struct codec_body body = {
        .bytes = bytes, .length = length, .query = query, .query_count = query_count};

    /* What is wrong is wrong with the request, not with the form of the reply. */
    FUZZ_CHECK(answers_check(&body, ANSWER_JSON, ANSWER_JSON) ==
               answers_check(&body, ANSWER_JSON, ANSWER_SAFETENSORS));
    free(bytes);
    free(text);
    return 0;
}
