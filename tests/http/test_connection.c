/* test_connection.c - the course of a connection: 100 Continue, HTTP/1.0, pipelines, pieces of
 * any size, and clients that go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/alive.h"
#include "support/client.h"
#include "support/daemon.h"
#include "support/raw.h"

#define HOST  "Host: a\r\n"
#define POST  "POST /v1/evaluate HTTP/1.1\r\n" HOST
#define BODY  "{\"logits\":[1,2],\"targets\":1}" /* 28 bytes */
#define GET   "GET /livez HTTP/1.1\r\n" HOST "\r\n"
#define CHUNK "1c\r\n" BODY "\r\n0\r\n\r\n"

static struct daemon lossd;

static int start(void **state)
{
    (void)state;
    daemon_start(&lossd, (const char *const[]){"--json-bytes-max", "20000", NULL}, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return daemon_stop(&lossd);
}

/* 100 Continue comes before a body that will be read, and never before a refusal. */
static const struct {
    const char *name, *request;
    long status;
    const char *code;
} expecting[] = {
    {"good", POST "Content-Length: 28\r\nExpect: 100-continue\r\n\r\n", 200, NULL},
    {"capitals", POST "Content-Length: 28\r\nExpect: 100-Continue\r\n\r\n", 200, NULL},
    {"nothing there",
     "POST /x HTTP/1.1\r\n" HOST "Content-Length: 28\r\nExpect: 100-continue\r\n\r\n", 404,
     "not_found"},
    {"bad path", "POST /%x HTTP/1.1\r\n" HOST "Content-Length: 28\r\nExpect: 100-continue\r\n\r\n",
     400, "bad_path"},
    {"method", "PUT /livez HTTP/1.1\r\n" HOST "Content-Length: 28\r\nExpect: 100-continue\r\n\r\n",
     405, "method_not_allowed"},
    {"type", POST "Content-Type: a/b\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n", 415,
     "unsupported_media_type"},
    {"coding", POST "Content-Encoding: br\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n",
     415, "unsupported_encoding"},
    {"framing",
     POST "Transfer-Encoding: chunked\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n", 400,
     "bad_framing"},
    {"far too large", POST "Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n", 413,
     "body_too_large"},
    {"a little too large", POST "Content-Length: 20001\r\nExpect: 100-continue\r\n\r\n", 413,
     "body_too_large"},
};

/* Row 59 of tests/faults/rows.txt. */
static void a_100_comes_only_before_a_body_that_is_read(void **state)
{
    struct response response = {0};
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof expecting / sizeof expecting[0]; i++) {
        const char *name = expecting[i].name;
        bool good = expecting[i].code == NULL;
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, expecting[i].request));
        if (good) { /* the body, when the 100 is here */
            if (raw_next(&raw, RAW_MS) != RAW_BYTES ||
                strcmp(raw.bytes, "HTTP/1.1 100 Continue\r\n\r\n") != 0)
                fail_msg("%s: no 100: %s", name, raw.bytes);
            assert_true(raw_say(&raw, BODY));
        }
        raw_read(&raw, false, RAW_MS, &response);
        if (response.continues != good)
            fail_msg("%s: %u times 100", name, response.continues);
        if (good ? response.status != 200
                 : response_fault(&response, expecting[i].status, expecting[i].code, NULL, text,
                                  sizeof text) != NULL)
            fail_msg("%s: %s", name, good ? response.body : text);
        if (raw_next(&raw, good ? 20 : 3000) != (good ? RAW_SILENT : RAW_CLOSED))
            fail_msg("%s: the connection is not as it should be", name);
        raw_close(&raw);
        check_alive(lossd.port, name);
    }
    response_free(&response);
}

/* Read a reply with this status and, if told so, see the connection end after it. */
static void expect(struct raw *raw, const char *name, long status, bool closes)
{
    struct response response = {0};

    raw_read(raw, false, RAW_MS, &response);
    if (response.status != status)
        fail_msg("%s: want %ld, got %ld %s %s", name, status, response.status,
                 response.failure != NULL ? response.failure : "", response.body);
    if (closes && raw_next(raw, RAW_MS) != RAW_CLOSED)
        fail_msg("%s: not closed, but %s", name, raw->bytes);
    response_free(&response);
}

/* Row 64 of tests/faults/rows.txt. */
static void http_1_0_ends_its_connection(void **state)
{
    struct raw raw;

    (void)state;
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "GET /livez HTTP/1.0\r\n\r\n"));
    expect(&raw, "GET", 200, true);
    raw_close(&raw);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "POST /v1/evaluate HTTP/1.0\r\nContent-Length: 28\r\n\r\n" BODY));
    expect(&raw, "POST", 200, true);
    raw_close(&raw);
    raw_open(&raw, lossd.port);
    for (int i = 0; i < 2; i++) {
        assert_true(raw_say(&raw, "GET /livez HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
        expect(&raw, "keep-alive", 200, false);
    }
    raw_close(&raw);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "GET /livez HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    expect(&raw, "close", 200, true);
    raw_close(&raw);
}

static void an_absolute_target_is_taken(void **state)
{
    struct raw raw;

    (void)state;
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "GET http://a/livez HTTP/1.1\r\n" HOST "\r\n"));
    expect(&raw, "absolute", 200, false);
    assert_true(raw_say(&raw, "GET https://a/livez HTTP/1.1\r\n" HOST "\r\n"));
    expect(&raw, "absolute, by way of TLS", 200, false);
    assert_true(raw_say(&raw, "GET HTTP://a HTTP/1.1\r\n" HOST "\r\n"));
    expect(&raw, "absolute, no path", 200, false);
    raw_close(&raw);
}

/* Row 63 of tests/faults/rows.txt. */
static void pipelined_requests_are_answered_in_order(void **state)
{
    static const char *const pieces[] = {GET,
                                         POST "Content-Length: 28\r\n\r\n" BODY,
                                         "GET /x HTTP/1.1\r\n" HOST "\r\n",
                                         POST "Content-Length: 2\r\n\r\n{}",
                                         "DELETE /livez HTTP/1.1\r\n" HOST "\r\n",
                                         POST "Transfer-Encoding: chunked\r\n\r\n" CHUNK,
                                         "POST /v1/evaluate HTTP/1.1\r\n" HOST
                                         "\r\n", /* 411: it closes */
                                         GET,
                                         GET};
    static const long statuses[] = {200, 200, 404, 400, 405, 200, 411};
    char all[2048] = "";
    struct raw raw;

    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        strcat(all, pieces[i]);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, all));
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        expect(&raw, "pipeline", statuses[i], i == 6);
    raw_close(&raw);
    check_alive(lossd.port, "a pipeline");
}

/* The body byte by byte, each a chunk of its own; the head byte by byte; a chunk with an
 * extension.  Row 58. */
static void pieces_may_be_of_any_size(void **state)
{
    char *text = malloc(16 * sizeof BODY + 256);
    struct response response = {0};
    struct raw raw;
    size_t length;

    (void)state;
    assert_non_null(text);
    length = (size_t)sprintf(text, "%s", POST "Transfer-Encoding: chunked\r\n\r\n");
    for (const char *at = BODY; *at != '\0'; at++)
        length += (size_t)sprintf(text + length, "1\r\n%c\r\n", *at);
    (void)sprintf(text + length, "0\r\n\r\n");
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, text));
    expect(&raw, "chunks of a byte", 200, false);
    for (const char *at = POST "Content-Length: 28\r\n\r\n" BODY; *at != '\0'; at++)
        assert_true(raw_send(&raw, at, 1));
    expect(&raw, "segments of a byte", 200, false);
    assert_true(raw_say(&raw, POST "Transfer-Encoding: chunked\r\n\r\n1c\r\n" BODY
                                   "\r\n0\r\nX: trailer\r\n\r\n"));
    expect(&raw, "trailer", 200, false);
    assert_true(
        raw_say(&raw, POST "Transfer-Encoding: chunked\r\n\r\n1c; a=b\r\n" BODY "\r\n0\r\n\r\n"));
    raw_read(&raw, false, RAW_MS, &response);
    assert_true(response.status == 200 || response.status == 400); /* libmicrohttpd 0.9, and 1.0 */
    response_free(&response);
    raw_close(&raw);
    free(text);
}

/* A client that goes away in the middle is counted, and leaves nothing behind. */
static void a_client_may_go_away(void **state)
{
    struct client *client = client_open(lossd.port);
    double aborts = client_metric(client, "lossd_client_aborts_total");
    double bytes = client_resting_bytes(client);
    struct raw raw;

    (void)state;
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, POST "Content-Length: 1999\r\n\r\n" BODY));
    assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
    assert_true(client_metric(client, "lossd_in_flight_bytes") > bytes);
    raw_close(&raw);
    assert_true(client_wait(client, "lossd_client_aborts_total", aborts + 1.0, aborts + 1.0));
    assert_true(client_resting_bytes(client) == bytes);
    client_close(client);
    check_alive(lossd.port, "a client that went away");
}

/* The end of a connection may come together with the last bytes, where the library misses it
 * now and then.  It is noticed all the same, long before the body is late
 * (body_rate_grace_ms is 5 seconds).  Row 77. */
static void a_client_that_vanishes_is_noticed_soon(void **state)
{
    struct client *client = client_open(lossd.port);
    double since = clock_ms();

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, POST "Content-Length: 1999\r\n\r\n" BODY));
        raw_close(&raw);
    }
    assert_true(client_wait(client, "lossd_in_flight_requests", 1.0, 1.0));
    assert_true(client_wait(client, "lossd_connections", 1.0, 1.0));
    assert_true(clock_ms() - since < 4000);
    client_close(client);
}

/* A client that says it has no more to send still gets its answer, if that is made at once.  A
 * worker's may be lost: libmicrohttpd may read the end of the connection first.  Row 70. */
static void a_client_may_close_its_half(void **state)
{
    char *large = malloc(20000);
    struct raw raw;

    (void)state;
    assert_non_null(large);
    for (int i = 0; i < 20; i++) {
        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, POST "Content-Length: 28\r\n\r\n" BODY));
        assert_int_equal(shutdown(raw.fd, SHUT_WR), 0);
        expect(&raw, "half-closed", 200, false);
        raw_close(&raw);
    }
    (void)sprintf(large, "%sContent-Length: 10028\r\n\r\n%s%10000s", POST, BODY, "");
    for (int i = 0; i < 20; i++) {
        struct response response = {0};

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, large));
        assert_int_equal(shutdown(raw.fd, SHUT_WR), 0);
        raw_read(&raw, false, RAW_MS, &response);
        assert_true(response.status == 200 || strcmp(response.failure, "closed") == 0);
        response_free(&response);
        raw_close(&raw);
    }
    free(large);
    check_alive(lossd.port, "half-closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_100_comes_only_before_a_body_that_is_read),
        cmocka_unit_test(http_1_0_ends_its_connection),
        cmocka_unit_test(an_absolute_target_is_taken),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(pieces_may_be_of_any_size),
        cmocka_unit_test(a_client_may_go_away),
        cmocka_unit_test(a_client_that_vanishes_is_noticed_soon),
        cmocka_unit_test(a_client_may_close_its_half),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
