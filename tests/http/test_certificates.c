/* test_certificates.c - certificates that clients show, and those of the server while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/certificates.h"
#include "support/folder.h"
#include "support/session.h"

#define TOKEN          "some-token-0123456789"
#define BEARER         "Authorization: Bearer " TOKEN
#define GOOD           "{\"logits\":[0,0],\"targets\":0}"
#define RESULT(result) "lossd_config_reloads_total{result=\"" result "\"}"

static char ca[FOLDER_PATH_BYTES], others_ca[FOLDER_PATH_BYTES], certificate[FOLDER_PATH_BYTES],
    key[FOLDER_PATH_BYTES], tokens[FOLDER_PATH_BYTES];
static char client_pem[FOLDER_PATH_BYTES], client_key[FOLDER_PATH_BYTES];

static int make(void **state)
{
    (void)state;
    folder_make();
    certificate_make("ca", FOR_SIGNING, NULL, -1, 1);
    certificate_make("others-ca", FOR_SIGNING, NULL, -1, 1);
    certificate_make("server", FOR_SERVERS, "ca", -1, 1);
    certificate_make("client", FOR_CLIENTS, "ca", -1, 1);
    certificate_make("late", FOR_CLIENTS, "ca", -9, -8);
    certificate_make("stranger", FOR_CLIENTS, "others-ca", -1, 1);
    certificate_make("own", FOR_CLIENTS, NULL, -1, 1);
    (void)folder_path("ca.pem", ca);
    (void)folder_path("others-ca.pem", others_ca);
    (void)folder_path("server.pem", certificate);
    (void)folder_path("server.key", key);
    (void)folder_path("client.pem", client_pem);
    (void)folder_path("client.key", client_key);
    (void)folder_write("tokens", TOKEN "\n", tokens);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    certificates_forget();
    folder_remove();
    return 0;
}

/* ---- those of clients ---- */

static void start_asking(const char *flag, const char *value)
{
    assert_int_equal(
        session_start((const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file",
                                            key, "--tls-client-ca-file", ca, flag, value, NULL},
                      NULL),
        0);
}

/* Whoever shows none is refused, but for the routes for health; one that is not believed ends the
 * handshake. */
static void clients_show_certificates(void **state)
{
    static const struct {
        const char *name;
        long health, version; /* 0: no reply */
    } rows[] = {
        {"client", 200, 200}, {NULL, 200, 401}, {"late", 0, 0},
        {"stranger", 0, 0},   {"own", 0, 0},    {"server", 0, 0}, /* a server's is no client's */
    };

    start_asking(NULL, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char pem[FOLDER_PATH_BYTES], own_key[FOLDER_PATH_BYTES], name[64], text[600];
        const struct response *response;

        if (rows[i].name != NULL) {
            (void)snprintf(name, sizeof name, "%s.pem", rows[i].name);
            (void)folder_path(name, pem);
            (void)snprintf(name, sizeof name, "%s.key", rows[i].name);
            (void)folder_path(name, own_key);
        }
        client_secure(client, ca, rows[i].name != NULL ? pem : NULL, own_key);
        response = client_send(client, "GET", "/readyz", NULL, NULL, 0);
        if (response->status != rows[i].health)
            fail_msg("%s: %ld", rows[i].name, response->status);
        response = client_send(client, "GET", "/v1/version", NULL, NULL, 0);
        if (response->status != rows[i].version)
            fail_msg("%s: %ld", rows[i].name, response->status);
        if (response->status == 401 &&
            response_fault(response, 401, "unauthorized", NULL, text, sizeof text) != NULL)
            fail_msg("%s", text);
    }
    assert_int_equal(session_stop(state), 0);
}

/* Where both are set, both are needed. */
static void certificates_do_not_replace_tokens(void **state)
{
    start_asking("--tokens-file", tokens);
    for (int i = 0; i < 4; i++) {
        bool shows = i % 2 == 1;

        client_secure(client, ca, shows ? client_pem : NULL, client_key);
        client_always_send(client, i / 2 == 1 ? BEARER : NULL);
        assert_int_equal(client_evaluate(client, GOOD)->status, i == 3 ? 200 : 401);
    }
    assert_int_equal(session_stop(state), 0);
}

/* The health check has no certificate, and needs none. */
static void health_needs_no_certificate(void **state)
{
    struct daemon_run run;
    char port[16];

    start_asking("--tokens-file", tokens);
    (void)snprintf(port, sizeof port, "%u", lossd.port);
    daemon_run(&run,
               (const char *const[]){"healthcheck", "--listen-port", port, "--tls-certificate-file",
                                     certificate, NULL},
               NULL, NULL);
    assert_int_equal(run.status, 0);
    daemon_run_free(&run);
    assert_int_equal(session_stop(state), 0);
}

/* ---- the server's ---- */

/* The status that a new connection gets which believes this authority; 0 if it does not believe the
 * server. */
static long visit(const char *authority)
{
    struct client *visitor = client_open(lossd.port);
    long status;

    client_secure(visitor, authority, NULL, NULL);
    status = client_evaluate(visitor, GOOD)->status;
    client_close(visitor);
    return status;
}

static void a_new_certificate_is_for_new_connections(void **state)
{
    static const char flag[] = "--tls-certificate-file";

    assert_int_equal(
        session_start((const char *const[]){flag, certificate, "--tls-key-file", key, NULL}, NULL),
        0);
    client_secure(client, ca, NULL, NULL);
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    assert_int_equal(visit(ca), 200);
    assert_int_equal(visit(others_ca), 0);
    certificate_make("server", FOR_SERVERS, "others-ca", -1, 1);
    assert_int_equal(visit(ca), 200); /* not yet */
    assert_true(session_reload(RESULT("ok")));
    assert_int_equal(visit(ca), 0);
    assert_int_equal(visit(others_ca), 200);
    assert_int_equal(client_evaluate(client, GOOD)->status,
                     200); /* it has begun with the old one */
    assert_int_equal(client_evaluate(client, GOOD)->connects, 0);
    (void)folder_write("server.key", "nothing\n", key);
    assert_true(session_reload(RESULT("failed")));
    assert_int_equal(visit(others_ca), 200);
    certificate_make("server", FOR_SERVERS, "ca", -1, 1);
    assert_true(session_reload(RESULT("ok")));
    assert_int_equal(visit(ca), 200);
    assert_int_equal(visit(others_ca), 0);
    assert_int_equal(session_stop(state), 0);
}

/* All or nothing: with a broken key neither the tokens nor the authorities change. */
static void one_fault_keeps_everything(void **state)
{
    char own_ca[FOLDER_PATH_BYTES];
    FILE *file = fopen(ca, "rbe");
    char pem[4096] = "";
    struct client *visitor;

    assert_non_null(file);
    assert_true(fread(pem, 1, sizeof pem - 1, file) > 0);
    (void)fclose(file);
    (void)folder_write("clients-ca.pem", pem, own_ca);
    assert_int_equal(
        session_start((const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file",
                                            key, "--tls-client-ca-file", own_ca, "--tokens-file",
                                            tokens, NULL},
                      NULL),
        0);
    client_secure(client, ca, client_pem, client_key);
    client_always_send(client, BEARER);
    (void)folder_write("tokens", "another-token-0123456789\n", tokens);
    (void)folder_write("clients-ca.pem", "nothing\n", own_ca);
    assert_true(session_reload(RESULT("failed")));
    visitor = client_open(lossd.port);
    client_secure(visitor, ca, client_pem, client_key);
    client_always_send(visitor, BEARER);
    assert_int_equal(client_evaluate(visitor, GOOD)->status, 200);
    client_close(visitor);
    (void)folder_write("tokens", TOKEN "\n", tokens);
    assert_int_equal(rename(others_ca, own_ca), 0); /* from now on others are believed */
    assert_true(session_reload(RESULT("ok")));
    visitor = client_open(lossd.port);
    client_secure(visitor, ca, client_pem, client_key);
    client_always_send(visitor, BEARER);
    assert_int_equal(client_evaluate(visitor, GOOD)->status, 0);
    client_close(visitor);
    assert_int_equal(session_stop(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_show_certificates),
        cmocka_unit_test(certificates_do_not_replace_tokens),
        cmocka_unit_test(health_needs_no_certificate),
        cmocka_unit_test(a_new_certificate_is_for_new_connections),
        cmocka_unit_test(one_fault_keeps_everything),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
