/* test_load.c - many clients at once, and more than there is room or time for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"
#include "support/numbers.h"
#include "support/raw.h"

enum { CLIENTS = 20, REQUESTS = 50, FLOODERS = 8, FLOOD_MS = 10000 };

#define GOOD "{\"logits\":[0,0],\"targets\":0}"

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

/* ---- no room --------------------------------------------------------------------------------- */

/* Large enough for a worker. */
static void send_padded(struct raw *raw, const char *body)
{
    static const char head[] =
        "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n";
    char text[sizeof head + 10000];

    (void)snprintf(text, sizeof text, "%s%-10000s", head, body);
    assert_true(raw_say(raw, text));
}

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

/* Behind two long requests those who wait are gone, but for one; nothing is
 * computed for them.  Row 68. */
static void who_is_gone_when_his_turn_comes_is_passed_over(void **state)
{
    enum { LONG = 2, GONE = 5 };
    static const char small[] = "{\"logits\":[1,2],\"targets\":1}";
    struct lines body = {0};
    char head[200];
    struct raw longs[LONG], gone, stays;
    struct response response = {0};
    struct daemon lossd;
    struct client *client;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--workers", "1", "--queue-jobs-max", "16", NULL},
                 NULL);
    lines_zeros(&body, 4000000, ",\"dtype\":\"float64\"");
    client = client_open(lossd.port);
    (void)snprintf(head, sizeof head,
                   "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   body.length);
    for (int i = 0; i < LONG; i++) {
        raw_open(&longs[i], lossd.port);
        assert_true(raw_say(&longs[i], head) && raw_send(&longs[i], body.text, body.length));
    }
    assert_true(client_wait(client, "lossd_queue_jobs", 1.0, 1.0));
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

/* Refused before the body is read, while it is, and while it is worked on: each time 503, and room
 * for the next.  Row 79. */
static void a_full_memory_refuses(void **state)
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
        if (response_fault(response, 503, "memory_budget_full", NULL, text, sizeof text) != NULL)
            fail_msg("body %zu: %s", i, text);
        assert_non_null(response_header(response, "Retry-After", text, sizeof text));
        assert_string_equal(response_header(response, "Connection", text, sizeof text), "close");
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
        assert_true(client_resting_bytes(client) == used);
    }
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Row 80 of tests/faults/rows.txt. */
static void a_late_answer_is_not_computed(void **state)
{
    struct lines body = {0};
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
    (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    /* On a busy machine even the body may come too late, which is a 408: not every time, though. */
    do {
        response = client_evaluate(client, body.text);
    } while (response_fault(response, 408, "request_timeout", NULL, text, sizeof text) == NULL &&
             ++late < LATE_MAX);
    if (response_fault(response, 504, "deadline_exceeded", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    assert_null(response_header(response, "Connection", text, sizeof text));
    assert_true(client_metric(client, "lossd_rows_evaluated_total") == 0.0);
    client_close(client);
    lines_free(&body);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_his_own_answer),
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(who_is_gone_when_his_turn_comes_is_passed_over),
        cmocka_unit_test(a_full_memory_refuses),
        cmocka_unit_test(a_late_answer_is_not_computed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
