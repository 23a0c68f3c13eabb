/* test_tokens.c - a daemon with tokens: who is let in, what the others are told, and what is
 * logged.  Row 65 of tests/faults/rows.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "support/folder.h"
#include "support/raw.h"
#include "support/session.h"

#define FIRST   "first-token-0123456789"
#define SECOND  "second-token-0123456789"
#define GOOD    "{\"logits\":[0,0],\"targets\":0}"
#define BEARER  "Authorization: Bearer "
#define REFUSED "lossd_errors_total{code=\"unauthorized\"}"

enum { PATIENCE_MS = 120000, WRONG_ONES = 10000 };

static char tokens_path[FOLDER_PATH_BYTES];

static int start(void **state)
{
    (void)state;
    folder_make();
    (void)folder_write("tokens", "# for the dashboard\n" FIRST "\n\n" SECOND "\n", tokens_path);
    return session_start((const char *const[]){"--tokens-file", tokens_path, "--cors-origin",
                                               "http://a.example", "--log-level", "debug", NULL},
                         NULL);
}

static int stop(void **state)
{
    folder_remove();
    return session_stop(state);
}

static void each_token_opens_every_route(void **state)
{
    static const char *const headers[] = {BEARER FIRST, BEARER SECOND,
                                          ("authorization: bearer " FIRST)};

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        client_always_send(client, headers[i]);
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
        assert_int_equal(client_send(client, "GET", "/metrics", NULL, NULL, 0)->status, 200);
        assert_int_equal(client_send(client, "GET", "/openapi.json", NULL, NULL, 0)->status, 200);
        assert_int_equal(client_send(client, "GET", "/v2", NULL, NULL, 0)->status, 200);
        assert_int_equal(client_send(client, "GET", "/nothing", NULL, NULL, 0)->status, 404);
    }
    client_always_send(client, NULL);
}

/* Refused before anything else is looked at: path, method, type and size of the body. */
static void others_are_refused_before_anything_else(void **state)
{
    static const struct {
        const char *method, *path, *header, *body;
    } rows[] = {
        {"GET", "/metrics", NULL, NULL},
        {"GET", "/openapi.json", NULL, NULL},
        {"HEAD", "/v2", NULL, NULL},
        {"GET", "/nothing", NULL, NULL},
        {"GET", "/%zz", NULL, NULL},
        {"DELETE", "/v1/evaluate", NULL, NULL},
        {"GET", "/v2/models/none", NULL, NULL},
        {"POST", "/v1/evaluate", NULL, GOOD},
        {"POST", "/v1/evaluate", BEARER, GOOD},
        {"POST", "/v1/evaluate", BEARER "x", GOOD},
        {"POST", "/v1/evaluate", BEARER FIRST "x", GOOD},
        {"POST", "/v1/evaluate", BEARER FIRST " " SECOND, GOOD},
        {"POST", "/v1/evaluate", "Authorization: Basic " FIRST, GOOD},
        {"POST", "/v1/evaluate", "Authorization: " FIRST, GOOD},
        {"POST", "/v1/evaluate", "Content-Type: text/plain", GOOD},
        {"OPTIONS", "/v1/evaluate", "Origin: http://a.example", NULL}, /* no preflight */
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *headers[] = {rows[i].header, NULL};
        const struct response *response =
            client_send(client, rows[i].method, rows[i].path, headers, rows[i].body,
                        rows[i].body != NULL ? strlen(rows[i].body) : 0);

        if (response->status != 401 ||
            strcmp(response_header(response, "WWW-Authenticate", text, sizeof text), "Bearer") != 0)
            fail_msg("row %zu: %ld", i, response->status);
        if (strcmp(rows[i].method, "HEAD") != 0 &&
            response_fault(response, 401, "unauthorized", NULL, text, sizeof text) != NULL)
            fail_msg("row %zu: %s", i, text);
        assert_null(strstr(response->body, "-token-"));
        assert_null(strstr(response->head, "-token-"));
    }
}

/* The connection lives if no body was announced; and what cannot be framed is refused as ever. */
static void connections_live_if_there_is_no_body(void **state)
{
    struct response response = {0};
    char text[600];
    struct raw raw;

    (void)state;
    raw_open(&raw, lossd.port);
    for (int i = 0; i < 3; i++) {
        assert_true(raw_say(&raw, "GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n"));
        raw_read(&raw, false, PATIENCE_MS, &response);
        assert_int_equal(response.status, 401);
        assert_null(response_header(&response, "Connection", text, sizeof text));
    }
    assert_true(raw_say(&raw, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
                              "Expect: 100-continue\r\n\r\n"));
    raw_read(&raw, false, PATIENCE_MS, &response);
    assert_int_equal(response.status, 401);
    assert_int_equal(response.continues, 0); /* nothing of the body was asked for */
    assert_string_equal(response_header(&response, "Connection", text, sizeof text), "close");
    assert_int_equal(raw_next(&raw, PATIENCE_MS), RAW_CLOSED);
    raw_close(&raw);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "GET /v1/version HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
    raw_read(&raw, false, PATIENCE_MS, &response);
    if (response_fault(&response, 400, "bad_framing", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    raw_close(&raw);
    response_free(&response);
}

static void health_is_open_and_so_is_a_browsers_question(void **state)
{
    static const char *const open[] = {"/livez", "/readyz", "/v2/health/live", "/v2/health/ready"};
    const char *asks[] = {"Origin: http://a.example", "Access-Control-Request-Method: POST",
                          "Access-Control-Request-Headers: authorization", NULL};
    const struct response *response;
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        assert_int_equal(client_send(client, "GET", open[i], NULL, NULL, 0)->status, 200);
    response = client_send(client, "OPTIONS", "/v1/evaluate", asks, NULL, 0);
    assert_int_equal(response->status, 204);
    assert_non_null(
        strstr(response_header(response, "Access-Control-Allow-Headers", text, sizeof text),
               "authorization"));
    asks[1] = NULL; /* the page may read why it is refused */
    response = client_send(client, "POST", "/v1/evaluate", asks, GOOD, strlen(GOOD));
    assert_int_equal(response->status, 401);
    assert_non_null(response_header(response, "Access-Control-Allow-Origin", text, sizeof text));
    asks[0] = "Origin: http://b.example";
    asks[1] = "Access-Control-Request-Method: POST";
    assert_int_equal(client_send(client, "OPTIONS", "/v1/evaluate", asks, NULL, 0)->status, 401);
}

/* Lines of the log that have a text. */
static size_t count_lines(const char *log, const char *text, double *requests)
{
    size_t count = 0;

    for (const char *at = strstr(log, text); at != NULL; at = strstr(at + 1, text)) {
        count++;
        *requests += strtod(strstr(at, "requests=") + 9, NULL);
    }
    return count;
}

static void wrong_tokens_make_a_line_a_second(void **state)
{
    static const char event[] = "refused: unauthorized";
    double begin = clock_ms(), end, before, requests = 0.0, seconds, logged_before = 0.0;
    char *log = daemon_errors(&lossd);
    size_t lines = count_lines(log, event, &logged_before);

    (void)state;
    client_always_send(client, BEARER FIRST);
    before = client_metric(client, REFUSED);
    client_always_send(client, BEARER "wrong-token-0123456789");
    for (int i = 0; i < WRONG_ONES; i++) {
        if (client_send(client, "GET", "/v1/version", NULL, NULL, 0)->status != 401)
            fail_msg("%d", i);
    }
    client_always_send(client, BEARER FIRST);
    assert_true(client_wait(client, REFUSED, before + WRONG_ONES, before + WRONG_ONES));
    client_always_send(client, NULL);
    end = clock_ms() + PATIENCE_MS;
    do { /* the last of them are told of within a second or so */
        free(log);
        log = daemon_errors(&lossd);
        requests = 0.0;
        (void)count_lines(log, event, &requests);
        pause_a_ms();
    } while (requests < before + WRONG_ONES && clock_ms() < end);
    assert_true(requests == before + WRONG_ONES);
    seconds = (clock_ms() - begin) / 1e3;
    requests = 0.0;
    assert_in_range(count_lines(log, event, &requests) - lines, 1, (size_t)seconds + 2);
    assert_null(strstr(log, "-token-"));
    free(log);
}

/* ---- daemons of their own ---- */

static void metrics_can_be_open(void **state)
{
    struct daemon open;
    struct client *visitor;

    (void)state;
    daemon_start(
        &open,
        (const char *const[]){"--tokens-file", tokens_path, "--metrics-access", "open", NULL},
        NULL);
    visitor = client_open(open.port);
    assert_int_equal(client_send(visitor, "GET", "/metrics", NULL, NULL, 0)->status, 200);
    assert_int_equal(client_send(visitor, "GET", "/v1/version", NULL, NULL, 0)->status, 401);
    client_close(visitor);
    assert_int_equal(daemon_stop(&open), 0);
}

static void broken_files_are_refused_at_the_start(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"# empty\n", ": there is no token in it"},
        {"# a\nshort\n", ":2: the token has 5 characters, not 16 to 256"},
        {FIRST "\nbad " SECOND "\n", ":2: a token has letters, digits"},
    };
    char path[FOLDER_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const char *arguments[] = {"config", "--tokens-file",
                                   folder_write("broken", rows[i / 2].text, path), NULL};
        struct daemon_run run;

        daemon_run(&run, arguments + i % 2, NULL, NULL);
        if (run.status != 2 || run.out[0] != '\0' || strstr(run.err, rows[i / 2].says) == NULL ||
            strstr(run.err, path) == NULL || strstr(run.err, "-token-") != NULL)
            fail_msg("row %zu: %d, %s%s", i, run.status, run.out, run.err);
        daemon_run_free(&run);
    }
}

/* What the log says at the start of a daemon with these flags. */
static void check_warning(const char *const *flags, const char *warning, bool is_there)
{
    struct daemon daemon;
    char *log;

    daemon_start(&daemon, flags, NULL);
    log = daemon_errors(&daemon);
    if ((strstr(log, warning) != NULL) != is_there)
        fail_msg("%s: %s", warning, log);
    free(log);
    assert_int_equal(daemon_stop(&daemon), 0);
}

static void what_is_doubtful_is_logged(void **state)
{
    static const char anyone[] = "anyone who can reach this address may use it";
    static const char secret[] = "everybody on this machine can read a secret";
    const char *flags[] = {"--listen-address", "0.0.0.0", NULL, tokens_path, NULL};

    (void)state;
    check_warning(flags, anyone, true);
    flags[1] = "127.1.2.3";
    check_warning(flags, anyone, false);
    flags[1] = "0.0.0.0";
    flags[2] = "--tokens-file";
    check_warning(flags, anyone, false);
    check_warning(flags, secret, false);
    assert_int_equal(chmod(tokens_path, 0644), 0);
    check_warning(flags, secret, true);
    assert_int_equal(chmod(tokens_path, 0640), 0); /* a group is somebody's decision */
    check_warning(flags, secret, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_token_opens_every_route),
        cmocka_unit_test(others_are_refused_before_anything_else),
        cmocka_unit_test(connections_live_if_there_is_no_body),
        cmocka_unit_test(health_is_open_and_so_is_a_browsers_question),
        cmocka_unit_test(wrong_tokens_make_a_line_a_second),
        cmocka_unit_test(metrics_can_be_open),
        cmocka_unit_test(broken_files_are_refused_at_the_start),
        cmocka_unit_test(what_is_doubtful_is_logged),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
