/* test_network.c - connections that are reset, in every phase of a request: rows 67 and 69. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/alive.h"
#include "support/lines.h"
#include "support/raw.h"
#include "support/session.h"

/* Far more than socket buffers take, so that the reply is on its way while nobody reads it. */
enum { NUMBERS = 2000000, PARTS = 8 };

static void reset(struct raw *raw)
{
    const struct linger at_once = {.l_onoff = 1};

    assert_int_equal(setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    raw_close(raw);
}

/* Wait until nothing is left of anybody, and as many more were counted as having gone. */
static void wait_for_nothing(double bytes, double aborts)
{
    assert_true(client_wait(client, "lossd_connections", 1.0, 1.0));
    assert_true(client_wait(client, "lossd_client_aborts_total", aborts, aborts));
    check_alive(lossd.port, "a reset");
    assert_true(client_resting_bytes(client) == bytes);
}

static void make_request(struct lines *request)
{
    struct lines body = {0};

    lines_zeros(&body, NUMBERS, ",\"return\":[\"softmax\"]");
    lines_print(request, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                body.length);
    lines_add(request, body.text, body.length);
    lines_free(&body);
}

static void a_body_may_end_in_a_reset(void **state)
{
    struct lines request = {0};
    double bytes = client_resting_bytes(client);
    double aborts = client_metric(client, "lossd_client_aborts_total");

    (void)state;
    make_request(&request);
    for (size_t i = 1; i < PARTS; i++) {
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_send(&raw, request.text, i * request.length / PARTS));
        assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        reset(&raw);
        wait_for_nothing(bytes, aborts + (double)i);
    }
    assert_true(client_wait(client, "lossd_rows_evaluated_total", PARTS - 1.0,
                            PARTS - 1.0)); /* the alive */
    lines_free(&request);
}

static void a_reply_may_end_in_a_reset(void **state)
{
    struct lines request = {0};
    double bytes = client_resting_bytes(client);
    double aborts = client_metric(client, "lossd_client_aborts_total");

    (void)state;
    make_request(&request);
    for (size_t i = 1; i < PARTS; i++) {
        struct raw raw;

        raw_open(&raw, lossd.port);
        assert_true(raw_send(&raw, request.text, request.length));
        assert_int_equal(raw_next(&raw, RAW_MS), RAW_BYTES);
        assert_int_equal(strncmp(raw.bytes, "HTTP/1.1 200 ", 13), 0);
        if (i % 2 == 0)
            raw_close(&raw); /* which is a reset too, once more comes */
        else
            reset(&raw);
        wait_for_nothing(bytes, aborts + (double)i);
    }
    lines_free(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_may_end_in_a_reset),
        cmocka_unit_test(a_reply_may_end_in_a_reset),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
