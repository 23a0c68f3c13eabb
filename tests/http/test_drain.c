/* test_drain.c - how the daemon ends: at once when idle, after the last answer when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"
#include "support/raw.h"

/* What is not soon would take the 25 s of drain_timeout_ms, the 30 s of idle_timeout_ms, or hours. */
enum { PATIENCE_MS = 120000, SOON_MS = 15000, DELAY_MS = 2000, HEAVY = 3 };

#define POST "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
#define GOOD "{\"logits\":[1,2],\"targets\":1}" /* 28 bytes */
#define HALF POST "Content-Length: 28\r\n\r\n{\"logits\":["
#define REST "1,2],\"targets\":1}"

/* Read a reply that is 200 and ends its connection. */
static void expect_last_answer(struct raw *raw)
{
    struct response response = {0};
    char text[32];

    raw_read(raw, false, PATIENCE_MS, &response);
    if (response.status != 200)
        fail_msg("got %ld %s %s", response.status, response.failure != NULL ? response.failure : "",
                 response.body);
    assert_non_null(response_header(&response, "Connection", text, sizeof text));
    assert_string_equal(text, "close");
    assert_int_equal(raw_next(raw, PATIENCE_MS), RAW_CLOSED);
    response_free(&response);
    raw_close(raw);
}

/* Row 94 of tests/faults/rows.txt. */
static void either_signal_ends_an_idle_daemon_at_once(void **state)
{
    static const int signals[] = {SIGTERM, SIGINT};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct daemon lossd;
        struct client *client;
        double since;

        daemon_start(&lossd, NULL, NULL);
        client = client_open(lossd.port);
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
        since = clock_ms();
        daemon_signal(&lossd, signals[i]);
        assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 0);
        if (clock_ms() - since > SOON_MS)
            fail_msg("took %g ms", clock_ms() - since);
        client_close(client);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
}

/* One worker has work for a while, and the last of it is not begun when the signal comes. */
static void what_is_in_work_or_half_uploaded_is_answered(void **state)
{
    struct daemon lossd;
    struct client *client;
    struct raw half, half_head, heavy[HEAVY];
    struct response response = {0};
    struct lines zeros = {0};
    char text[200];
    int last_ones = 0;

    (void)state;
    lines_zeros(&zeros, 4000000, ",\"dtype\":\"float64\"");
    daemon_start(&lossd,
                 (const char *const[]){"--workers", "1", "--body-rate-grace-ms", "600000",
                                       "--request-timeout-ms", "600000", NULL},
                 NULL);
    client = client_open(lossd.port);
    raw_open(&half, lossd.port);
    raw_open(&half_head, lossd.port);
    assert_true(raw_say(&half, HALF));
    assert_true(raw_say(&half_head, POST "Content-Length: 28\r\n\r\n"));
    for (int i = 0; i < HEAVY; i++) {
        raw_open(&heavy[i], lossd.port);
        assert_true(lines_begin(&heavy[i], POST, &zeros, zeros.length - 1));
    }
    assert_true(client_wait(client, "lossd_in_flight_requests", HEAVY + 3.0, HEAVY + 3.0));
    daemon_signal(&lossd, SIGSTOP); /* it finds both at once when it goes on */
    for (int i = 0; i < HEAVY; i++)
        assert_true(raw_say(&heavy[i], "}"));
    daemon_signal(&lossd, SIGTERM);
    daemon_signal(&lossd, SIGCONT);
    assert_true(daemon_says(&lossd, "draining: no new connections"));
    assert_int_equal(daemon_wait(&lossd, 1), DAEMON_RUNS);
    assert_true(raw_say(&half, REST));
    assert_true(raw_say(&half_head, GOOD));
    expect_last_answer(&half);
    expect_last_answer(&half_head);
    for (int i = 0; i < HEAVY; i++) {
        raw_read(&heavy[i], false, PATIENCE_MS, &response);
        assert_int_equal(response.status, 200);
        last_ones += response_header(&response, "Connection", text, sizeof text) != NULL;
        raw_close(&heavy[i]);
    }
    assert_in_range(last_ones, 1, HEAVY);
    assert_int_equal(daemon_wait(&lossd, SOON_MS), 0);
    response_free(&response);
    client_close(client);
    lines_free(&zeros);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* In the time of delay all goes on, but the daemon is not ready; then nobody is let in. */
static void a_delay_gives_balancers_time(void **state)
{
    json_t *body;
    struct daemon lossd;
    struct client *client;
    struct raw half, late;
    const struct response *response;
    char text[600];
    double since, deadline;

    (void)state;
    daemon_start(
        &lossd,
        (const char *const[]){"--drain-delay-ms", "2000", "--body-rate-grace-ms", "600000", NULL},
        NULL);
    client = client_open(lossd.port);
    raw_open(&half, lossd.port);
    assert_true(raw_say(&half, HALF));
    assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
    since = clock_ms();
    daemon_signal(&lossd, SIGTERM);
    do { /* the signal is on its way */
        response = client_send(client, "GET", "/readyz", NULL, NULL, 0);
    } while (response->status == 200 && clock_ms() - since < DELAY_MS);
    assert_int_equal(response->status, 503);
    body = response_json(response);
    assert_string_equal(json_text(body, "code"), "draining");
    assert_true(json_is_false(json_object_get(body, "ready"))); /* as KServe's client reads it */
    assert_string_not_equal(json_text(body, "error"), "");
    json_decref(body);
    assert_non_null(response_header(response, "Retry-After", text, sizeof text));
    assert_string_equal(response_header(response, "Connection", text, sizeof text), "close");
    assert_true(client_metric(client, "lossd_draining") == 1.0);
    assert_int_equal(client_send(client, "GET", "/livez", NULL, NULL, 0)->status, 200);
    response = client_evaluate(client, GOOD);
    assert_int_equal(response->status, 200);
    assert_int_equal(response->connects, 1);
    assert_string_equal(response_header(response, "Connection", text, sizeof text), "close");
    deadline = clock_ms() + PATIENCE_MS;
    do {
        raw_open(&late, lossd.port);
        assert_true(clock_ms() < deadline);
        if (late.fd < 0)
            break;
        raw_close(&late);
        pause_a_ms(); /* each of them keeps a port for a minute */
    } while (true);
    assert_int_equal(late.error, ECONNREFUSED);
    raw_close(&late);
    assert_true(clock_ms() - since >= DELAY_MS);
    assert_true(raw_say(&half, REST));
    expect_last_answer(&half);
    assert_int_equal(daemon_wait(&lossd, SOON_MS), 0);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* Whoever never sends the rest is cut off: after drain_timeout_ms, or at a second signal.  The
 * status tells that not everything was answered. */
static void patience_has_an_end(void **state)
{
    static const struct {
        const char *delay_ms, *timeout_ms;
        int second; /* signal, or 0 */
        const char *loops;
    } ends[] = {{"0", "200", 0, "1"},
                {"0", "3600000", SIGTERM, "1"},
                {"3600000", "3600000", SIGINT, "1"},
                {"0", "200", 0, "4"},
                {"0", "3600000", SIGTERM, "4"}}; /* when three of four, or so, have ended */

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        const char *flags[] = {"--drain-delay-ms",
                               ends[i].delay_ms,
                               "--drain-timeout-ms",
                               ends[i].timeout_ms,
                               "--loops",
                               ends[i].loops,
                               NULL};
        struct daemon lossd;
        struct client *client;
        struct raw half;
        double since;
        char *log;

        daemon_start(&lossd, flags, NULL);
        client = client_open(lossd.port);
        raw_open(&half, lossd.port);
        assert_true(raw_say(&half, HALF));
        assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
        client_close(client);
        since = clock_ms();
        daemon_signal(&lossd, SIGTERM);
        if (ends[i].second != 0) {
            assert_true(daemon_says(&lossd, "stopping: not ready any more"));
            assert_int_equal(daemon_wait(&lossd, 150), DAEMON_RUNS);
            daemon_signal(&lossd, ends[i].second);
        }
        assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 1);
        if (clock_ms() - since > SOON_MS)
            fail_msg("end %zu: took %g ms", i, clock_ms() - since);
        raw_close(&half);
        log = daemon_errors(&lossd);
        assert_non_null(strstr(log, "stopped"));
        free(log);
        (void)daemon_stop(&lossd);
    }
}

static void a_second_signal_spares_what_is_idle(void **state)
{
    struct daemon lossd;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--drain-delay-ms", "3600000", NULL}, NULL);
    daemon_signal(&lossd, SIGTERM);
    assert_true(daemon_says(&lossd, "stopping: not ready any more"));
    assert_int_equal(daemon_wait(&lossd, 100), DAEMON_RUNS);
    daemon_signal(&lossd, SIGTERM);
    assert_int_equal(daemon_wait(&lossd, SOON_MS), 0);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* One line that says why, and exit status 1. */
static void check_does_not_start(const char *const *arguments, const char *says)
{
    struct daemon_run run;
    double since = clock_ms();

    daemon_run(&run, arguments, NULL, NULL);
    if (run.status != 1 || strstr(run.err, says) == NULL ||
        strchr(run.err, '\n') != run.err + strlen(run.err) - 1 || run.out[0] != '\0')
        fail_msg("got %d, %s%s", run.status, run.out, run.err);
    assert_true(clock_ms() - since < SOON_MS);
    daemon_run_free(&run);
}

/* Row 91 of tests/faults/rows.txt. */
static void a_port_in_use_is_an_error_and_a_free_one_is_not(void **state)
{
    static const int ends[] = {SIGTERM, SIGKILL};
    char port[16];
    struct daemon lossd;
    struct client *client;

    (void)state;
    daemon_start(&lossd, NULL, NULL);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(port, sizeof port, "%u", lossd.port);
        check_does_not_start((const char *const[]){"--listen-port", port, NULL}, port);
        client = client_open(lossd.port);
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
        daemon_signal(&lossd, ends[i]); /* the connection is open: its port is in TIME_WAIT */
        assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), ends[i] == SIGKILL ? 128 + SIGKILL : 0);
        client_close(client);
        (void)daemon_stop(&lossd);
        daemon_start(&lossd, (const char *const[]){"--listen-port", port, NULL}, NULL);
        client = client_open(lossd.port);
        assert_int_equal(client_evaluate(client, GOOD)->status, 200);
        client_close(client);
    }
    assert_int_equal(daemon_stop(&lossd), 0);
    check_does_not_start((const char *const[]){"--listen-address", "192.0.2.1", NULL}, "192.0.2.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_signal_ends_an_idle_daemon_at_once),
        cmocka_unit_test(what_is_in_work_or_half_uploaded_is_answered),
        cmocka_unit_test(a_delay_gives_balancers_time),
        cmocka_unit_test(patience_has_an_end),
        cmocka_unit_test(a_second_signal_spares_what_is_idle),
        cmocka_unit_test(a_port_in_use_is_an_error_and_a_free_one_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
