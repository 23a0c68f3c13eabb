/* test_crowd_of_loops.c - more connections than may be open, with several event loops: what one of
 * them has to spare makes room at all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "support/raw.h"
#include "support/session.h"

/* The kernel spreads connections by a hash of their ports.  Newcomers fall on the loops just as the
 * idle ones did once in seven runs; then they would find room at their own in any case. */
enum { CONNECTIONS_MAX = 32, ROUNDS = 3, CONTINUE_BYTES = 25 };

#define BODY "{\"logits\":[40,0],\"targets\":0}"
#define HEAD "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n"

static struct raw idle[CONNECTIONS_MAX], busy[CONNECTIONS_MAX];
static struct response response;

static bool ask(struct raw *raw, const char *request)
{
    response.status = 0;
    if (raw_say(raw, request))
        raw_read(raw, false, RAW_MS, &response);
    return response.status == 200;
}

/* Whether a new connection is let in, and has a request of which the body is to come. */
static bool come(struct raw *raw)
{
    raw_open(raw, lossd.port);
    if (!raw_say(raw, HEAD "Expect: 100-continue\r\n\r\n") || raw_next(raw, RAW_MS) != RAW_BYTES ||
        raw->length != CONTINUE_BYTES ||
        memcmp(raw->bytes, "HTTP/1.1 100 Continue\r\n\r\n", CONTINUE_BYTES) != 0)
        return false;
    raw->bytes[raw->length = 0] = '\0';
    return true;
}

/* Row 76a of tests/faults/rows.txt. */
static void as_many_may_come_as_are_idle(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        session_wait_as_visitor("lossd_connections", 1.0);
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            raw_open(&idle[i], lossd.port);
            assert_true(ask(&idle[i], HEAD "\r\n" BODY));
        }
        session_wait_as_visitor("lossd_idle_connections",
                                CONNECTIONS_MAX - 1.0); /* one made room */
        for (int i = 0; i < CONNECTIONS_MAX; i++)
            assert_true(come(&busy[i]));
        for (int i = 0; i < CONNECTIONS_MAX; i++)
            assert_int_equal(raw_next(&idle[i], RAW_MS), RAW_CLOSED);
        for (int i = 0; i < CONNECTIONS_MAX; i++)
            assert_true(ask(&busy[i], BODY));
        for (int i = 0; i < CONNECTIONS_MAX; i++) {
            raw_close(&idle[i]);
            raw_close(&busy[i]);
        }
    }
    response_free(&response);
}

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--loops", "2", "--connections-max", "32",
                                               "--header-timeout-ms", "3600000",
                                               "--idle-timeout-ms", "3600000",
                                               "--body-rate-grace-ms", "600000", NULL},
                         NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_may_come_as_are_idle),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
