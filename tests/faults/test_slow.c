/* test_slow.c - clients that are too slow: with their headers, their body, the reply, or the next
 * request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/lines.h"
#include "support/raw.h"
#include "support/session.h"

enum {
    PATIENCE_MS = 120000,
    TRICKLES_MAX = 2000,
    TRIES_MAX = 20,
    LIMIT_MS = 100, /* of heads, and before a body is looked at */
    STOPPED_MS = 150,
    STOPS = 10,
};

#define POST "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
#define GOOD "{\"logits\":[0,0],\"targets\":0}"

static time_t started;

static int start(void **state)
{
    (void)state;
    started = time(NULL);
    return session_start((const char *const[]){"--header-timeout-ms", "100", "--body-rate-grace-ms",
                                               "100", "--body-rate-min-bytes-per-s", "100000",
                                               "--idle-timeout-ms", "1000", "--response-timeout-ms",
                                               "200", NULL},
                         NULL);
}

/* The library is not there to say when that was: RFC 9110, section 6.6.1. */
static void check_date(const struct response *response)
{
    struct tm utc = {0};
    char text[64];
    const char *date = response_header(response, "Date", text, sizeof text), *end;

    assert_non_null(date);
    end = strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    if (end == NULL || *end != '\0' || strlen(date) != strlen("Mon, 30 Nov 2026 06:00:00 GMT"))
        fail_msg("Date: %s", date);
    assert_in_range(timegm(&utc), started, time(NULL));
}

/* Read a 408 and the end of the connection; one more of them is counted, and nothing is left. */
static void check_408(const char *name, struct raw *raw, double before)
{
    struct response response = {0};
    char text[600];

    raw_read(raw, false, PATIENCE_MS, &response);
    if (response_fault(&response, 408, "request_timeout", NULL, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
    assert_string_equal(response_header(&response, "Connection", text, sizeof text), "close");
    check_date(&response);
    if (raw_next(raw, PATIENCE_MS) != RAW_CLOSED)
        fail_msg("%s: not closed", name);
    response_free(&response);
    raw_close(raw);
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    if (!client_wait(client, "lossd_errors_total{code=\"request_timeout\"}", before + 1.0,
                     before + 1.0))
        fail_msg("%s: not counted once", name);
}

/* Rows 71 and 72 of tests/faults/rows.txt. */
static void slow_requests_are_told_so(void **state)
{
    static const char *const requests[] = {
        "", /* connected, and silent */
        "GET /livez HTTP/1.1\r\nHos",
        POST "Content-Length: 28\r\n\r\n",
        POST "Content-Length: 28\r\n\r\n{\"logits\"",
        POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        POST "Content-Length: 2000000\r\n\r\n{",
    };
    double bytes = client_resting_bytes(client), before;

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct raw raw;

        before = client_metric(client, "lossd_errors_total{code=\"request_timeout\"}");
        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, requests[i]));
        check_408(requests[i], &raw, before);
        assert_true(client_resting_bytes(client) == bytes);
    }
}

/* A byte now and then does not help; neither does a first request in good time.  Rows 71 and 72. */
static void trickling_does_not_help(void **state)
{
    static const char *const parts[] = {"GET /livez HTTP/1.1\r\nHost: a\r\nX: ",
                                        POST "Content-Length: 1000000\r\n\r\n"};

    (void)state;
    for (int i = 0, tries = 0; i < 4; i++) {
        double before = client_metric(client, "lossd_errors_total{code=\"request_timeout\"}");
        struct response response = {0};
        struct raw raw;
        int trickles = 0;

        raw_open(&raw, lossd.port);
        if (i >= 2) {
            assert_true(raw_say(&raw, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
            raw_read(&raw, false, PATIENCE_MS, &response);
            assert_int_equal(response.status, 200);
        }
        assert_true(raw_say(&raw, parts[i % 2]));
        while (raw_next(&raw, 10) == RAW_SILENT && trickles++ < TRICKLES_MAX)
            (void)raw_say(&raw, "x");
        assert_in_range(trickles, 0, TRICKLES_MAX - 1);
        check_408(parts[i % 2], &raw, before);
        response_free(&response);
        if (trickles < 2) { /* this machine was too slow for it */
            assert_in_range(++tries, 1, TRIES_MAX);
            i--;
        }
    }
}

/* The status of a body that comes in pieces, one every 15 ms. */
static long send_steadily(void)
{
    struct response response = {0};
    char piece[4000], head[128];
    struct raw raw;
    long status;

    memset(piece, ' ', sizeof piece);
    raw_open(&raw, lossd.port);
    (void)snprintf(head, sizeof head, "%sContent-Length: %zu\r\n\r\n", POST,
                   20 * sizeof piece + strlen(GOOD));
    assert_true(raw_say(&raw, head));
    for (int i = 0; i < 20; i++) {
        (void)raw_send(&raw, piece, sizeof piece);
        (void)raw_next(&raw, 15);
    }
    (void)raw_say(&raw, GOOD);
    raw_read(&raw, false, PATIENCE_MS, &response);
    status = response.status;
    response_free(&response);
    raw_close(&raw);
    return status;
}

/* A body that is slow but steady, above the least rate, is read to its end: if nothing stops it on
 * its way, which on busy machines may happen now and then. */
static void a_steady_body_is_read(void **state)
{
    int tries = 1;

    (void)state;
    while (send_steadily() != 200)
        assert_in_range(++tries, 1, TRIES_MAX);
}

/* The daemon is stopped for longer than the limits, as a machine may be, and finds all of it when it
 * goes on.  Row 74a. */
static void nobody_is_late_with_what_is_here(void **state)
{
    static const char *const parts[][2] = {
        {"GET /livez HTTP/1.1\r\nHo", "st: a\r\n\r\n"},
        {POST "Content-Length: 28\r\n\r\n{\"logits\"", ":[0,0],\"targets\":0}"}};

    (void)state;
    for (int i = 0; i < 2 * STOPS; i++) {
        struct response response = {0};
        double since = clock_ms(), until;
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, parts[i % 2][0]));
        assert_true(client_wait(client, "lossd_connections", 2.0, 2.0));
        daemon_signal(&lossd, SIGSTOP);
        until = clock_ms();
        (void)raw_say(&raw, parts[i % 2][1]);
        (void)raw_next(&raw, STOPPED_MS);
        daemon_signal(&lossd, SIGCONT);
        raw_read(&raw, false, PATIENCE_MS, &response);
        if (response.status != 200 && until - since < LIMIT_MS / 2) /* else it may have been late */
            fail_msg("got %ld %s", response.status, response.body);
        response_free(&response);
        raw_close(&raw);
    }
}

/* Row 74 of tests/faults/rows.txt. */
static void an_idle_connection_is_closed(void **state)
{
    static const char *const beginnings[] = {"", "GET /liv"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        double closed, since = clock_ms(); /* before the reply, after which the time runs */
        struct response response = {0};
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
        raw_read(&raw, false, PATIENCE_MS, &response);
        assert_int_equal(response.status, 200);
        assert_true(raw_say(&raw, beginnings[i]));
        assert_int_equal(raw_next(&raw, PATIENCE_MS), RAW_CLOSED);
        closed = clock_ms() - since;
        if (closed < 900.0 || closed > 5000.0)
            fail_msg("closed after %g ms", closed);
        response_free(&response);
        raw_close(&raw);
    }
}

/* Connect, with a request whose reply is longer than what a connection holds on its way. */
static void ask_for_much(struct raw *raw, unsigned port)
{
    struct lines body = {0};

    lines_zeros(&body, 700000, ",\"return\":[\"softmax\",\"log_softmax\"]");
    raw_open(raw, port);
    assert_true(lines_begin(raw, POST, &body, body.length));
    lines_free(&body);
}

/* A client that does not read a large reply is cut off, and its memory comes back.  Row 73. */
static void a_reply_that_nobody_reads_is_given_up(void **state)
{
    double bytes = client_resting_bytes(client);
    double aborts = client_metric(client, "lossd_client_aborts_total");
    struct raw raw;

    (void)state;
    ask_for_much(&raw, lossd.port);
    assert_true(client_wait(client, "lossd_client_aborts_total", aborts + 1.0, aborts + 1.0));
    assert_true(client_resting_bytes(client) == bytes);
    raw_close(&raw);
}

/* A reply that cannot be sent is no reason for a loop to spin because of another connection: for a
 * chunk whose first line fills the library's buffer, as in test_heads.c. */
static void who_does_not_read_lets_no_loop_spin(void **state)
{
    enum { LINE_BYTES = 70000, QUIET_MS = 500 };
    char *line = malloc(LINE_BYTES);
    struct raw reading, sending;
    struct daemon one;
    double cpu_s;

    (void)state;
    assert_non_null(line);
    memset(line, 'a', LINE_BYTES);
    daemon_start(&one, (const char *const[]){"--loops", "1", NULL}, NULL);
    ask_for_much(&reading, one.port);
    assert_int_equal(raw_next(&reading, PATIENCE_MS), RAW_BYTES);
    raw_open(&sending, one.port);
    assert_true(raw_say(&sending, POST "Transfer-Encoding: chunked\r\n\r\n5;"));
    assert_true(raw_send(&sending, line, LINE_BYTES));
    cpu_s = daemon_cpu_s(&one);
    (void)raw_next(&sending, QUIET_MS); /* 1.0 of the library refuses it */
    cpu_s = daemon_cpu_s(&one) - cpu_s;
    if (!(cpu_s < QUIET_MS / 1e3 / 5)) /* who spins has more, busy machine or not */
        fail_msg("%g s of CPU time", cpu_s);
    raw_close(&sending);
    raw_close(&reading);
    (void)daemon_stop(&one);
    free(line);
}

/* The time for the next request is not that for a body or for reading a reply, in which a client
 * may pause for longer. */
static void a_pause_is_not_idleness(void **state)
{
    struct response response = {0};
    struct raw idle, sending, reading;
    struct daemon patient;

    (void)state;
    daemon_start(&patient,
                 (const char *const[]){"--idle-timeout-ms", "1000", "--body-rate-grace-ms",
                                       "600000", "--request-timeout-ms", "600000", NULL},
                 NULL);
    raw_open(&sending, patient.port);
    assert_true(raw_say(&sending, POST "Content-Length: 28\r\n\r\n{\"logits\""));
    ask_for_much(&reading, patient.port);
    assert_int_equal(raw_next(&reading, PATIENCE_MS), RAW_BYTES);
    raw_open(&idle, patient.port);
    assert_true(raw_say(&idle, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_read(&idle, false, PATIENCE_MS, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(raw_next(&idle, PATIENCE_MS), RAW_CLOSED);
    assert_true(raw_say(&sending, ":[0,0],\"targets\":0}"));
    raw_read(&sending, false, PATIENCE_MS, &response);
    assert_int_equal(response.status, 200);
    raw_read(&reading, false, PATIENCE_MS, &response);
    assert_int_equal(response.status, 200);
    assert_null(response.failure);
    response_free(&response);
    raw_close(&idle);
    raw_close(&sending);
    raw_close(&reading);
    assert_int_equal(daemon_stop(&patient), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_requests_are_told_so),
        cmocka_unit_test(trickling_does_not_help),
        cmocka_unit_test(a_steady_body_is_read),
        cmocka_unit_test(nobody_is_late_with_what_is_here),
        cmocka_unit_test(an_idle_connection_is_closed),
        cmocka_unit_test(a_reply_that_nobody_reads_is_given_up),
        cmocka_unit_test(who_does_not_read_lets_no_loop_spin),
        cmocka_unit_test(a_pause_is_not_idleness),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
