/* script.c - requests over every route, in every encoding. */
#include "torture/script.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/routes.h"
#include "support/lines.h"
#include "support/questions.h"
#include "support/zipped.h"

enum { MANY = 100000 };

#define EVALUATE "POST /v1/evaluate"
#define MODEL    "/v2/models/cross_entropy"
#define INFER    "POST " MODEL "/infer"

/* What has no body. */
static const char *const plain[] = {
    "GET /",
    "GET /page/style.css",
    "GET /page/main.js\r\nAccept-Encoding: gzip",
    "GET /livez",
    "GET /readyz",
    "HEAD /readyz",
    "GET /v1/version",
    "GET /metrics",
    "GET /metrics\r\nAccept: application/openmetrics-text;version=1.0.0",
    "GET /metrics\r\nAccept-Encoding: gzip",
    "HEAD /metrics",
    "GET /openapi.json",
    "GET /openapi.json\r\nAccept-Encoding: deflate",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models",
    "GET /v2/models/stats",
    "GET " MODEL,
    "GET " MODEL "/versions/1/ready",
    "GET " MODEL "/config",
    "GET " MODEL "/stats",
    "GET /nothing",
    "GET /%x",
    "DELETE /livez",
    "OPTIONS /v1/evaluate\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST",
};

/* What has one, and is answered without an evaluation, or with an error. */
static const struct {
    const char *head, *body;
} small[] = {
    {EVALUATE, "{\"logits\":[2,1],\"targets\":0}"},
    {EVALUATE "?reduction=sum&return=softmax", "{\"logits\":[[2,1]],\"targets\":[0]}"},
    {EVALUATE, "{\"logits\":[2,1],\"targets\":2}"},
    {EVALUATE, "{\"logits\":[2,1"},
    {EVALUATE, ""},
    {EVALUATE "\r\nContent-Type: text/plain", "x"},
    {EVALUATE "\r\nContent-Encoding: gzip", "not in gzip"},
    {EVALUATE "\r\nContent-Type: application/x-safetensors", "no file"},
    {INFER, "{}"},
    {"POST /v2/models/nothing/infer", "{}"},
    {"POST /v2/repository/index", ""},
    {"POST /v2/repository/models/cross_entropy/load", "{}"},
    {"POST /v2/repository/models/cross_entropy/unload", "{}"},
};

/* A request line without its version, and headers; a body, or NULL. */
static void add(struct script *script, const char *head, const char *body, size_t length,
                bool is_chunked)
{
    struct script_request *request = &script->requests[script->count++];
    size_t line = strcspn(head, "\r");
    struct lines text = {0};

    assert(script->count <= SCRIPT_MAX);
    (void)snprintf(request->name, sizeof request->name, "%.50s, %zu bytes%s", head, length,
                   is_chunked ? ", chunked" : "");
    lines_print(&text, "%.*s HTTP/1.1\r\nHost: a\r\nX-Request-Id: torture%s\r\n", (int)line, head,
                head + line);
    if (is_chunked)
        lines_print(&text, "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", length);
    else if (body != NULL)
        lines_print(&text, "Content-Length: %zu\r\n\r\n", length);
    else
        lines_word(&text, "\r\n");
    if (body != NULL)
        lines_add(&text, body, length);
    if (is_chunked)
        lines_word(&text, "\r\n0\r\n\r\n");
    request->bytes = text.text;
    request->length = text.length;
    request->is_bodiless = strncmp(head, "HEAD", 4) == 0;
    request->is_lines = strstr(head, "ndjson") != NULL;
}

/* A question in each form: plain, chunked, and compressed, with a reply that is. */
static void add_forms(struct script *script, const struct question *question)
{
    const struct question_body forms[] = {question_json(question), question_file(question),
                                          question_inference(question, false),
                                          question_inference(question, true)};
    static const char *const heads[] = {
        EVALUATE, EVALUATE "\r\nContent-Type: application/x-safetensors", INFER, INFER};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct zipped packed = zip(forms[i].bytes, forms[i].length, ZIP_GZIP, 1);
        char head[300];

        (void)snprintf(head, sizeof head, "%s\r\nX-Timeout-Ms: 20000", heads[i]);
        if (i == 3)
            (void)snprintf(head, sizeof head, "%s\r\nInference-Header-Content-Length: %zu",
                           heads[i], forms[i].head_length);
        add(script, head, forms[i].bytes, forms[i].length, false);
        add(script, head, forms[i].bytes, forms[i].length, true);
        strcat(head, "\r\nContent-Encoding: gzip\r\nAccept-Encoding: gzip");
        add(script, head, packed.bytes, packed.length, false);
        free(packed.bytes);
        free(forms[i].bytes);
    }
}

/* A question for logits whose file is of such a length. */
static void find_question(struct question *question, uint64_t *seed, size_t least, size_t most)
{
    for (;;) {
        question_make(question, seed);
        if (question->stage == 0) {
            struct question_body body = question_file(question);

            free(body.bytes);
            if (body.length >= least && body.length <= most)
                return;
        }
        question_free(question);
    }
}

/* A route that no request asks for would not be tortured. */
static void check_routes(const struct script *script)
{
    bool is_there[ROUTE_COUNT] = {false};

    for (size_t i = 0; i < script->count; i++) {
        char method[16] = "", path[200] = "";
        struct route_names names;
        enum route_name name;

        (void)sscanf(script->requests[i].bytes, "%15s %199[^? ]", method, path);
        name = route_find(path, &names);
        is_there[name] |= name == ROUTE_OTHER || route_takes(route_row(name), method_find(method));
    }
    for (int name = 0; name < ROUTE_COUNT; name++) {
        if (!is_there[name]) {
            (void)fprintf(stderr, "the script has no request to %s\n",
                          route_path((enum route_name)name));
            exit(EXIT_FAILURE);
        }
    }
}

void script_make(struct script *script, size_t inline_bytes)
{
    struct lines lines = {0};
    uint64_t seed = 7;

    *script = (struct script){.count = 0};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        add(script, plain[i], NULL, 0, false);
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
        add(script, small[i].head, small[i].body, strlen(small[i].body), false);
    for (int i = 0; i < 2; i++) {
        struct question question;

        find_question(&question, &seed, i == 1 ? inline_bytes + 1 : 0,
                      i == 1 ? 3 * inline_bytes : inline_bytes);
        add_forms(script, &question);
        question_free(&question);
    }
    for (int i = 0; i < 2; i++) {
        lines_mix(&lines, i == 1 ? 2 * inline_bytes : 1);
        add(script, EVALUATE "\r\nContent-Type: application/x-ndjson", lines.text, lines.length,
            i == 1);
    }
    lines_free(&lines);
    lines_zeros(&lines, MANY, ",\"return\":[\"softmax\"]"); /* for which memory is mapped */
    add(script, EVALUATE, lines.text, lines.length, false);
    lines_free(&lines);
    check_routes(script);
}

void script_free(struct script *script)
{
    for (size_t i = 0; i < script->count; i++)
        free(script->requests[i].bytes);
    script->count = 0;
}
