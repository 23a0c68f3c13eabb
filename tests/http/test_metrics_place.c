/* test_metrics_place.c - metrics at an address of their own. */
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

enum { CLIENTS_MAX = 4, SILENT = 150 };

static struct client *watcher; /* who comes by the other socket, */
static unsigned watched_port;  /* which is at this port */

static void every_socket_has_its_routes(void **state)
{
    static const struct {
        const char *method, *path;
        long status, status_apart;
    } rows[] = {
        {"GET", "/metrics", 404, 200},         {"HEAD", "/metrics", 404, 200},
        {"GET", "/livez", 200, 200},           {"GET", "/readyz", 200, 200},
        {"GET", "/v2/health/live", 200, 200},  {"GET", "/v2/health/ready", 200, 200},
        {"GET", "/v1/version", 200, 404},      {"GET", "/openapi.json", 200, 404},
        {"GET", "/v2/models/stats", 200, 404},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        long status = client_send(client, rows[i].method, rows[i].path, NULL, NULL, 0)->status;
        long apart = client_send(watcher, rows[i].method, rows[i].path, NULL, NULL, 0)->status;

        if (status != rows[i].status || apart != rows[i].status_apart)
            fail_msg("%s %s: got %ld, and %ld apart", rows[i].method, rows[i].path, status, apart);
    }
    assert_int_equal(client_evaluate(watcher, "{\"logits\":[1,2],\"targets\":1}")->status, 404);
}

static void they_are_of_all(void **state)
{
    static const char series[] =
        "lossd_http_requests_total{route=\"/v1/evaluate\",method=\"POST\",code=\"200\"}";
    double before = client_metric(watcher, series);

    (void)state;
    for (int i = 0; i < 7; i++)
        assert_int_equal(client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}")->status, 200);
    /* The other thread may not have counted the last one yet when its reply is here. */
    assert_true(client_wait(watcher, series, before + 7.0, before + 7.0));
    assert_true(client_metric(watcher, "lossd_connections") == 2.0);
}

/* Whoever watches, however often, takes no connection from those who have something to evaluate.
 * Row 76b of tests/faults/rows.txt. */
static void watchers_keep_no_clients_out(void **state)
{
    static struct raw watchers[CLIENTS_MAX + 1], silent[SILENT], late;
    struct response response = {0};
    double end = clock_ms() + RAW_MS;

    (void)state;
    for (int i = 0; i <= CLIENTS_MAX; i++) {
        raw_open(&watchers[i], watched_port);
        assert_true(raw_say(&watchers[i], "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
        raw_read(&watchers[i], false, RAW_MS, &response);
        assert_int_equal(response.status, 200);
    }
    assert_true(client_metric(watcher, "lossd_connections") == CLIENTS_MAX + 3.0);
    assert_int_equal(client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}")->status, 200);
    for (int i = 0; i < SILENT; i++) {
        raw_open(&silent[i], watched_port);
        if (i % 2 == 1) /* or with half a request */
            (void)raw_say(&silent[i],
                          "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    }
    assert_int_equal(client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}")->status, 200);
    response.status = 0;
    while (response.status != 200) { /* nor do the silent keep out the others who watch */
        assert_true(clock_ms() < end);
        raw_open(&late, watched_port);
        if (raw_say(&late, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"))
            raw_read(&late, false, RAW_MS, &response);
        raw_close(&late);
    }
    for (int i = 0; i <= CLIENTS_MAX; i++)
        raw_close(&watchers[i]);
    for (int i = 0; i < SILENT; i++)
        raw_close(&silent[i]);
    response_free(&response);
}

static bool has_logged(const char *event)
{
    char *log = daemon_errors(&lossd);
    bool found = strstr(log, event) != NULL;

    free(log);
    return found;
}

static void they_are_there_while_it_drains(void **state)
{
    struct client *late;
    struct raw half;

    (void)state;
    raw_open(&half, lossd.port);
    assert_true(
        raw_say(&half, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"));
    assert_true(client_wait(watcher, "lossd_in_flight_requests", 2.0, 2.0));
    daemon_signal(&lossd, SIGTERM);
    assert_true(client_wait(watcher, "lossd_draining", 1.0, 1.0));
    for (double end = clock_ms() + RAW_MS; !has_logged("draining: no new connections");)
        assert_true(clock_ms() < end);
    late = client_open(watched_port);
    assert_true(client_metric(late, "lossd_draining") == 1.0);
    client_close(late);
    raw_close(&half);
    assert_int_equal(daemon_wait(&lossd, RAW_MS), 0);
}

/* When all is answered, whoever kept his connection is told so at once, and not after those who
 * watch: they have a second, and that one of them is cut off is no failure. */
static void clients_do_not_wait_for_watchers(void **state)
{
    struct response response = {0};
    struct raw kept, half;
    struct daemon own;
    struct client *visitor;

    (void)state;
    daemon_start(
        &own, (const char *const[]){"--metrics-address", "127.0.0.1", "--metrics-port", "0", NULL},
        NULL);
    raw_open(&kept, own.port);
    assert_true(raw_say(&kept, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"));
    raw_read(&kept, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    raw_open(&half, daemon_metrics_port(&own));
    assert_true(raw_say(&half, "GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"));
    visitor = client_open(daemon_metrics_port(&own));
    assert_true(client_wait(visitor, "lossd_in_flight_requests", 2.0, 2.0));
    client_close(visitor);
    daemon_signal(&own, SIGTERM);
    assert_int_equal(raw_next(&kept, RAW_MS), RAW_CLOSED);
    assert_int_equal(raw_next(&half, 0), RAW_SILENT);
    assert_int_equal(raw_next(&half, RAW_MS), RAW_CLOSED);
    assert_int_equal(daemon_wait(&own, RAW_MS), 0);
    raw_close(&kept);
    raw_close(&half);
    response_free(&response);
}

/* The port that the kernel picked stands in the log. */
static int start(void **state)
{
    (void)state;
    (void)session_start((const char *const[]){"--metrics-address", "127.0.0.1", "--metrics-port",
                                              "0", "--drain-delay-ms", "500", "--connections-max",
                                              "4", "--header-timeout-ms", "3600000", NULL},
                        NULL);
    watched_port = daemon_metrics_port(&lossd);
    if (watched_port == 0)
        return 1;
    watcher = client_open(watched_port);
    return 0;
}

static int stop(void **state)
{
    client_close(watcher);
    return session_stop(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_socket_has_its_routes),
        cmocka_unit_test(they_are_of_all),
        cmocka_unit_test(watchers_keep_no_clients_out),
        cmocka_unit_test(they_are_there_while_it_drains),
        cmocka_unit_test(clients_do_not_wait_for_watchers),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
