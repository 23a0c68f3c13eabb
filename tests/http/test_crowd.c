/* test_crowd.c - more connections than may be open: the idle give way, the busy are left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/raw.h"
#include "support/session.h"

enum { CONNECTIONS_MAX = 8, SILENT = 60 };

#define BODY "{\"logits\":[40,0],\"targets\":0}"
#define HEAD "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\r\n"

static struct raw raws[CONNECTIONS_MAX], newcomer;
static struct response response;

static long ask(struct raw *raw, const char *request)
{
    if (!raw_say(raw, request))
        return 0;
    raw_read(raw, false, RAW_MS, &response);
    return response.status;
}

static void open_all(void)
{
    session_wait_as_visitor("lossd_connections", 1.0); /* those of the test before are gone */
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        raw_open(&raws[i], lossd.port);
        assert_true(raws[i].fd >= 0);
    }
}

static void close_all(void)
{
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        raw_close(&raws[i]);
    raw_close(&newcomer);
    response_free(&response);
}

static void the_longest_idle_gives_way(void **state)
{
    (void)state;
    open_all();
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        assert_int_equal(ask(&raws[(i + 3) % CONNECTIONS_MAX], HEAD BODY), 200);
    raw_open(&newcomer, lossd.port);
    assert_int_equal(ask(&newcomer, HEAD BODY), 200);
    assert_non_null(strstr(response.body, "\"loss\":4.248354e-18"));
    assert_int_equal(raw_next(&raws[3], RAW_MS), RAW_CLOSED);
    for (int i = 0; i < CONNECTIONS_MAX; i++) {
        if (i != 3) /* as many as may be */
            assert_int_equal(ask(&raws[i], HEAD BODY), 200);
    }
    assert_int_equal(ask(&newcomer, HEAD BODY), 200);
    close_all();
}

/* Rows 75 and 76 of tests/faults/rows.txt. */
static void the_busy_do_not(void **state)
{
    char text[400];

    (void)state;
    open_all();
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        assert_true(raw_say(&raws[i], HEAD "{\"logits\":"));
    session_wait_as_visitor("lossd_in_flight_requests", CONNECTIONS_MAX + 1.0);
    raw_open(&newcomer, lossd.port);
    assert_true(raw_say(&newcomer, HEAD BODY));
    raw_read(&newcomer, false, RAW_MS, &response);
    if (response_fault(&response, 503, "too_many_connections", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_int_equal(raw_next(&newcomer, RAW_MS), RAW_CLOSED);
    raw_close(&newcomer);
    raw_open(&newcomer, lossd.port);
    assert_int_equal(ask(&newcomer, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    raw_close(&newcomer);
    for (int i = 0; i < CONNECTIONS_MAX; i++)
        assert_int_equal(ask(&raws[i], "[40,0],\"targets\":0}"), 200);
    raw_open(&newcomer, lossd.port); /* now they are idle */
    assert_int_equal(ask(&newcomer, HEAD BODY), 200);
    close_all();
}

/* Connections without a request are no reason to keep others out for long. */
static void the_silent_give_way(void **state)
{
    static struct raw silent[SILENT];
    double since = clock_ms();

    (void)state;
    for (int i = 0; i < SILENT; i++)
        raw_open(&silent[i], lossd.port);
    do {
        raw_close(&newcomer);
        raw_open(&newcomer, lossd.port);
    } while (ask(&newcomer, HEAD BODY) == 503 && clock_ms() - since < RAW_MS);
    assert_int_equal(response.status, 200); /* though header_timeout_ms is an hour */
    for (int i = 0; i < SILENT; i++)
        raw_close(&silent[i]);
    close_all();
}

static int start(void **state)
{
    (void)state;
    /* One loop has all of them to choose from. */
    return session_start((const char *const[]){"--loops", "1", "--connections-max", "8",
                                               "--header-timeout-ms", "3600000",
                                               "--idle-timeout-ms", "3600000", NULL},
                         NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_idle_gives_way),
        cmocka_unit_test(the_busy_do_not),
        cmocka_unit_test(the_silent_give_way),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
