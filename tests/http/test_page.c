/* test_page.c - the web page's files: what they are, with which headers, and
 * that there is nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"
#include "support/zipped.h"

enum { TEXT_BYTES = 400 };

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Media types by the ends of names; what has none here is a part of the program. */
static const struct {
    const char *end, *media_type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".json", "application/json"},
};

static const char *media_type_of(const char *name)
{
    const char *end = strrchr(name, '.');

    for (size_t i = 0; end != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].end, end) == 0)
            return types[i].media_type;
    }
    return NULL;
}

static void check_header(const struct response *response, const char *name, const char *want)
{
    char text[TEXT_BYTES];
    const char *got = response_header(response, name, text, sizeof text);

    if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0))
        fail_msg("%s is %s, want %s", name, got != NULL ? got : "missing",
                 want != NULL ? want : "none");
}

static void check_document_headers(const struct response *response)
{
    check_header(response, "Cache-Control", "no-cache");
    check_header(response, "Content-Security-Policy", policy);
    check_header(response, "X-Content-Type-Options", "nosniff");
    check_header(response, "Referrer-Policy", "no-referrer");
    check_header(response, "Vary", "Accept-Encoding");
}

static const struct response *ask(const char *method, const char *path, const char *header)
{
    const char *headers[] = {header, NULL};

    return client_send(client, method, path, header != NULL ? headers : NULL, NULL, 0);
}

/* The bytes of a file of src/page. */
static char *bytes_of(const char *name, size_t *length)
{
    char path[TEXT_BYTES], *bytes;
    FILE *file;

    (void)snprintf(path, sizeof path, "src/page/%s", name);
    file = fopen(path, "rbe");
    assert_non_null(file);
    (void)fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    (void)fclose(file);
    return bytes;
}

/* The same plain, without its body, compressed, and not at all when it is known. */
static void check_file(const char *name, const char *path, const char *media_type)
{
    size_t length;
    char *bytes = bytes_of(name, &length), tag[64], known[TEXT_BYTES], told[64];
    const struct response *response = ask("GET", path, NULL);
    struct zipped zipped;

    if (response->status != 200)
        fail_msg("%s: got %ld", path, response->status);
    assert_int_equal(response->body_length, length);
    assert_memory_equal(response->body, bytes, length);
    check_header(response, "Content-Type", media_type);
    check_document_headers(response);
    assert_non_null(response_header(response, "ETag", tag, sizeof tag));

    response = ask("HEAD", path, NULL);
    assert_int_equal(response->status, 200);
    check_header(response, "Content-Type", media_type);
    check_header(response, "ETag", tag);
    check_document_headers(response);
    (void)snprintf(told, sizeof told, "%zu", length);
    check_header(response, "Content-Length", told);

    response = ask("GET", path, "Accept-Encoding: gzip");
    if (length >= 1024) {
        check_header(response, "Content-Encoding", "gzip");
        check_header(response, "ETag", tag);
        zipped = unzip(response->body, response->body_length, ZIP_GZIP);
        assert_int_equal(zipped.length, length);
        assert_memory_equal(zipped.bytes, bytes, length);
        free(zipped.bytes);
    }

    (void)snprintf(known, sizeof known, "If-None-Match: %s", tag);
    response = ask("GET", path, known);
    assert_int_equal(response->status, 304);
    assert_int_equal(response->body_length, 0);
    check_header(response, "ETag", tag);
    check_header(response, "Content-Type", NULL);
    check_header(response, "Content-Length", told);
    check_document_headers(response);
    free(bytes);
}

static void every_file_is_served(void **state)
{
    DIR *folder = opendir("src/page");
    const struct dirent *entry;
    unsigned count = 0;

    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        const char *media_type = media_type_of(entry->d_name);
        char path[TEXT_BYTES];

        if (media_type == NULL)
            continue;
        (void)snprintf(path, sizeof path, "/page/%s", entry->d_name);
        check_file(entry->d_name, strcmp(entry->d_name, "index.html") == 0 ? "/" : path,
                   media_type);
        count++;
    }
    (void)closedir(folder);
    assert_true(count > 3); /* it was the right folder */
}

/* One of several tags, weak or strong, or any; but not another one, nor a part of one. */
static void tags_are_compared(void **state)
{
    static const struct {
        const char *format; /* of If-None-Match, with the tag's characters */
        long status;
    } rows[] = {
        {"W/\"%.16s\"", 304},
        {"\"%.16s\"", 304},
        {"\"x\", W/\"%.16s\"", 304},
        {"\"%.16s\",\"x\"", 304},
        {"*", 304},
        {"\"%.15s\"", 200},
        {"\"x%.16s\"", 200},
        {"W/\"%.16sx\"", 200},
        {"%.16s", 200},
        {"\"*\"", 200},
        {"W/\"x\"", 200},
    };
    char tag[64], header[TEXT_BYTES], value[128];

    (void)state;
    assert_non_null(response_header(ask("GET", "/openapi.json", NULL), "ETag", tag, sizeof tag));
    assert_int_equal(strlen(tag), sizeof "W/\"0123456789abcdef\"" - 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct response *response;

        (void)snprintf(value, sizeof value, rows[i].format, tag + sizeof "W/\"" - 1);
        (void)snprintf(header, sizeof header, "If-None-Match: %s", value);
        response = ask("GET", "/openapi.json", header);
        if (response->status != rows[i].status)
            fail_msg("%s: got %ld, want %ld", header, response->status, rows[i].status);
    }
}

static void there_is_nothing_else(void **state)
{
    static const struct {
        const char *method, *path;
        long status;
        const char *code;
    } rows[] = {
        {"GET", "/page", 404, "not_found"},
        {"GET", "/page/", 404, "not_found"},
        {"GET", "/page/index.html", 404, "not_found"},
        {"GET", "/page/page.c", 404, "not_found"},
        {"GET", "/page/page.h", 404, "not_found"},
        {"GET", "/page/MAIN.JS", 404, "not_found"},
        {"GET", "/page/main.js/", 404, "not_found"},
        {"GET", "/page//main.js", 404, "not_found"},
        {"GET", "/page/../livez", 404, "not_found"},
        {"GET", "/page/../page/main.js", 404, "not_found"},
        {"GET", "/page/%2e%2e/Makefile", 404, "not_found"},
        {"GET", "/page/..%2fMakefile", 404, "not_found"},
        {"GET", "/page/%00main.js", 400, "bad_path"},
        {"GET", "/page/main.js%00", 400, "bad_path"},
        {"GET", "/index.html", 404, "not_found"},
        {"GET", "/favicon.ico", 404, "not_found"},
        {"GET", "//", 404, "not_found"},
        {"POST", "/", 405, "method_not_allowed"},
        {"POST", "/page/main.js", 405, "method_not_allowed"},
        {"DELETE", "/page/nothing", 405, "method_not_allowed"},
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct response *response = ask(rows[i].method, rows[i].path, NULL);

        if (response_fault(response, rows[i].status, rows[i].code, NULL, text, sizeof text) != NULL)
            fail_msg("%s %s: %s", rows[i].method, rows[i].path, text);
        check_header(response, "Content-Security-Policy", NULL);
        check_header(response, "ETag", NULL);
    }
}

/* A question for the same file again is counted as such; bytes that were
 * not sent are not counted. */
static void what_is_known_costs_nothing(void **state)
{
    static const char again[] =
        "lossd_http_requests_total{route=\"/page/{file}\",method=\"GET\",code=\"304\"}";
    static const char sent[] = "lossd_http_response_bytes_total";
    const struct response *metrics = ask("GET", "/metrics", NULL);
    double again_before = metric_value_in(metrics->body, again);
    double sent_before = metric_value_in(metrics->body, sent);
    double length = (double)metrics->body_length;

    (void)state;
    assert_int_equal(ask("GET", "/page/main.js", "If-None-Match: *")->status, 304);
    assert_int_equal(ask("HEAD", "/page/main.js", NULL)->status, 200);
    metrics = ask("GET", "/metrics", NULL);
    assert_true(metric_value_in(metrics->body, again) == again_before + 1);
    assert_true(metric_value_in(metrics->body, sent) == sent_before + length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_served),
        cmocka_unit_test(tags_are_compared),
        cmocka_unit_test(there_is_nothing_else),
        cmocka_unit_test(what_is_known_costs_nothing),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
