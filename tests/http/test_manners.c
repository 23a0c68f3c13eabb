/* test_manners.c - what HTTP promises beside the answer: types by Accept, timings, HEAD. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "support/headers.h"
#include "support/questions.h"
#include "support/session.h"

#define GOOD      "{\"logits\":[1,2],\"targets\":1}"
#define FILE_TYPE "application/x-safetensors"

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--inline-bytes-max", "1000", NULL}, NULL);
}

/* ---- Accept ---------------------------------------------------------------------------------- */

/* The reply's type by what the client takes; NULL is 406. */
static void the_type_is_the_clients_choice(void **state)
{
    static const struct {
        const char *accept, *to_json, *to_file, *to_lines;
    } rows[] = {
        {"Accept: */*", "application/json", FILE_TYPE, "application/x-ndjson"},
        {"Accept: application/*", "application/json", FILE_TYPE, "application/x-ndjson"},
        {"Accept: application/json", "application/json", "application/json", NULL},
        {"Accept: Application/X-Safetensors", FILE_TYPE, FILE_TYPE, NULL},
        {"Accept: application/octet-stream", "application/octet-stream", "application/octet-stream",
         NULL},
        {"Accept: application/jsonl", NULL, NULL, "application/jsonl"},
        {"Accept: application/json;q=0.5, " FILE_TYPE ";q=0.6", FILE_TYPE, FILE_TYPE, NULL},
        {"Accept: application/json;q=0.5, */*;q=0.4", "application/json", "application/json",
         "application/x-ndjson"},
        {"Accept: application/json;q=0, */*", FILE_TYPE, FILE_TYPE, "application/x-ndjson"},
        {"Accept: text/html, application/xml;q=0.9", NULL, NULL, NULL},
        {"Accept: */*;q=0", NULL, NULL, NULL},
        {"Accept: application/json;q=0.000", NULL, NULL, NULL},
    };
    static const char *const types[] = {"application/json", FILE_TYPE, "application/x-ndjson"};
    uint64_t seed = 1;
    struct question question;
    struct question_body bodies[3];
    char name[160], type[80], text[600];

    (void)state;
    question_make(&question, &seed);
    bodies[0] = bodies[2] = question_json(&question);
    bodies[1] = question_file(&question);
    for (size_t i = 0; i < 3 * sizeof rows / sizeof rows[0]; i++) {
        const char *wants[] = {rows[i / 3].to_json, rows[i / 3].to_file, rows[i / 3].to_lines};
        const char *headers[] = {rows[i / 3].accept, type, NULL}, *want = wants[i % 3];
        const struct response *response;

        (void)snprintf(type, sizeof type, "Content-Type: %s", types[i % 3]);
        (void)snprintf(name, sizeof name, "%s, %s", headers[0], type);
        response = client_send(client, "POST", "/v1/evaluate", headers, bodies[i % 3].bytes,
                               bodies[i % 3].length);
        if (want == NULL) {
            if (response_fault(response, 406, "not_acceptable", NULL, text, sizeof text) != NULL)
                fail_msg("%s: %s", name, text);
            continue;
        }
        assert_int_equal(response->status, 200);
        check_header(name, response, "Content-Type", want);
        assert_int_equal(response->body[0] == '{', strstr(want, "json") != NULL);
    }
    free(bodies[0].bytes);
    free(bodies[1].bytes);
    question_free(&question);
}

/* What promtool says of a text; false if it is not there. */
static bool promtool_likes(const char *text, int *status)
{
    const char *tool =
        access("build/tools/promtool", X_OK) == 0 ? "build/tools/promtool" : "promtool";
    char command[160];
    FILE *pipe;

    (void)snprintf(command, sizeof command,
                   "command -v %s >/dev/null || { cat >/dev/null; exit 77; }; %s check metrics",
                   tool, tool);
    pipe = popen(command, "w");
    assert_non_null(pipe);
    assert_int_equal(fwrite(text, 1, strlen(text), pipe), strlen(text));
    *status = pclose(pipe);
    return *status != 77 << 8;
}

static void metrics_come_in_three_formats(void **state)
{
#define TEXT_0_0_4 "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_1_0_0 "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"
#define OPEN_1_0_0 \
    "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
    static const struct {
        const char *accept, *want;
    } rows[] = {
        {NULL, TEXT_0_0_4},
        {"Accept: */*", TEXT_0_0_4},
        {"Accept: text/html", TEXT_0_0_4}, /* better than nothing */
        {"Accept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1", TEXT_0_0_4},
        {"Accept: text/plain;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5", TEXT_1_0_0},
        {"Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
         OPEN_1_0_0},
        {"Accept: application/openmetrics-text;version=0.0.1,text/plain;version=0.0.4;q=0.5",
         TEXT_0_0_4},
        /* as Prometheus 3 sends it */
        {"Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
         "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
         OPEN_1_0_0},
    };
    bool is_there = true;
    int status = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *headers[] = {rows[i].accept, NULL};
        const struct response *response = client_send(client, "GET", "/metrics", headers, NULL, 0);
        const char *end = response->body + response->body_length;
        bool is_open = strcmp(rows[i].want, OPEN_1_0_0) == 0;

        assert_int_equal(response->status, 200);
        check_header(rows[i].accept, response, "Content-Type", rows[i].want);
        assert_int_equal(strcmp(end - 6, "# EOF\n") == 0, is_open);
        assert_non_null(strstr(response->body, is_open ? "\n# TYPE lossd_errors counter\n"
                                                       : "\n# TYPE lossd_errors_total counter\n"));
        assert_true(metric_value_in(response->body, "lossd_connections") >= 1.0);
        if (!is_open && is_there)
            is_there = promtool_likes(response->body, &status);
        if (is_there && status != 0)
            fail_msg("%s: promtool exits with %d", rows[i].accept, status);
    }
    if (!is_there)
        (void)printf("note: promtool is not there\n");
}

/* ---- Server-Timing --------------------------------------------------------------------------- */

/* Its durations in milliseconds, in order; fails the test if it is not just those. */
static void read_timing(const struct response *response, double ms[4])
{
    static const char *const names[] = {"queue", "decode", "evaluate", "encode"};
    char text[256];
    const char *at = response_header(response, "Server-Timing", text, sizeof text);

    assert_non_null(at);
    for (int i = 0; i < 4; i++) {
        size_t length = strlen(names[i]);
        char *end;

        if (strncmp(at, names[i], length) != 0 || strncmp(at + length, ";dur=", 5) != 0)
            fail_msg("Server-Timing: %s", text);
        at += length + 5;
        assert_int_equal(strspn(at, "0123456789"), strcspn(at, ".")); /* not 1e3, -1 or nan */
        ms[i] = strtod(at, &end);
        assert_int_equal(end - strchr(at, '.'), 4);
        at = end;
        assert_int_equal(strncmp(at, i < 3 ? ", " : "", 2), 0);
        at += i < 3 ? 2 : 0;
    }
    assert_string_equal(at, "");
}

/* So much that none of it is done within half a microsecond, which is shown as none. */
static void timings_are_plausible(void **state)
{
#define FOUR      "1.25,0.1,-3.5,2.75"
#define SIXTEEN   FOUR "," FOUR "," FOUR "," FOUR
#define SOME_DATA SIXTEEN "," SIXTEEN "," SIXTEEN "," SIXTEEN
    static const char evaluation[] =
        "{\"logits\":[" SOME_DATA "],\"targets\":0,\"return\":[\"softmax\"]}";
    static const char inference[] =
        "{\"inputs\":[{\"name\":\"logits\",\"shape\":[64],\"datatype\":\"FP64\",\"data\":"
        "[" SOME_DATA "]},{\"name\":\"targets\",\"shape\":[],\"datatype\":\"INT8\",\"data\":[0]}],"
        "\"outputs\":[{\"name\":\"softmax\"}]}";
    char padded[2500], path[] = "/v2/models/cross_entropy/infer";

    (void)state;
    for (int i = 0; i < 40; i++) {
        const char *body = i % 2 == 0 ? evaluation : inference;
        bool is_queued = i % 4 >= 2; /* above inline_bytes_max */
        double ms[4], sum = 0, since = clock_ms(), took;
        const struct response *response;

        memset(padded, ' ', sizeof padded);
        memcpy(padded, body, strlen(body));
        response = client_send(client, "POST", i % 2 == 0 ? "/v1/evaluate" : path, NULL, padded,
                               is_queued ? sizeof padded : strlen(body));
        took = clock_ms() - since;
        assert_int_equal(response->status, 200);
        read_timing(response, ms);
        for (int m = 0; m < 4; m++)
            sum += ms[m];
        if (sum > took + 0.002)
            fail_msg("took %g ms, but is told to have taken %g", took, sum);
        assert_true(is_queued ? ms[0] > 0.0 : ms[0] == 0.0);
        assert_true(ms[1] + ms[2] + ms[3] > 0.0);
    }
    check_header("an error", client_evaluate(client, "{}"), "Server-Timing", NULL);
}

/* ---- HEAD ------------------------------------------------------------------------------------ */

/* The names of the headers of a reply, one after the other, and the values of those that stay. */
static char *heads_of(const struct response *response, bool with_length)
{
    char *text = calloc(response->head_length + 1, 1), *at = text;

    assert_non_null(text);
    for (const char *line = response->head; *line != '\0' && line[0] != '\r';
         line += strcspn(line, "\n") + 1) {
        bool varies = strncasecmp(line, "X-Request-Id:", 13) == 0 ||
                      strncasecmp(line, "Date:", 5) == 0 ||
                      (!with_length && strncasecmp(line, "Content-Length:", 15) == 0);

        at += sprintf(at, "%.*s\n", (int)strcspn(line, varies ? ":" : "\r"), line);
    }
    return text;
}

static void a_head_is_that_of_get(void **state)
{
    static const char *const paths[] = {"/livez",
                                        "/readyz",
                                        "/v1/version",
                                        "/v2",
                                        "/v2/",
                                        "/v2/health/live",
                                        "/v2/health/ready",
                                        "/v2/models",
                                        "/v2/models/nll_loss",
                                        "/v2/models/nll_loss/ready",
                                        "/v2/models/nll_loss/config",
                                        "/v2/models/nll_loss/versions/1/config",
                                        "/v2/models/nll_loss/stats",
                                        "/v2/models/stats",
                                        "/metrics", /* the last does vary */
                                        "/v2/models/x",
                                        "/v2/models/nll_loss/versions/9/ready",
                                        "/nothing",
                                        "/v1/evaluate",
                                        "/v2/models/nll_loss/infer",
                                        "/v2/repository/index"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        bool with_length = strcmp(paths[i], "/metrics") != 0;
        char *want = heads_of(client_send(client, "GET", paths[i], NULL, NULL, 0), with_length);
        const struct response *response = client_send(client, "HEAD", paths[i], NULL, NULL, 0);
        char *got = heads_of(response, with_length);

        assert_int_equal(response->body_length, 0);
        if (strcmp(got, want) != 0)
            fail_msg("%s: got %s, want %s", paths[i], got, want);
        free(got);
        free(want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_type_is_the_clients_choice),
        cmocka_unit_test(metrics_come_in_three_formats),
        cmocka_unit_test(timings_are_plausible),
        cmocka_unit_test(a_head_is_that_of_get),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
