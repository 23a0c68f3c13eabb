/* test_loops.c - several event loops are one daemon: every connection is
 * served, counts are of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/raw.h"
#include "support/session.h"

/* The kernel spreads connections by a hash of their ports: that one of four loops gets none of so
 * many happens once in 10^24 runs. */
enum { LOOPS = 4, CONNECTIONS = 200, LARGE_BYTES = 20000, QUIET_MS = 300 };

static const char small_body[] =
    "{\"logits\":[[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]],\"targets\":[0,2,1]}";

static void send_post(struct raw *raw, const char *path, const char *body)
{
    char head[256];

    (void)snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                   path, strlen(body));
    assert_true(raw_say(raw, head));
    assert_true(raw_say(raw, body));
}

/* Open all connections at once, and send on each before any reply is read;
 * all replies are the same. */
static void check_all(const char *path, const char *body, const char *want)
{
    static struct raw raws[CONNECTIONS];
    struct response response = {0};

    for (int i = 0; i < CONNECTIONS; i++) {
        raw_open(&raws[i], lossd.port);
        assert_true(raws[i].fd >= 0);
        send_post(&raws[i], path, body);
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        raw_read(&raws[i], false, RAW_MS, &response);
        if (response.status != 200 || strcmp(response.body, want) != 0)
            fail_msg("connection %d: got %ld %s", i, response.status, response.body);
    }
    assert_true(client_metric(client, "lossd_connections") == CONNECTIONS + 1.0);
    /* Another loop may not have closed the book on a request yet whose reply is here. */
    assert_true(client_wait(client, "lossd_in_flight_requests", 1.0, 1.0));
    for (int i = 0; i < CONNECTIONS; i++)
        raw_close(&raws[i]);
    response_free(&response);
}

/* Sockets that listen on the daemon's port. */
static int count_listeners(void)
{
    FILE *file = fopen("/proc/net/tcp", "r");
    char line[256];
    unsigned port, state;
    int count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, " %*d: %*x:%x %*x:%*x %x", &port, &state) == 2)
            count += port == lossd.port && state == 0x0a; /* TCP_LISTEN */
    }
    (void)fclose(file);
    return count;
}

static void every_loop_has_a_socket(void **state)
{
    (void)state;
    assert_int_equal(count_listeners(), LOOPS);
}

static void small_requests_are_served_by_every_loop(void **state)
{
    char *want = strdup(client_evaluate(client, small_body)->body);

    (void)state;
    assert_non_null(strstr(want, "\"loss\":0.00018963144,"));
    check_all("/v1/evaluate", small_body, want);
    free(want);
}

/* They come back from the workers to the loop that has their connection. */
static void large_requests_come_back_to_their_loop(void **state)
{
    char *body = malloc(LARGE_BYTES + sizeof small_body), *want;

    (void)state;
    assert_non_null(body);
    memset(body, ' ', LARGE_BYTES);
    memcpy(body + LARGE_BYTES, small_body, sizeof small_body);
    want = strdup(client_evaluate(client, body)->body);
    check_all("/v1/evaluate", body, want);
    free(want);
    free(body);
}

static double executions(void)
{
    json_t *reply =
        response_json(client_send(client, "GET", "/v2/models/nll_loss/stats", NULL, NULL, 0));
    const json_t *model = json_array_get(json_object_get(reply, "model_stats"), 0);
    double count = json_number(json_object_get(model, "execution_count"));

    json_decref(reply);
    return count;
}

static void statistics_are_of_all_loops(void **state)
{
    static const char body[] =
        "{\"inputs\":[{\"name\":\"log_probabilities\",\"shape\":[2],\"datatype\":\"FP32\","
        "\"data\":[-1,-2]},{\"name\":\"targets\",\"shape\":[],\"datatype\":\"INT64\",\"data\":[1]}]"
        ","
        "\"outputs\":[{\"name\":\"loss\"}]}";
    double before = executions();

    (void)state;
    check_all(
        "/v2/models/nll_loss/infer", body,
        "{\"model_name\":\"nll_loss\",\"model_version\":\"1\",\"outputs\":[{\"name\":\"loss\","
        "\"datatype\":\"FP32\",\"shape\":[],\"data\":[2]}]}\n");
    assert_true(executions() - before == CONNECTIONS);
}

/* Though the sockets share their port among themselves. */
static void a_port_in_use_is_not_shared_with_another(void **state)
{
    char port[16];
    struct daemon_run run;

    (void)state;
    (void)snprintf(port, sizeof port, "%u", lossd.port);
    daemon_run(&run, (const char *const[]){"--listen-port", port, "--loops", "2", NULL}, NULL,
               NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "cannot listen on 127.0.0.1 port "));
    daemon_run_free(&run);
    assert_int_equal(count_listeners(), LOOPS);
}

static void ask_alive(struct raw *raw, bool is_last)
{
    struct response response = {0};
    char text[32];

    assert_true(raw_say(raw, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_read(raw, false, RAW_MS, &response);
    if (response.status != 200)
        fail_msg("got %ld %s", response.status, response.failure != NULL ? response.failure : "");
    assert_int_equal(response_header(&response, "Connection", text, sizeof text) != NULL &&
                         strcmp(text, "close") == 0,
                     is_last);
    response_free(&response);
}

/* While one loop drains, the connections of the others are served as if all were one. */
static void loops_end_together(void **state)
{
    static struct raw kept[CONNECTIONS];
    struct response response = {0};
    struct daemon own;
    struct client *visitor;
    struct raw half;

    (void)state;
    daemon_start(
        &own, (const char *const[]){"--loops", "4", "--body-rate-grace-ms", "600000", NULL}, NULL);
    for (int i = 0; i < CONNECTIONS; i++) {
        raw_open(&kept[i], own.port);
        ask_alive(&kept[i], false);
    }
    raw_open(&half, own.port);
    assert_true(raw_say(&half, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 29\r\n\r\n{\"logits\":"));
    visitor = client_open(own.port);
    assert_true(client_wait(visitor, "lossd_in_flight_requests", 2.0, 2.0));
    client_close(visitor);
    daemon_signal(&own, SIGTERM);
    assert_true(daemon_says(&own, "draining: no new connections"));
    assert_int_equal(raw_next(&half, QUIET_MS), RAW_SILENT); /* each for itself, three had ended */
    for (int i = 0; i < CONNECTIONS; i++) {
        ask_alive(&kept[i], true);
        raw_close(&kept[i]);
    }
    assert_true(raw_say(&half, "[40,0],\"targets\":0}"));
    raw_read(&half, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    response_free(&response);
    raw_close(&half);
    assert_int_equal(daemon_wait(&own, RAW_MS), 0);
    assert_int_equal(daemon_stop(&own), 0);
}

/* Of connections that have not been idle for long yet, whatever the loops: the limit, 32 more, and
 * one that each loop may have let in at the same time. */
static void all_loops_have_one_limit(void **state)
{
    enum { LIMIT = 20, MOST = LIMIT + 32 + LOOPS };
    static struct raw raws[CONNECTIONS];
    struct daemon own;
    struct client *watcher;
    int closed = 0;

    (void)state;
    daemon_start(&own,
                 (const char *const[]){"--loops", "4", "--connections-max", "20",
                                       "--metrics-address", "127.0.0.1", "--metrics-port", "0",
                                       NULL},
                 NULL);
    assert_int_not_equal(daemon_metrics_port(&own), 0);
    watcher = client_open(daemon_metrics_port(&own));
    for (int i = 0; i < CONNECTIONS; i++)
        raw_open(&raws[i], own.port);
    while (closed < CONNECTIONS - MOST) {
        assert_true(client_metric(watcher, "lossd_connections") <= MOST + 1.0); /* the watcher */
        closed = 0;
        for (int i = 0; i < CONNECTIONS; i++)
            closed += raw_next(&raws[i], 0) == RAW_CLOSED;
    }
    for (int i = 0; i < CONNECTIONS; i++)
        raw_close(&raws[i]);
    client_close(watcher);
    assert_int_equal(daemon_stop(&own), 0);
}

static int start(void **state)
{
    (void)state;
    return session_start(
        (const char *const[]){"--loops", "4", "--workers", "3", "--queue-jobs-max", "1000", NULL},
        NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_loop_has_a_socket),
        cmocka_unit_test(small_requests_are_served_by_every_loop),
        cmocka_unit_test(large_requests_come_back_to_their_loop),
        cmocka_unit_test(statistics_are_of_all_loops),
        cmocka_unit_test(a_port_in_use_is_not_shared_with_another),
        cmocka_unit_test(all_loops_have_one_limit),
        cmocka_unit_test(loops_end_together),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
