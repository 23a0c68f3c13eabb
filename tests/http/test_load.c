/* test_load.c - many clients at once: each has its own answer, and those who are gone have none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"
#include "support/numbers.h"
#include "support/raw.h"

#define POST "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"

enum { CLIENTS = 20, REQUESTS = 50 };

/* ---- each its own answer --------------------------------------------------------------------- */

struct caller {
    unsigned port;
    uint64_t seed;
    size_t right, on_workers;
    char fault[300]; /* the first wrong answer */
};

/* A random body of n rows and c classes, its numbers exact in few digits; the true mean loss. */
static char *make_body(uint64_t *seed, size_t n, size_t c, double *loss)
{
    char *body = malloc(n * (c * 9 + 12) + 100), *at = body;
    size_t *targets = calloc(n, sizeof *targets);
    long double sum = 0;

    if (body == NULL || targets == NULL)
        abort();
    at += sprintf(at, "{\"dtype\":\"float64\",\"logits\":[");
    for (size_t i = 0; i < n; i++) {
        long double total = 0, own = 0;

        targets[i] = (size_t)(number_random(seed) * (double)c);
        for (size_t j = 0; j < c; j++) {
            double x = floor(number_random(seed) * 160.0) / 8.0 - 10.0;

            at += sprintf(at, "%s%.3f", j > 0 ? "," : i > 0 ? ",[" : "[", x);
            total += expl((long double)x);
            own = j == targets[i] ? (long double)x : own;
        }
        at += sprintf(at, "]");
        sum += logl(total) - own;
    }
    at += sprintf(at, "],\"targets\":");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%c%zu", i > 0 ? ',' : '[', targets[i]);
    (void)sprintf(at, "]}");
    free(targets);
    *loss = (double)(sum / (long double)n);
    return body;
}

static void *call(void *argument)
{
    struct caller *caller = argument;
    struct client *client = client_open(caller->port);

    for (size_t i = 0; i < REQUESTS; i++) {
        size_t n = i % 5 == 0 ? 200 + (size_t)(number_random(&caller->seed) * 200) : 1 + i % 7;
        double want;
        char *body = make_body(&caller->seed, n, 2 + i % 9, &want);
        const struct response *response = client_evaluate(client, body);
        json_t *json = response_json(response);
        double got = json_number(json_object_get(json, "loss"));

        if (response->status == 200 && number_is_near(got, want, 1e-12, 0.0))
            caller->right++;
        else if (caller->fault[0] == '\0')
            (void)snprintf(caller->fault, sizeof caller->fault, "want %.17g, got %ld %s %.200s",
                           want, response->status,
                           response->failure != NULL ? response->failure : "", response->body);
        caller->on_workers += strlen(body) > 8192;
        json_decref(json);
        free(body);
    }
    client_close(client);
    return NULL;
}

static void everybody_gets_his_own_answer(void **state)
{
    struct caller callers[CLIENTS];
    pthread_t threads[CLIENTS];
    struct daemon lossd;
    struct client *client;
    size_t on_workers = 0;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--queue-jobs-max", "64", NULL}, NULL);
    for (size_t i = 0; i < CLIENTS; i++) {
        callers[i] = (struct caller){.port = lossd.port, .seed = 1000 + i};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (callers[i].right != REQUESTS)
            fail_msg("client %zu: %zu right answers; %s", i, callers[i].right, callers[i].fault);
        on_workers += callers[i].on_workers;
    }
    assert_in_range(on_workers, CLIENTS, CLIENTS * REQUESTS - CLIENTS);
    client = client_open(lossd.port);
    assert_true(client_wait(client, "lossd_in_flight_requests", 1.0, 1.0));
    assert_true(client_metric(client, "lossd_queue_wait_seconds_count") == (double)on_workers);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* ---- nobody waits ---------------------------------------------------------------------------- */

/* Large enough for a worker. */
static void send_padded(struct raw *raw, const char *body)
{
    static const char head[] = POST "Content-Length: 10000\r\n\r\n";
    char text[sizeof head + 10000];

    (void)snprintf(text, sizeof text, "%s%-10000s", head, body);
    assert_true(raw_say(raw, text));
}

/* Behind long requests those who wait are gone, but for one; nothing is
 * computed for them.  Row 68. */
static void who_is_gone_when_his_turn_comes_is_passed_over(void **state)
{
    enum { LONG = 8, GONE = 5 };
    static const char small[] = "{\"logits\":[1,2],\"targets\":1}";
    struct lines body = {0};
    struct raw longs[LONG], gone, stays;
    struct response response = {0};
    struct daemon lossd;
    struct client *client;

    (void)state;
    daemon_start(&lossd,
                 (const char *const[]){"--workers", "1", "--queue-jobs-max", "16",
                                       "--body-rate-grace-ms", "600000", "--request-timeout-ms",
                                       "600000", NULL},
                 NULL);
    lines_zeros(&body, 4000000, ",\"dtype\":\"float64\"");
    client = client_open(lossd.port);
    for (int i = 0; i < LONG; i++) {
        raw_open(&longs[i], lossd.port);
        assert_true(lines_begin(&longs[i], POST, &body, body.length - 1));
    }
    for (int i = 0; i < LONG; i++)
        assert_true(raw_say(&longs[i], "}"));
    assert_true(client_wait(client, "lossd_queue_jobs", LONG / 2, LONG - 1.0));
    for (int i = 0; i < GONE; i++) {
        raw_open(&gone, lossd.port);
        send_padded(&gone, small);
        raw_close(&gone);
    }
    raw_open(&stays, lossd.port);
    send_padded(&stays, small);
    raw_read(&stays, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    assert_true(client_wait(client, "lossd_in_flight_requests", 1.0, 1.0));
    assert_true(client_metric(client, "lossd_errors_total{code=\"client_gone\"}") == GONE);
    assert_true(client_metric(client, "lossd_rows_evaluated_total") == LONG + 1.0);
    for (int i = 0; i < LONG; i++) {
        raw_read(&longs[i], false, RAW_MS, &response);
        assert_int_equal(response.status, 200);
        raw_close(&longs[i]);
    }
    raw_close(&stays);
    response_free(&response);
    client_close(client);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_his_own_answer),
        cmocka_unit_test(who_is_gone_when_his_turn_comes_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
