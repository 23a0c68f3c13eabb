/* test_memory_refused.c - requests for which there is no memory, and who has to give up some. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"
#include "support/raw.h"

enum { EMPTY = 10, STILL_MAX = 40, READ_BYTES = 65536 };

#define GOOD "{\"logits\":[0,0],\"targets\":0}"

static const char *const small_memory[] = {"--memory-budget-bytes",
                                           "16777216",
                                           "--request-timeout-ms",
                                           "3600000",
                                           "--body-rate-min-bytes-per-s",
                                           "0",
                                           NULL};

/* While another request holds most of it, 503, and room for the next.  Row 79. */
static void a_full_memory_refuses(void **state)
{
    static char blanks[100000];
    struct lines body = {0};
    const struct response *response;
    struct daemon lossd;
    struct client *client;
    struct raw other;
    char text[600];
    double used;

    (void)state;
    memset(blanks, ' ', sizeof blanks);
    daemon_start(&lossd, small_memory, NULL);
    client = client_open(lossd.port);
    used = client_resting_bytes(client);
    raw_open(&other, lossd.port);
    assert_true(raw_say(&other, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                "application/json\r\nContent-Length: 12000000\r\n\r\n"));
    assert_true(raw_send(&other, blanks, sizeof blanks)); /* enough for half a minute */
    assert_true(client_wait(client, "lossd_in_flight_bytes", used + 12000000.0, 1e9));
    lines_zeros(&body, 500000, "");
    response = client_send(client, "POST", "/v1/evaluate", NULL, body.text, body.length);
    if (response_fault(response, 503, "memory_budget_full", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_non_null(response_header(response, "Retry-After", text, sizeof text));
    assert_string_equal(response_header(response, "Connection", text, sizeof text), "close");
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    raw_close(&other);
    assert_true(client_resting_bytes(client) == used);
    response = client_send(client, "POST", "/v1/evaluate", NULL, body.text, body.length);
    assert_int_equal(response->status, 200);
    lines_free(&body);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Whoever has announced much and sends nothing holds the memory for 2 seconds.  Row 79a. */
static void a_memory_that_is_held_for_nothing_is_given_up(void **state)
{
    struct lines body = {0};
    static const char timeouts[] = "lossd_errors_total{code=\"request_timeout\"}";
    struct raw empty[EMPTY];
    struct daemon lossd;
    struct client *client;
    double end;

    (void)state;
    daemon_start(&lossd, small_memory, NULL);
    client = client_open(lossd.port);
    lines_zeros(&body, 500000, "");
    for (int i = 0; i < EMPTY; i++) {
        raw_open(&empty[i], lossd.port);
        assert_true(raw_say(&empty[i], "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Type: "
                                       "application/json\r\nContent-Length: 1100000\r\n\r\n"));
    }
    assert_true(client_wait(client, timeouts, 1.0, EMPTY));
    end = clock_ms() + RAW_MS;
    while (client_evaluate(client, body.text)->status == 503)
        assert_true(clock_ms() < end);
    assert_in_range(client_metric(client, timeouts), 1, EMPTY / 2); /* the others may go on */
    for (int i = 0; i < EMPTY; i++)
        raw_close(&empty[i]);
    lines_free(&body);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Read a little of a reply; false at its end. */
static bool read_on(const struct raw *raw, size_t *total)
{
    static char bytes[READ_BYTES];
    ssize_t count = recv(raw->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    *total += count > 0 ? (size_t)count : 0;
    return count != 0;
}

/* So does whoever reads nothing of his reply, for 10 seconds; not who reads slowly.  Row 79b. */
static void replies_that_nobody_reads_give_way(void **state)
{
    static const char aborts[] = "lossd_client_aborts_total";
    struct lines body = {0};
    struct raw slow, still[STILL_MAX];
    struct daemon lossd;
    struct client *client;
    char head[200];
    size_t total = 0;
    int count = 0;
    double end, next = 0;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--memory-budget-bytes", "268435456", NULL}, NULL);
    client = client_open(lossd.port);
    lines_zeros(&body, 450000, ",\"return\":[\"softmax\"]");
    (void)snprintf(head, sizeof head,
                   "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   body.length);
    raw_open(&slow, lossd.port);
    assert_true(raw_say(&slow, head) && raw_send(&slow, body.text, body.length));
    assert_int_equal(raw_next(&slow, RAW_MS), RAW_BYTES);
    while (client_metric(client, "lossd_in_flight_bytes") < 0.75 * 268435456) {
        assert_in_range(count, 0, STILL_MAX - 1);
        raw_open(&still[count], lossd.port);
        assert_true(raw_say(&still[count], head));
        (void)raw_send(&still[count], body.text, body.length);
        assert_int_equal(raw_next(&still[count++], RAW_MS), RAW_BYTES);
    }
    end = clock_ms() + 2 * RAW_MS;
    while (client_metric(client, aborts) < 1.0) {
        assert_true(clock_ms() < end);
        if (clock_ms() > next) {
            assert_true(read_on(&slow, &total));
            next = clock_ms() + 200;
        }
    }
    while (client_evaluate(client, body.text)->status == 503)
        assert_true(clock_ms() < end);
    while (read_on(&slow, &total))
        assert_true(clock_ms() < end);
    assert_true(total > 450000 * sizeof "2.22222e-06"); /* the least that each has, with a comma */
    for (int i = 0; i < count; i++)
        raw_close(&still[i]);
    raw_close(&slow);
    client_close(client);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Who needs more than there is at all is not told to come again: before the body is read, while it
 * is, and while it is worked on. */
static void what_never_fits_is_too_large(void **state)
{
    static const struct {
        size_t count;
        const char *option;
        bool chunked;
    } bodies[] = {
        {1000000, "", false},
        {1000000, "", true},
        {150000, ",\"dtype\":\"float64\"", false},
        {40000, ",\"return\":[\"softmax\",\"log_softmax\"]", true},
    };
    const char *headers[] = {"Transfer-Encoding: chunked", NULL};
    struct daemon lossd;
    struct client *client;
    char text[600];
    double used;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--memory-budget-bytes", "1048576", NULL}, NULL);
    client = client_open(lossd.port);
    used = client_resting_bytes(client);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct lines body = {0};
        const struct response *response;

        lines_zeros(&body, bodies[i].count, bodies[i].option);
        response = client_send(client, "POST", "/v1/evaluate", bodies[i].chunked ? headers : NULL,
                               body.text, body.length);
        lines_free(&body);
        if (response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("body %zu: %s", i, text);
        assert_non_null(strstr(response->body, "memory_budget_bytes"));
        assert_null(response_header(response, "Retry-After", text, sizeof text));
        assert_true(client_resting_bytes(client) == used);
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    }
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_memory_refuses),
        cmocka_unit_test(a_memory_that_is_held_for_nothing_is_given_up),
        cmocka_unit_test(replies_that_nobody_reads_give_way),
        cmocka_unit_test(what_never_fits_is_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
