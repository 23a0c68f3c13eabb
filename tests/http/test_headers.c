/* test_headers.c - lists on several lines, and the trace that the log line
 * of a request is found by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"

enum { PATIENCE_MS = 120000 };

#define GOOD   "{\"logits\":[1,2],\"targets\":1}"
#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

/* The trace that the log line of a request names, "" if none; fails the
 * test if there is no line. */
static void check_trace(const char *log, const char *id, const char *want)
{
    char *copy = strdup(log), *rest = NULL;
    size_t found = 0;

    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

        if (strcmp(json_text(json, "request_id"), id) == 0) {
            found++;
            if (strcmp(json_text(json, "trace_id"), want) != 0 ||
                (json_object_get(json, "trace_id") != NULL) != (want[0] != '\0'))
                fail_msg("%s: want the trace %s in %s", id, want, line);
        }
        json_decref(json);
    }
    free(copy);
    if (found != 1)
        fail_msg("%s: %zu lines", id, found);
}

static void a_trace_is_found_in_the_log(void **state)
{
    static const struct {
        const char *traceparent, *want;
    } rows[] = {
        {"traceparent: 00-" TRACE "-" PARENT "-01", TRACE},
        {"TraceParent: 00-" TRACE "-" PARENT "-00", TRACE},
        {"traceparent: cc-" TRACE "-" PARENT "-01-what-comes", TRACE},
        {NULL, ""},
        {"traceparent: 00-" TRACE "-" PARENT "-01-what-comes", ""},
        {"traceparent: ff-" TRACE "-" PARENT "-01", ""},
        {"traceparent: 00-4BF92F3577b34da6a3ce929d0e0e4736-" PARENT "-01", ""},
        {"traceparent: 00-00000000000000000000000000000000-" PARENT "-01", ""},
        {"traceparent: 00-" TRACE "-0000000000000000-01", ""},
        {"traceparent: 00-" TRACE "-" PARENT, ""},
        {"traceparent: 00_" TRACE "-" PARENT "-01", ""},
        {"traceparent: 00-" TRACE "-" PARENT "-0x", ""},
        {"traceparent;", ""},
    };
    const char *flags[] = {"--log-level", "debug", "--log-format", "json", NULL};
    struct daemon lossd;
    struct client *client;
    char id[64], *log;

    (void)state;
    daemon_start(&lossd, flags, NULL);
    client = client_open(lossd.port);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *headers[] = {id, rows[i].traceparent, NULL};

        (void)snprintf(id, sizeof id, "X-Request-Id: trace-%zu", i);
        assert_int_equal(
            client_send(client, "POST", "/v1/evaluate", headers, GOOD, sizeof GOOD - 1)->status,
            200);
    }
    client_close(client);
    daemon_signal(&lossd, SIGTERM);
    assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 0);
    log = daemon_errors(&lossd);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(id, sizeof id, "trace-%zu", i);
        check_trace(log, id, rows[i].want);
    }
    free(log);
    (void)daemon_stop(&lossd);
}

/* A list may be spread over several lines, and is one all the same. */
static void lists_may_stand_on_several_lines(void **state)
{
    static const struct {
        const char *headers[5], *type; /* of the answer to a body; NULL: of the description */
        const char *coding;
    } rows[] = {
        {{"Accept: text/html", "Accept: application/x-safetensors"},
         "application/x-safetensors",
         NULL},
        {{"Accept: application/x-safetensors;q=0.5", "Accept: text/html",
          "Accept: application/json;q=0.4,*/*;q=0.1"},
         "application/x-safetensors",
         NULL},
        {{"Accept: application/json;q=0", "Accept: */*"}, "application/x-safetensors", NULL},
        {{"Accept-Encoding: br", "Accept-Encoding: zstd", "Accept-Encoding: deflate"},
         NULL,
         "deflate"},
        {{"Accept-Encoding: gzip;q=0.1", "Accept: text/html", "Accept-Encoding: deflate"},
         NULL,
         "deflate"},
    };
    struct daemon lossd;
    struct client *client;
    char type[80], coding[80];

    (void)state;
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct response *response =
            rows[i].type != NULL
                ? client_send(client, "POST", "/v1/evaluate", rows[i].headers, GOOD,
                              sizeof GOOD - 1)
                : client_send(client, "GET", "/openapi.json", rows[i].headers, NULL, 0);

        if (response->status != 200)
            fail_msg("lists %zu: got %ld %s", i, response->status, response->body);
        assert_string_equal(response_header(response, "Content-Type", type, sizeof type),
                            rows[i].type != NULL ? rows[i].type : "application/json");
        if (response_header(response, "Content-Encoding", coding, sizeof coding) == NULL)
            coding[0] = '\0';
        assert_string_equal(coding, rows[i].coding != NULL ? rows[i].coding : "");
    }
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_may_stand_on_several_lines),
        cmocka_unit_test(a_trace_is_found_in_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
