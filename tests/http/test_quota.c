/* test_quota.c - one client may have so many requests at a time, on whatever loops, and
 * others do not notice (row 82). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/lines.h"
#include "support/raw.h"
#include "support/session.h"

#define BODY "{\"logits\":[40,0],\"targets\":0}"
#define HEAD "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
#define POST HEAD "Content-Length: 29\r\n\r\n"
#define HALF "{\"logits\":"
#define REST "[40,0],\"targets\":0}"

enum {
    QUOTA = 8,         /* of whose connections no loop of four has all */
    NUMBERS = 2000000, /* of which each becomes ten bytes of a reply */
};

static void check(struct raw *raw, const char *request, long status)
{
    struct response response = {0};

    assert_true(raw_say(raw, request));
    raw_read(raw, false, RAW_MS, &response);
    if (response.status != status)
        fail_msg("want %ld, got %ld %s", status, response.status, response.body);
    response_free(&response);
}

static void check_refused(void)
{
    struct response response = {0};
    char text[400];
    struct raw raw;

    raw_open_from(&raw, "127.0.0.2", lossd.port);
    assert_true(raw_say(&raw, POST BODY));
    raw_read(&raw, false, RAW_MS, &response);
    if (response_fault(&response, 503, "client_quota", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_non_null(response_header(&response, "Retry-After", text, sizeof text));
    assert_int_equal(raw_next(&raw, RAW_MS), RAW_CLOSED);
    raw_close(&raw);
    response_free(&response);
}

static void one_client_leaves_room_for_others(void **state)
{
    struct raw halves[QUOTA], other;

    (void)state;
    for (int i = 0; i < QUOTA; i++) {
        raw_open_from(&halves[i], "127.0.0.2", lossd.port);
        assert_true(raw_say(&halves[i], POST HALF));
    }
    assert_true(client_wait(client, "lossd_in_flight_requests", QUOTA + 1.0, QUOTA + 1.0));
    check_refused();
    raw_open_from(&other, "127.0.0.2", lossd.port); /* what is vital is no request of this kind */
    check(&other, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n", 200);
    raw_close(&other);
    raw_open_from(&other, "127.0.0.3", lossd.port);
    check(&other, POST BODY, 200);
    raw_close(&other);
    check(&halves[0], REST, 200);
    check(&halves[0], POST BODY, 200); /* one less than there may be */
    assert_true(client_metric(client, "lossd_errors_total{code=\"client_quota\"}") == 1.0);
    check(&halves[1], REST, 200);
    for (int i = 0; i < QUOTA; i++)
        raw_close(&halves[i]);
}

/* A request whose reply is more than sockets take. */
static void ask_for_much(struct raw *raw)
{
    struct lines body = {0};

    lines_zeros(&body, NUMBERS, ",\"return\":[\"log_softmax\"]");
    assert_true(lines_begin(raw, HEAD, &body, body.length));
    lines_free(&body);
}

/* As long as what is sent holds memory. */
static void who_does_not_read_still_counts(void **state)
{
    struct raw halves[QUOTA - 1], large;

    (void)state;
    for (int i = 0; i < QUOTA - 1; i++) {
        raw_open_from(&halves[i], "127.0.0.2", lossd.port);
        assert_true(raw_say(&halves[i], POST HALF));
    }
    raw_open_from(&large, "127.0.0.2", lossd.port);
    ask_for_much(&large);
    assert_int_equal(raw_next(&large, RAW_MS), RAW_BYTES);
    assert_true(client_wait(client, "lossd_in_flight_requests", QUOTA + 1.0, QUOTA + 1.0));
    check_refused();
    raw_close(&large);
    assert_true(client_wait(client, "lossd_in_flight_requests", QUOTA, QUOTA));
    raw_open_from(&large, "127.0.0.2", lossd.port);
    check(&large, POST BODY, 200);
    raw_close(&large);
    for (int i = 0; i < QUOTA - 1; i++)
        raw_close(&halves[i]);
}

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--client-requests-max", "8", "--loops", "4",
                                               "--body-rate-grace-ms", "600000",
                                               "--request-timeout-ms", "600000", NULL},
                         NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_client_leaves_room_for_others),
        cmocka_unit_test(who_does_not_read_still_counts),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
