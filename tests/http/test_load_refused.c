/* test_load_refused.c - requests for which there is no room in the queue, or no time. */
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
#include "support/raw.h"
#include "support/zipped.h"

enum { FLOODERS = 8, FLOOD_MS = 10000, LONG_ONES = 30 };

struct flood {
    unsigned port;
    char *body;
    atomic_int answered, refused, wrong;
    char fault[600];
};

static void *flooder(void *argument)
{
    struct flood *flood = argument;
    struct client *client = client_open(flood->port);
    double deadline = clock_ms() + FLOOD_MS;
    char text[600], after[32];

    while ((flood->answered < FLOODERS || flood->refused < FLOODERS) && clock_ms() < deadline) {
        const struct response *response = client_evaluate(client, flood->body);
        const char *retry = response_header(response, "Retry-After", after, sizeof after);

        if (response->status == 200) {
            flood->answered++;
        } else if (response_fault(response, 503, "queue_full", NULL, text, sizeof text) == NULL &&
                   retry != NULL && strtol(retry, NULL, 10) >= 1) {
            flood->refused++;
        } else if (flood->wrong++ == 0) {
            (void)snprintf(flood->fault, sizeof flood->fault, "%ld %s %s", response->status,
                           response->failure != NULL ? response->failure : "", response->body);
        }
    }
    client_close(client);
    return NULL;
}

/* Row 78 of tests/faults/rows.txt. */
static void a_full_queue_refuses(void **state)
{
    struct lines body = {0};
    struct flood flood = {0};
    pthread_t threads[FLOODERS];
    struct daemon lossd;
    struct client *client;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--workers", "1", "--queue-jobs-max", "1", NULL},
                 NULL);
    lines_zeros(&body, 500000, "");
    flood.body = body.text;
    flood.port = lossd.port;
    for (size_t i = 0; i < FLOODERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, flooder, &flood), 0);
    for (size_t i = 0; i < FLOODERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (flood.wrong != 0 || flood.answered == 0 || flood.refused == 0)
        fail_msg("%d answered, %d refused, %d wrong: %s", flood.answered, flood.refused,
                 flood.wrong, flood.fault);
    client = client_open(lossd.port);
    assert_true(client_wait(client, "lossd_in_flight_requests", 1.0, 1.0));
    assert_true(client_metric(client, "lossd_errors_total{code=\"queue_full\"}") ==
                (double)flood.refused);
    assert_int_equal(client_evaluate(client, flood.body)->status, 200);
    assert_true(client_metric(client, "lossd_queue_jobs") == 0.0);
    client_close(client);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Row 80 of tests/faults/rows.txt. */
static void a_late_answer_is_not_computed(void **state)
{
    const char *headers[] = {"Content-Encoding: gzip", NULL};
    struct lines body = {0};
    struct zipped zipped;
    char text[600];
    struct daemon lossd;
    struct client *client;
    const struct response *response;
    enum { LATE_MAX = 200 };
    int late = 0;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--request-timeout-ms", "1", NULL}, NULL);
    client = client_open(lossd.port);
    lines_zeros(&body, 3000000, "");
    zipped = zip(body.text, body.length, ZIP_GZIP, 1);
    (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    /* On a busy machine even the body may come too late, which is a 408: not every time, though, and
     * compressed it comes at once. */
    do {
        response =
            client_send(client, "POST", "/v1/evaluate", headers, zipped.bytes, zipped.length);
    } while (response_fault(response, 408, "request_timeout", NULL, text, sizeof text) == NULL &&
             ++late < LATE_MAX);
    if (response_fault(response, 504, "deadline_exceeded", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_null(response_header(response, "Connection", text, sizeof text));
    assert_true(client_metric(client, "lossd_rows_evaluated_total") == 0.0);
    client_close(client);
    free(zipped.bytes);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Nor does it wait for its turn in the queue, where others could have its place. */
static void a_late_answer_is_not_waited_for(void **state)
{
    struct lines body = {0};
    struct raw raws[LONG_ONES];
    const char *headers[] = {"X-Timeout-Ms: 50", NULL};
    char text[600];
    struct daemon lossd;
    struct client *client;
    const struct response *response;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--workers", "1", NULL}, NULL);
    client = client_open(lossd.port);
    lines_zeros(&body, 1000000, ",\"return\":[\"softmax\",\"log_softmax\",\"gradient\"]");
    for (int i = 0; i < LONG_ONES; i++) {
        raw_open(&raws[i], lossd.port);
        assert_true(
            lines_begin(&raws[i], "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n", &body, body.length));
    }
    assert_true(client_wait(client, "lossd_queue_jobs", LONG_ONES / 2, LONG_ONES));
    lines_free(&body);
    lines_zeros(&body, 20000, ""); /* for a worker */
    response = client_send(client, "POST", "/v1/evaluate", headers, body.text, body.length);
    if (response_fault(response, 504, "deadline_exceeded", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_true(client_metric(client, "lossd_queue_jobs") >= 1.0); /* of those before it */
    for (int i = 0; i < LONG_ONES; i++)
        raw_close(&raws[i]);
    client_close(client);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_late_answer_is_not_computed),
        cmocka_unit_test(a_late_answer_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
