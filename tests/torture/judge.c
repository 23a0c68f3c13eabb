/* judge.c - whether a reply is the one that is wanted, tells of a shortage, or is wrong. */
#include "torture/judge.h"

#include <stdlib.h>
#include <string.h>

struct zipped reply_decode(const struct response *response)
{
    char coding[32] = "";
    struct zipped body = {NULL, response->body_length};

    (void)response_header(response, "Content-Encoding", coding, sizeof coding);
    if (response->body_length > 0 && strcmp(coding, "gzip") == 0)
        return unzip(response->body, response->body_length, ZIP_GZIP);
    if (response->body_length > 0 && strcmp(coding, "deflate") == 0)
        return unzip(response->body, response->body_length, ZIP_DEFLATE);
    body.bytes = calloc(response->body_length + 1, 1);
    if (body.bytes == NULL)
        abort();
    memcpy(body.bytes, response->body, response->body_length);
    return body;
}

bool reply_is_same(const struct zipped *one, const struct zipped *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

/* An error that tells of a shortage. */
static bool is_shortage(const char *text, size_t length)
{
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *code = json_text(json, "code");
    bool is = json_text(json, "error")[0] != '\0' &&
              (strcmp(code, "out_of_memory") == 0 || strcmp(code, "memory_budget_full") == 0 ||
               strcmp(code, "queue_full") == 0);

    json_decref(json);
    return is;
}

/* Each line is the one wanted, or tells of a shortage. */
static bool lines_are_right(const struct zipped *got, const struct zipped *want)
{
    const char *at = got->bytes, *from = want->bytes;

    while (*from != '\0') {
        size_t length = strcspn(at, "\n"), wanted = strcspn(from, "\n");

        if (at[length] != '\n')
            return false;
        if ((length != wanted || memcmp(at, from, length) != 0) && !is_shortage(at, length))
            return false;
        at += length + 1;
        from += wanted + 1;
    }
    return *at == '\0';
}

bool judge(struct verdicts *verdicts, const struct script_request *request,
           const struct wanted *wanted, const struct response *response)
{
    struct zipped body;
    bool is_right;

    if (response->status == 0) {
        verdicts->cut++;
        return true;
    }
    if (response->status == 503 &&
        (request->is_bodiless || is_shortage(response->body, response->body_length))) {
        verdicts->refused++;
        return true;
    }
    body = reply_decode(response);
    is_right = response->status == wanted->status && body.bytes != NULL &&
               (wanted->body.bytes == NULL || reply_is_same(&body, &wanted->body) ||
                (request->is_lines && lines_are_right(&body, &wanted->body)));
    free(body.bytes);
    verdicts->right += is_right;
    return is_right;
}
