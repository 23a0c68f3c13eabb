/* test_ndjson_load.c - bodies of many lines against the limits of memory,
 * queue, time and patience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"

enum { MEGABYTE = 1024 * 1024, TEXT_BYTES = 1000, FLOODERS = 6, FLOOD_MS = 60000, ENOUGH = 4 };

/* ---- memory ---------------------------------------------------------------------------------- */

static const char *const small_memory[] = {"--memory-budget-bytes", "16777216", "--workers", "2",
                                           "--request-timeout-ms",  "600000",   NULL};

/* Its replies as a whole, one reply, one evaluation, one line. */
static void what_takes_too_much_memory_is_refused(void **state)
{
    static const struct {
        size_t lines, zeros;
        const char *options;
    } bodies[] = {
        {1500, 2000, ",\"return\":[\"softmax\",\"gradient\"]"},
        {12, 150000, ",\"return\":[\"softmax\",\"log_softmax\",\"gradient\"]"},
        {2, 1500000, ",\"dtype\":\"float64\""},
        {1, 6000000, ""},
        {30000, 300, ""},
    };
    struct lines good = {0}, want = {0};
    struct daemon lossd;
    struct client *client;
    char text[TEXT_BYTES];
    double used, requests;

    (void)state;
    daemon_start(&lossd, small_memory, NULL);
    client = client_open(lossd.port);
    lines_word(&good, LINES_GOOD "\n");
    lines_want(client, "", &good, &want);
    used = client_resting_bytes(client);
    for (size_t i = 0; i < 2 * sizeof bodies / sizeof bodies[0]; i++) {
        struct lines lines = {0};
        const struct response *response;

        for (size_t line = 0; line < bodies[i / 2].lines; line++) {
            lines_word(&lines, LINES_GOOD "\n");
            lines_zeros(&lines, bodies[i / 2].zeros, bodies[i / 2].options);
            lines_word(&lines, "\n");
        }
        requests = client_metric(client, "lossd_errors_total{code=\"memory_budget_full\"}");
        response = lines_post(client, "", &lines, i % 2 == 1);
        if (response_fault(response, 503, "memory_budget_full", NULL, text, sizeof text) != NULL)
            fail_msg("body %zu: %s", i, text);
        assert_non_null(response_header(response, "Retry-After", text, sizeof text));
        assert_true(client_resting_bytes(client) == used);
        assert_true(client_metric(client, "lossd_errors_total{code=\"memory_budget_full\"}") ==
                    requests + 1.0);
        if (lines_fault(lines_post(client, "", &good, false), &want, text, sizeof text) != NULL)
            fail_msg("after body %zu: %s", i, text);
        lines_free(&lines);
    }
    client_close(client);
    lines_free(&good);
    lines_free(&want);
    assert_int_equal(daemon_stop(&lossd), 0);
}

static void a_body_may_be_larger_than_the_memory(void **state)
{
    struct lines lines = {0}, want = {0};
    struct daemon lossd;
    struct client *client;
    char text[TEXT_BYTES];
    double rows = 0, peak;

    (void)state;
    daemon_start(&lossd, small_memory, NULL);
    client = client_open(lossd.port);
    for (; lines.length < 64 * MEGABYTE; rows++) {
        lines_zeros(&lines, (size_t)rows % 500 == 7 ? 500000 : 8000, "");
        lines_word(&lines, (size_t)rows % 10 == 3 ? "\n\r\n" : "\n");
    }
    lines_want(client, "", &lines, &want);
    peak = daemon_peak_bytes(&lossd);
    rows += client_metric(client, "lossd_rows_evaluated_total");
    if (lines_fault(lines_post(client, "", &lines, false), &want, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_true(client_metric(client, "lossd_rows_evaluated_total") == rows);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    if (!(daemon_peak_bytes(&lossd) - peak < 20.0 * MEGABYTE))
        fail_msg("%g bytes more than before", daemon_peak_bytes(&lossd) - peak);
#else
    (void)peak;
#endif
    client_close(client);
    lines_free(&lines);
    lines_free(&want);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* ---- the queue ------------------------------------------------------------------------------- */

struct flood {
    unsigned port;
    struct lines lines, want;
    atomic_int answered, refused, wrong;
    char fault[TEXT_BYTES];
};

static void *flooder(void *argument)
{
    struct flood *flood = argument;
    struct client *client = client_open(flood->port);
    double deadline = clock_ms() + FLOOD_MS;
    char text[TEXT_BYTES], other[TEXT_BYTES];

    while ((flood->answered < ENOUGH || flood->refused < ENOUGH) && clock_ms() < deadline) {
        const struct response *response = lines_post(client, "", &flood->lines, false);

        if (lines_fault(response, &flood->want, text, sizeof text) == NULL)
            flood->answered++;
        else if (response_fault(response, 503, "queue_full", NULL, other, sizeof other) == NULL)
            flood->refused++;
        else if (flood->wrong++ == 0)
            memcpy(flood->fault, text, sizeof text);
    }
    client_close(client);
    return NULL;
}

/* A stream that was let in is worked on to its end; whoever is not is told so. */
static void a_full_queue_refuses_or_answers_all(void **state)
{
    static const char *const flags[] = {
        "--workers", "1", "--queue-jobs-max", "1", "--request-timeout-ms", "600000", NULL};
    struct flood flood = {.port = 0};
    pthread_t threads[FLOODERS];
    struct daemon lossd;
    struct client *client;
    double bytes;

    (void)state;
    daemon_start(&lossd, flags, NULL);
    client = client_open(flood.port = lossd.port);
    lines_mix(&flood.lines, 2 * MEGABYTE + MEGABYTE / 4);
    lines_want(client, "", &flood.lines, &flood.want);
    bytes = client_resting_bytes(client);
    for (size_t i = 0; i < FLOODERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, flooder, &flood), 0);
    for (size_t i = 0; i < FLOODERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (flood.wrong > 0)
        fail_msg("%d wrong: %s", flood.wrong, flood.fault);
    assert_in_range(flood.answered, ENOUGH, 1000000);
    assert_in_range(flood.refused, ENOUGH, 1000000);
    assert_true(client_resting_bytes(client) == bytes);
    assert_true(client_metric(client, "lossd_queue_jobs") == 0.0);
    assert_true(client_metric(client, "lossd_errors_total{code=\"queue_full\"}") ==
                (double)flood.refused);
    /* None was refused that had been in work. */
    assert_true(client_metric(client, "lossd_queue_wait_seconds_count") == (double)flood.answered);
    client_close(client);
    lines_free(&flood.lines);
    lines_free(&flood.want);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_takes_too_much_memory_is_refused),
        cmocka_unit_test(a_body_may_be_larger_than_the_memory),
        cmocka_unit_test(a_full_queue_refuses_or_answers_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
