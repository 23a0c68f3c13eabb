/* test_tls.c - a daemon with TLS: versions, bodies of all sizes, slow clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/certificates.h"
#include "support/folder.h"
#include "support/raw.h"
#include "support/secure.h"
#include "support/session.h"

#define GOOD "{\"logits\":[0,0],\"targets\":0}"
#define POST "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
#define ANY  "NORMAL"

enum { PATIENCE_MS = 120000, CALLERS = 6, CALLS = 60 };

static char ca[FOLDER_PATH_BYTES], certificate[FOLDER_PATH_BYTES], key[FOLDER_PATH_BYTES];

static int start(void **state)
{
    int status;

    (void)state;
    folder_make();
    certificate_make("ca", FOR_SIGNING, NULL, -1, 1);
    certificate_make("server", FOR_SERVERS, "ca", -1, 1);
    (void)folder_path("ca.pem", ca);
    (void)folder_path("server.pem", certificate);
    (void)folder_path("server.key", key);
    status =
        session_start((const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file",
                                            key, "--json-bytes-max", "4000000", NULL},
                      NULL);
    client_secure(client, ca, NULL, NULL);
    return status;
}

static int stop(void **state)
{
    certificates_forget();
    folder_remove();
    return session_stop(state);
}

static void versions_from_1_2_on_are_spoken(void **state)
{
    static const struct {
        const char *priorities;
        bool good;
    } rows[] = {
        {ANY ":-VERS-ALL:+VERS-TLS1.3", true},
        {ANY ":-VERS-ALL:+VERS-TLS1.2", true},
        {ANY ":-VERS-ALL:+VERS-TLS1.1", false},
        {ANY ":-VERS-ALL:+VERS-TLS1.0", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct secure secure;
        bool closed;

        secure_open(&secure, lossd.port, rows[i].priorities);
        if (secure.is_open != rows[i].good)
            fail_msg("%s", rows[i].priorities);
        if (rows[i].good) {
            assert_true(
                secure_say(&secure, "GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
            assert_non_null(
                strstr(secure_read_all(&secure, PATIENCE_MS, &closed), "{\"live\":true}"));
            assert_true(closed);
        }
        secure_close(&secure);
    }
}

static void connections_are_kept(void **state)
{
    (void)state;
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    for (int i = 0; i < 5; i++) {
        const struct response *response = client_evaluate(client, GOOD);

        assert_int_equal(response->status, 200);
        assert_int_equal(response->connects, 0);
    }
}

/* Who does not speak TLS gets no reply, and does no harm. */
static void other_bytes_are_refused(void **state)
{
    static const char *const texts[] = {"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01",
                                        "\x16\x03\x01\xff\xff", "\x80\x2e\x01"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct raw raw;
        bool closed;

        raw_open(&raw, lossd.port);
        assert_true(raw_say(&raw, texts[i]));
        assert_null(strstr(raw_read_all(&raw, PATIENCE_MS, &closed), "HTTP"));
        assert_true(closed);
        raw_close(&raw);
    }
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
}

/* ---- bodies ---- */

/* A request of `count` logits, with its softmax in the reply if they are many; to be freed. */
static char *make_body(size_t count, bool returns)
{
    char *body = malloc(2 * count + 100), *at = body;

    assert_non_null(body);
    at += sprintf(at, "{\"logits\":[1");
    for (size_t i = 1; i < count; i++, at += 2)
        memcpy(at, ",1", 2);
    (void)sprintf(at, "],\"targets\":0%s}", returns ? ",\"return\":[\"softmax\"]" : "");
    return body;
}

/* Every reply is the one that a daemon without TLS gives, whoever computes it. */
static void replies_are_those_without_tls(void **state)
{
    static const size_t counts[] = {2, 1000, 5000, 100000, 1000000};
    struct daemon plain;
    struct client *other;

    (void)state;
    daemon_start(&plain, NULL, NULL);
    other = client_open(plain.port);
    for (size_t i = 0; i < 2 * sizeof counts / sizeof counts[0]; i++) {
        char *body = make_body(counts[i / 2], i % 2 == 1);
        const struct response *got = client_evaluate(client, body);
        const struct response *want = client_evaluate(other, body);

        if (got->status != 200 || got->body_length != want->body_length ||
            memcmp(got->body, want->body, want->body_length) != 0)
            fail_msg("%zu logits: %ld %s", counts[i / 2], got->status,
                     got->failure != NULL ? got->failure : "");
        free(body);
    }
    client_close(other);
    assert_int_equal(daemon_stop(&plain), 0);
}

/* Lines are evaluated while they come, so the connection is suspended in the middle of the body. */
static void streams_have_a_reply_for_each_line(void **state)
{
    enum { LINES = 40000 };
    static const char *const headers[] = {"Content-Type: application/x-ndjson", NULL};
    static const char line[] = GOOD "\n";
    char *body = malloc(LINES * sizeof line), *at = body;
    const struct response *response;
    size_t replies = 0;

    (void)state;
    assert_non_null(body);
    for (int i = 0; i < LINES; i++, at += sizeof line - 1)
        memcpy(at, line, sizeof line);
    response =
        client_send(client, "POST", "/v1/evaluate", headers, body, LINES * (sizeof line - 1));
    assert_int_equal(response->status, 200);
    for (at = strstr(response->body, "{\"loss\":0.6931472,"); at != NULL;
         at = strstr(at + 1, "{\"loss\":0.6931472,"))
        replies++;
    assert_int_equal(replies, LINES);
    free(body);
}

/* Too large by more than is read on, so the reply comes while the client still sends. */
static void an_early_reply_is_read(void **state)
{
    size_t length = 16 * 1024 * 1024;
    char *body = malloc(length), text[600];

    (void)state;
    assert_non_null(body);
    memset(body, ' ', length);
    for (int i = 0; i < 5; i++) {
        const struct response *response =
            client_send(client, "POST", "/v1/evaluate", NULL, body, length);

        if (response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("%s", text);
    }
    free(body);
}

struct caller {
    pthread_t thread;
    char *small, *large;
    int right;
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    struct client *own = client_open(lossd.port);

    client_secure(own, ca, NULL, NULL);
    for (int i = 0; i < CALLS; i++) {
        const struct response *response =
            client_evaluate(own, i % 3 == 0 ? caller->large : caller->small);

        caller->right +=
            response->status == 200 &&
            strstr(response->body, i % 3 == 0 ? "\"classes\":20000," : "\"classes\":2,") != NULL;
    }
    client_close(own);
    return NULL;
}

static void many_are_served_at_once(void **state)
{
    struct caller callers[CALLERS];
    char *small = make_body(2, false), *large = make_body(20000, true);

    (void)state;
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.small = small, .large = large};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].right, CALLS);
    }
    free(small);
    free(large);
}

/* ---- slow clients ---- */

static void start_impatient(struct daemon *impatient)
{
    daemon_start(impatient,
                 (const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file", key,
                                       "--header-timeout-ms", "300", "--body-rate-grace-ms", "300",
                                       NULL},
                 NULL);
}

/* A handshake that stops is cut when its time is over, and costs nothing until then. */
static void a_handshake_that_stops_is_cut(void **state)
{
    static const char half[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct daemon impatient, patient;
    struct client *own;
    struct raw raw;
    double before, begin;

    (void)state;
    start_impatient(&impatient);
    raw_open(&raw, impatient.port);
    assert_true(raw_send(&raw, half, sizeof half - 1));
    assert_int_equal(raw_next(&raw, PATIENCE_MS), RAW_CLOSED);
    raw_close(&raw);
    assert_int_equal(daemon_stop(&impatient), 0);
    daemon_start(
        &patient,
        (const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file", key, NULL},
        NULL);
    own = client_open(patient.port);
    client_secure(own, ca, NULL, NULL);
    raw_open(&raw, patient.port);
    assert_true(raw_send(&raw, half, sizeof half - 1));
    before = client_metric(own, "process_cpu_seconds_total");
    begin = clock_ms();
    assert_int_equal(raw_next(&raw, 1000), RAW_SILENT); /* it has 5 s */
    assert_true(client_metric(own, "process_cpu_seconds_total") - before <
                0.3 * (clock_ms() - begin) / 1e3);
    raw_close(&raw);
    client_close(own);
    assert_int_equal(daemon_stop(&patient), 0);
}

/* Once the handshake is made, slow requests are told so, and nothing goes out in the clear. */
static void slow_requests_are_told_so(void **state)
{
    static const char *const requests[] = {"GET /livez HTTP/1.1\r\nHos",
                                           POST "Content-Length: 28\r\n\r\n{\"logits\""};
    struct daemon impatient;
    struct client *own;

    (void)state;
    start_impatient(&impatient);
    own = client_open(impatient.port);
    client_secure(own, ca, NULL, NULL);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        double before = client_metric(own, "lossd_errors_total{code=\"request_timeout\"}");
        struct secure secure;
        const char *reply;
        bool closed;

        secure_open(&secure, impatient.port, ANY);
        assert_true(secure.is_open);
        assert_true(secure_say(&secure, requests[i]));
        reply = secure_read_all(&secure, PATIENCE_MS, &closed);
        if (strncmp(reply, "HTTP/1.1 408 Request Timeout\r\n", 30) != 0 ||
            strstr(reply, "\"code\": \"request_timeout\"") == NULL || !closed)
            fail_msg("got %s", reply);
        secure_close(&secure);
        assert_true(client_wait(own, "lossd_errors_total{code=\"request_timeout\"}", before + 1.0,
                                before + 1.0));
    }
    assert_true(client_wait(own, "lossd_in_flight_requests", 1.0, 1.0));
    client_close(own);
    assert_int_equal(daemon_stop(&impatient), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_from_1_2_on_are_spoken),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(replies_are_those_without_tls),
        cmocka_unit_test(streams_have_a_reply_for_each_line),
        cmocka_unit_test(an_early_reply_is_read),
        cmocka_unit_test(many_are_served_at_once),
        cmocka_unit_test(a_handshake_that_stops_is_cut),
        cmocka_unit_test(slow_requests_are_told_so),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
