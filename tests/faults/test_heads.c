/* test_heads.c - heads that libmicrohttpd reads otherwise than they are meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/raw.h"
#include "support/session.h"

enum { QUIET_MS = 500 };

#define NEXT     "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define BODY     "{\"logits\":[0,0],\"targets\":0}"
#define EVALUATE "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"

/* How many replies there are; *first and *last are the statuses of the first and of the last. */
static int count_replies(const char *text, long *first, long *last)
{
    static const char begin[] = "HTTP/1.1 ";
    int count = 0;

    *first = *last = 0;
    for (const char *at = strstr(text, begin); at != NULL; at = strstr(at + 1, begin)) {
        *last = strtol(at + sizeof begin - 1, NULL, 10);
        *first = count++ == 0 ? *last : *first;
    }
    return count;
}

/* A header on several lines: version 0.9 of the library adds a line to the name, so that what is a
 * length, or who may call, was seen by nobody, and it is refused, with all after it unread.  1.0
 * joins the lines, and what they say counts.  Row 57a. */
static void folded_headers_hide_nothing(void **state)
{
    static const struct {
        const char *request;
        long joined; /* the status if the lines are joined; 200: and the next one is read */
    } rows[] = {
        {"GET /livez HTTP/1.1\r\nHost: a\r\nContent-: 51\r\n Length\r\n\r\n" NEXT, 200},
        {"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n" NEXT, 200},
        {"GET /livez HTTP/1.1\r\nHost:\r\n a\r\n\r\n" NEXT, 200},
        {"GET /livez HTTP/1.1\r\nHost: a\r\nHost:\r\n\tb\r\n\r\n" NEXT, 400},
        {"GET /livez HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n c\r\n\r\n" NEXT, 200},
        {"GET /livez HTTP/1.1\r\nX: a\r\n b\r\nHost: a\r\n\r\n" NEXT, 200},
        {EVALUATE "Transfer-Encoding:\r\n chunked\r\nContent-Length: 28\r\n\r\n" BODY NEXT, 400},
        {EVALUATE "Content-Length: 28\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n" BODY NEXT, 400},
        {EVALUATE "Content-Length: 28\r\nContent-Length:\r\n 28\r\n\r\n" BODY NEXT, 400},
        {EVALUATE "Transfer-: chunked\r\n Encoding\r\n\r\n1c\r\n" BODY "\r\n0\r\n\r\n" NEXT, 411},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool closed, is_refused, is_joined;
        long first, last;
        const char *text;
        struct raw raw;
        int count;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, rows[i].request));
        text = raw_read_all(&raw, RAW_MS, &closed);
        count = count_replies(text, &first, &last);
        is_refused = count == 1 && first == 400;
        is_joined = first == rows[i].joined && last == first && count == (first == 200 ? 2 : 1);
        if (!closed || !(is_refused || is_joined))
            fail_msg("%s: got %s", rows[i].request, text);
        raw_close(&raw);
    }
}

/* Blanks around a value are none of it, and fold nothing. */
static void blanks_are_not_a_fold(void **state)
{
    static const char *const lines[] = {"X:", "X: ", "X:a", "X:   a", "X:\ta", "X: \t a", "X: a  "};
    struct response response = {0};
    struct raw raw;

    (void)state;
    raw_open(&raw, lossd.port);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char request[100];

        (void)snprintf(request, sizeof request, "GET /livez HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
                       lines[i]);
        assert_true(raw_say(&raw, request));
        raw_read(&raw, false, RAW_MS, &response);
        if (response.status != 200)
            fail_msg("\"%s\": got %ld %s", lines[i], response.status, response.body);
    }
    response_free(&response);
    raw_close(&raw);
}

/* Who waits to be told to go on, with nothing to send, is answered at once. */
static void expecting_to_send_nothing_is_answered(void **state)
{
    static const struct {
        const char *request;
        long status;
    } rows[] = {
        {"GET /livez HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" NEXT, 200},
        {EVALUATE "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" NEXT, 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct response response = {0};
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, rows[i].request));
        raw_read(&raw, false, RAW_MS, &response);
        if (response.status != rows[i].status)
            fail_msg("%s: got %ld %s", rows[i].request, response.status,
                     response.failure != NULL ? response.failure : "");
        response_free(&response);
        raw_close(&raw);
    }
}

/* Who sends one head after the other that is too large, for which the buffer grows to its end, is
 * not taken for who makes the loop spin: or each would take DELAY_MS. */
static void refused_heads_do_not_add_up(void **state)
{
    enum { HEADS = 20, DELAY_MS = 100, HEAD_BYTES = 66000 };
    static char head[HEAD_BYTES + 200];
    struct response response = {0};
    double fastest_ms = INFINITY;
    struct raw raw;

    (void)state;
    (void)snprintf(head, sizeof head, "GET /livez HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n",
                   HEAD_BYTES, 0);
    for (int i = 0; i < HEADS; i++) {
        double start_ms = clock_ms();

        raw_open(&raw, lossd.port);
        (void)raw_say(&raw, head); /* it may not all be wanted */
        raw_read(&raw, false, RAW_MS, &response);
        assert_int_equal(response.status, 431);
        raw_close(&raw);
        if (i >= HEADS / 2)
            fastest_ms = fmin(fastest_ms, clock_ms() - start_ms);
    }
    if (fastest_ms >= DELAY_MS)
        fail_msg("the later ones took %g ms and more", fastest_ms);
    response_free(&response);
}

/* The first line of a chunk that fills the library's buffer costs nothing while it waits. */
static void an_endless_chunk_line_does_not_spin(void **state)
{
    static char line[70000];
    double cpu_s;
    struct raw raw;

    (void)state;
    memset(line, 'a', sizeof line);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, EVALUATE "Transfer-Encoding: chunked\r\n\r\n5;"));
    assert_true(raw_send(&raw, line, sizeof line));
    cpu_s = daemon_cpu_s(&lossd);
    (void)raw_next(&raw, QUIET_MS); /* 1.0 of the library refuses it */
    cpu_s = daemon_cpu_s(&lossd) - cpu_s;
    if (!(cpu_s < QUIET_MS / 1e3 / 5)) /* who spins has more, busy machine or not */
        fail_msg("%g s of CPU time", cpu_s);
    raw_close(&raw);
    session_check_next("it", true);
}

/* Nor does the brake on it delay who has done nothing: one request after the other that a worker
 * answers, and heads for which the buffer grows.  A delay is 20 ms or more, and would be each
 * one's. */
static void nobody_waits_for_the_brake(void **state)
{
    enum { REQUESTS = 100, DELAY_MS = 20, HEAD_BYTES = 50000, BODY_BYTES = 9000 };
    static char requests[2][HEAD_BYTES + 200];
    struct response response = {0};

    (void)state;
    (void)snprintf(requests[0], sizeof requests[0], EVALUATE "Content-Length: %d\r\n\r\n%s%*s",
                   BODY_BYTES, BODY, BODY_BYTES - (int)strlen(BODY), "");
    (void)snprintf(requests[1], sizeof requests[1],
                   "GET /livez HTTP/1.1\r\nHost: a\r\nX: x%*sx\r\n\r\n", HEAD_BYTES, "");
    for (size_t k = 0; k < 2; k++) {
        struct raw raw;
        int fast = 0;

        raw_open(&raw, lossd.port);
        for (int i = 0; i < REQUESTS; i++) {
            double start_ms = clock_ms();

            assert_true(raw_say(&raw, requests[k]));
            raw_read(&raw, false, RAW_MS, &response);
            assert_int_equal(response.status, 200);
            fast += clock_ms() - start_ms < DELAY_MS;
        }
        if (fast < REQUESTS / 10) /* of all on a machine that is not busy */
            fail_msg("%d of %d requests took less than %d ms", fast, REQUESTS, DELAY_MS);
        raw_close(&raw);
    }
    response_free(&response);
}

/* connection_memory_bytes: a head fits it, with some room for that of the reply, or it is refused.
 * A body may be larger. */
static void heads_fit_the_memory_of_a_connection(void **state)
{
    enum { ROOM_BYTES = 2000, BODY_BYTES = 100000, MOST_BYTES = 1048576 };
    static const int limits[] = {16384, 65536, MOST_BYTES};
    static char head[MOST_BYTES + 200], body[BODY_BYTES + 200];
    struct response response = {0};
    char limit[16];
    struct daemon small;
    struct raw raw;

    (void)state;
    (void)snprintf(body, sizeof body, EVALUATE "Content-Length: %d\r\n\r\n%s%*s", BODY_BYTES, BODY,
                   BODY_BYTES - (int)strlen(BODY), "");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        (void)snprintf(limit, sizeof limit, "%d", limits[i]);
        daemon_start(&small, (const char *const[]){"--connection-memory-bytes", limit, NULL}, NULL);
        for (int above = 0; above < 2; above++) {
            (void)snprintf(head, sizeof head, "GET /livez HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n",
                           above ? limits[i] : limits[i] - ROOM_BYTES, 0);
            raw_open(&raw, small.port);
            assert_true(raw_say(&raw, head) || above); /* it may not all be wanted */
            raw_read(&raw, false, RAW_MS, &response);
            assert_int_equal(response.status, above ? 431 : 200);
            raw_close(&raw);
        }
        raw_open(&raw, small.port);
        assert_true(raw_say(&raw, body));
        raw_read(&raw, false, RAW_MS, &response);
        assert_int_equal(response.status, 200);
        raw_close(&raw);
        assert_int_equal(daemon_stop(&small), 0);
    }
    response_free(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_headers_hide_nothing),
        cmocka_unit_test(blanks_are_not_a_fold),
        cmocka_unit_test(expecting_to_send_nothing_is_answered),
        cmocka_unit_test(refused_heads_do_not_add_up),
        cmocka_unit_test(an_endless_chunk_line_does_not_spin),
        cmocka_unit_test(nobody_waits_for_the_brake),
        cmocka_unit_test(heads_fit_the_memory_of_a_connection),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
