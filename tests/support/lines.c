/* lines.c - bodies and replies of many lines. */
#include "support/lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/texts.h"

enum { PRINT_BYTES = 1024, PERIOD = 61, PATH_BYTES = 300 };

void lines_add(struct lines *lines, const char *bytes, size_t count)
{
    text_append(&lines->text, &lines->length, &lines->room, bytes, count);
}

void lines_word(struct lines *lines, const char *text)
{
    lines_add(lines, text, strlen(text));
}

void lines_print(struct lines *lines, const char *format, ...)
{
    char text[PRINT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lines_word(lines, text);
}

void lines_free(struct lines *lines)
{
    free(lines->text);
    *lines = (struct lines){0};
}

void lines_zeros(struct lines *lines, size_t count, const char *options)
{
    lines_word(lines, "{\"logits\":[0");
    for (size_t i = 1; i < count; i++)
        lines_add(lines, ",0", 2);
    lines_print(lines, "],\"targets\":0%s}", options);
}

/* One of PERIOD different lines. */
static void add_kind(struct lines *lines, size_t kind)
{
    static const char *const options[] = {"", ",\"dtype\":\"float64\"",
                                          ",\"return\":[\"softmax\",\"predictions\"]",
                                          ",\"reduction\":\"none\",\"return\":[\"gradient\"]"};
    size_t rows = 1 + kind % 5, classes = 2 + kind % 13;

    if (kind % 10 == 7) {
        lines_word(lines, kind % 20 == 7 ? " \t\r\n" : "\n");
        return;
    }
    lines_print(lines, "{\"id\":\"%zu\",\"logits\":[", kind);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < classes; j++)
            lines_print(lines, "%s%zu.%zu",
                        j > 0   ? ","
                        : i > 0 ? ",["
                                : "[",
                        (i * j + kind) % 9, kind);
        lines_word(lines, "]");
    }
    lines_word(lines, kind % 17 == 3 ? "\n" : "],\"targets\":");
    for (size_t i = 0; i < rows && kind % 17 != 3; i++)
        lines_print(lines, "%c%zu", i > 0 ? ',' : '[', kind % 11 == 5 ? classes : i % classes);
    if (kind % 17 != 3)
        lines_print(lines, "]%s}%s", options[kind % 4], kind % 6 == 0 ? "\r\n" : "\n");
}

void lines_mix(struct lines *lines, size_t bytes)
{
    size_t start = lines->length;
    struct lines period = {0};

    for (size_t i = 0; i < PERIOD; i++)
        add_kind(&period, i);
    while (lines->length - start < bytes)
        lines_add(lines, period.text, period.length);
    lines_free(&period);
}

bool lines_begin(struct raw *raw, const char *head, const struct lines *lines, size_t count)
{
    char length[64];

    (void)snprintf(length, sizeof length, "Content-Length: %zu\r\n\r\n", lines->length);
    return raw_say(raw, head) && raw_say(raw, length) && raw_send(raw, lines->text, count);
}

const struct response *lines_post(struct client *client, const char *query,
                                  const struct lines *lines, bool chunked)
{
    const char *headers[] = {"Content-Type: application/x-ndjson",
                             chunked ? "Transfer-Encoding: chunked" : NULL, NULL};
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "/v1/evaluate%s", query);
    return client_send(client, "POST", path, headers, lines->text != NULL ? lines->text : "",
                       lines->length);
}

/* The reply to one line, added to `want`; an error without its request id, which comes last. */
static void add_reply(struct client *client, const char *path, const char *line, size_t length,
                      struct lines *want)
{
    const struct response *response = client_send(client, "POST", path, NULL, line, length);
    const char *id = strstr(response->body, ", \"request_id\": ");

    if (response->status == 200 || id == NULL) {
        lines_add(want, response->body, response->body_length);
        return;
    }
    lines_add(want, response->body, (size_t)(id - response->body));
    lines_word(want, "}\n");
}

void lines_want(struct client *client, const char *query, const struct lines *lines,
                struct lines *want)
{
    struct known {
        const char *line;
        size_t length, at, reply_length;
    } known[2 * PERIOD];
    size_t count = 0, length, i;
    char path[PATH_BYTES];

    (void)snprintf(path, sizeof path, "/v1/evaluate%s", query);
    for (const char *line = lines->text, *end = line + lines->length; line < end;
         line += length + 1) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));

        length = (size_t)((newline != NULL ? newline : end) - line);
        if (strspn(line, " \t\r") >= length)
            continue;
        for (i = 0; i < count; i++) {
            if (known[i].length == length && memcmp(known[i].line, line, length) == 0)
                break;
        }
        if (i < count) {
            struct lines reply = {0}; /* a copy: `want` may move */

            lines_add(&reply, want->text + known[i].at, known[i].reply_length);
            lines_add(want, reply.text, reply.length);
            lines_free(&reply);
            continue;
        }
        size_t at = want->length;

        add_reply(client, path, line, length, want);
        if (count < sizeof known / sizeof known[0])
            known[count++] = (struct known){line, length, at, want->length - at};
    }
}

const char *lines_fault(const struct response *response, const struct lines *want, char *text,
                        size_t size)
{
    const char *got = response->body, *expected = want->text != NULL ? want->text : "";
    size_t at = 0, line = 0;
    char type[64] = "", id[160] = "";

    if (response->status != 200) {
        (void)snprintf(text, size, "got %ld %s %.300s", response->status,
                       response->failure != NULL ? response->failure : "", got);
        return text;
    }
    (void)response_header(response, "Content-Type", type, sizeof type);
    if (strcmp(type, "application/x-ndjson") != 0 ||
        response_header(response, "X-Request-Id", id, sizeof id) == NULL || id[0] == '\0') {
        (void)snprintf(text, size, "the headers are wrong: %.400s", response->head);
        return text;
    }
    if (response->body_length == want->length && memcmp(got, expected, want->length) == 0)
        return NULL;
    for (size_t i = 0; i < want->length && i < response->body_length && got[i] == expected[i];
         i++) {
        if (got[i] == '\n') {
            at = i + 1;
            line++;
        }
    }
    (void)snprintf(text, size, "%zu bytes instead of %zu; from line %zu on %.160s, want %.160s",
                   response->body_length, want->length, line, got + at, expected + at);
    return text;
}
