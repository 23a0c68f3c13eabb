/* test_ndjson_ends.c - bodies of many lines that end badly: the client goes or is slow, or
 * the daemon is told to stop. */
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
#include "support/lines.h"
#include "support/raw.h"

enum { MEGABYTE = 1024 * 1024, TEXT_BYTES = 1000, LATE_MAX = 200 };

#define POST                                                         \
    "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nX-Request-Id: end\r\n" \
    "Content-Type: application/x-ndjson\r\n"

/* Wait until nothing is left of any request but the one that asks. */
static void wait_for_nothing(struct client *client, double bytes)
{
    assert_true(client_resting_bytes(client) == bytes);
}

/* Connect, and begin a request with the first `count` bytes of its body. */
static void begin(struct raw *raw, unsigned port, const struct lines *lines, size_t count)
{
    raw_open(raw, port);
    assert_true(lines_begin(raw, POST, lines, count));
}

/* The library may miss the end of a connection that comes with the last bytes: then it is the
 * body's rate that ends it. */
static void clients_may_go_at_any_time(void **state)
{
    static const char *const flags[] = {
        "--workers",  "2", "--body-rate-grace-ms", "1000", "--body-rate-min-bytes-per-s",
        "1073741824", NULL};
    static const size_t counts[] = {0, 5000, MEGABYTE + 200000, 3 * MEGABYTE};
    struct lines lines = {0}, good = {0}, want = {0};
    struct daemon lossd;
    struct client *client;
    struct raw raw;
    char text[TEXT_BYTES];
    double bytes, aborts;

    (void)state;
    daemon_start(&lossd, flags, NULL);
    client = client_open(lossd.port);
    lines_mix(&lines, 3 * MEGABYTE + 1);
    lines_word(&lines, "\n");
    lines_word(&good, LINES_GOOD);
    lines_want(client, "", &good, &want);
    bytes = client_resting_bytes(client);
    for (size_t i = 0; i < 2 * sizeof counts / sizeof counts[0]; i++) {
        size_t count = counts[i / 2];

        aborts = client_metric(client, "lossd_client_aborts_total");
        if (i % 2 == 0) { /* it is known, and perhaps in work */
            begin(&raw, lossd.port, &lines, count);
            assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        } else { /* chunked */
            raw_open(&raw, lossd.port);
            assert_true(raw_say(&raw, POST "Transfer-Encoding: chunked\r\n\r\n400000\r\n"));
            assert_true(raw_send(&raw, lines.text, count));
            assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        }
        raw_close(&raw);
        assert_true(client_wait(client, "lossd_client_aborts_total", aborts + 1.0, aborts + 1.0));
        wait_for_nothing(client, bytes);
    }
    if (lines_fault(lines_post(client, "", &good, false), &want, text, sizeof text) != NULL)
        fail_msg("%s", text);
    client_close(client);
    lines_free(&lines);
    lines_free(&good);
    lines_free(&want);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Silent after a part of the body, or sending a little of it again and again: told so, in time. */
static void slow_ones_are_told_so(void **state)
{
    static const size_t counts[] = {0, 40, MEGABYTE + 300000};
    struct lines lines = {0};
    struct response response = {0};
    struct daemon lossd;
    struct client *client;
    struct raw raw;
    char text[TEXT_BYTES], other[TEXT_BYTES];
    double bytes;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--request-timeout-ms", "200", NULL}, NULL);
    client = client_open(lossd.port);
    (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    bytes = client_resting_bytes(client);
    lines_mix(&lines, 3 * MEGABYTE);
    for (size_t i = 0; i < 2 * sizeof counts / sizeof counts[0]; i++) {
        double since = clock_ms();
        size_t at = counts[i / 2];

        begin(&raw, lossd.port, &lines, at);
        while (i % 2 == 1 && raw_next(&raw, 1) == RAW_SILENT && clock_ms() < since + RAW_MS)
            (void)raw_send(&raw, lines.text + at++, 1);
        raw_read(&raw, false, RAW_MS, &response);
        if (response_fault(&response, 408, "request_timeout", NULL, text, sizeof text) != NULL &&
            response_fault(&response, 504, "deadline_exceeded", NULL, other, sizeof other) != NULL)
            fail_msg("%zu bytes: %s", counts[i / 2], text);
        assert_string_equal(response_header(&response, "X-Request-Id", text, sizeof text), "end");
        raw_close(&raw);
        wait_for_nothing(client, bytes);
    }
    client_close(client);
    response_free(&response);
    lines_free(&lines);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* What is done of it does not count, nor is the rest evaluated. */
static void a_late_stream_is_given_up(void **state)
{
    struct lines lines = {0};
    struct daemon lossd;
    struct client *client;
    const struct response *response;
    char text[TEXT_BYTES];
    int late = 0;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--request-timeout-ms", "1", NULL}, NULL);
    client = client_open(lossd.port);
    lines_mix(&lines, 3 * MEGABYTE);
    (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    do { /* on a busy machine even the body may come too late, or so late that it is cut off */
        response = lines_post(client, "", &lines, late % 2 == 1);
    } while ((response->status == 0 ||
              response_fault(response, 408, "request_timeout", NULL, text, sizeof text) == NULL) &&
             ++late < LATE_MAX);
    if (response_fault(response, 504, "deadline_exceeded", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_true(client_metric(client, "lossd_errors_total{code=\"deadline_exceeded\"}") >= 1.0);
    assert_true(client_metric(client, "lossd_errors_total{code=\"request_timeout\"}") <= late);
    client_close(client);
    lines_free(&lines);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Let in before SIGTERM, and sent to its end after it. */
static void a_drain_waits_for_the_rest(void **state)
{
    static const size_t counts[] = {0, 300000, MEGABYTE + 200000, 2 * MEGABYTE};
    struct lines lines = {0}, want = {0};
    char text[TEXT_BYTES];

    (void)state;
    lines_mix(&lines, 2 * MEGABYTE + MEGABYTE / 4);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct response response = {0};
        struct daemon lossd;
        struct client *client;
        struct raw raw;
        double deadline;

        daemon_start(&lossd, NULL, NULL);
        client = client_open(lossd.port);
        if (want.length == 0)
            lines_want(client, "", &lines, &want);
        begin(&raw, lossd.port, &lines, counts[i]);
        assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        daemon_signal(&lossd, SIGTERM);
        deadline = clock_ms() + RAW_MS;
        while (client_send(client, "GET", "/readyz", NULL, NULL, 0)->status == 200)
            assert_true(clock_ms() < deadline); /* until it has heard */
        client_close(client);
        assert_true(raw_send(&raw, lines.text + counts[i], lines.length - counts[i]));
        raw_read(&raw, false, RAW_MS, &response);
        if (lines_fault(&response, &want, text, sizeof text) != NULL)
            fail_msg("%zu bytes before: %s", counts[i], text);
        assert_string_equal(response_header(&response, "Connection", text, sizeof text), "close");
        assert_int_equal(raw_next(&raw, RAW_MS), RAW_CLOSED);
        raw_close(&raw);
        response_free(&response);
        assert_int_equal(daemon_wait(&lossd, RAW_MS), 0);
        (void)daemon_stop(&lossd);
    }
    lines_free(&lines);
    lines_free(&want);
}

/* A second signal: who is in work is told why, if not done already; half a
 * body is cut off.  Row 96. */
static void a_drain_may_be_cut_short(void **state)
{
    struct lines lines = {0};
    char text[TEXT_BYTES];

    (void)state;
    lines_zeros(&lines, 3000000, "");
    for (int half = 0; half < 2; half++) {
        struct response response = {0};
        struct daemon lossd;
        struct client *client;
        struct raw raw;

        daemon_start(&lossd, (const char *const[]){"--drain-delay-ms", "3600000", NULL}, NULL);
        client = client_open(lossd.port);
        begin(&raw, lossd.port, &lines, half == 1 ? lines.length / 2 : lines.length - 1);
        assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        client_close(client);
        assert_true(half == 1 || raw_say(&raw, "}"));
        daemon_signal(&lossd, SIGTERM);
        assert_int_equal(daemon_wait(&lossd, 1), DAEMON_RUNS);
        daemon_signal(&lossd, SIGINT); /* two SIGTERMs at once might be one */
        raw_read(&raw, false, RAW_MS, &response);
        if (half == 0 && response.status != 200 &&
            response_fault(&response, 503, "draining", NULL, text, sizeof text) != NULL)
            fail_msg("%s", text);
        assert_int_equal(daemon_wait(&lossd, RAW_MS), half);
        raw_close(&raw);
        response_free(&response);
        (void)daemon_stop(&lossd);
    }
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_may_go_at_any_time), cmocka_unit_test(slow_ones_are_told_so),
        cmocka_unit_test(a_late_stream_is_given_up),  cmocka_unit_test(a_drain_waits_for_the_rest),
        cmocka_unit_test(a_drain_may_be_cut_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
