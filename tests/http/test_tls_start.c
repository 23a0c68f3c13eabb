/* test_tls_start.c - what a daemon with TLS refuses, or doubts, when it starts; and whether it is
 * healthy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/certificates.h"
#include "support/daemon.h"
#include "support/folder.h"

enum { PATIENCE_MS = 120000 };

static char certificate[FOLDER_PATH_BYTES], key[FOLDER_PATH_BYTES];

static int start(void **state)
{
    (void)state;
    folder_make();
    certificate_make("ca", FOR_SIGNING, NULL, -1, 1);
    certificate_make("server", FOR_SERVERS, "ca", -1, 1);
    certificate_make("other", FOR_SERVERS, "ca", -1, 1);
    certificate_make("old", FOR_SERVERS, "ca", -9, -8);
    certificate_make("early", FOR_SERVERS, "ca", 8, 9);
    (void)folder_path("server.pem", certificate);
    (void)folder_path("server.key", key);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    certificates_forget();
    folder_remove();
    return 0;
}

static void what_does_not_fit_is_refused_at_the_start(void **state)
{
    static const struct {
        const char *certificate, *key, *ca, *says;
    } rows[] = {
        {"server.pem", NULL, NULL, "tls_certificate_file is set, so tls_key_file must be, too"},
        {NULL, "server.key", NULL, "tls_key_file is set, so tls_certificate_file must be, too"},
        {NULL, NULL, "ca.pem", "tls_client_ca_file is set, so tls_certificate_file"},
        {"server.pem", "other.key", NULL, "other.key: is not the key of the certificate in /"},
        {"none.pem", "server.key", NULL, "none.pem: cannot be read: No such file"},
        {"server.pem", "none.key", NULL, "none.key: cannot be read: No such file"},
        {"server.pem", "server.key", "none", "none: cannot be read: No such file"},
        {"text", "server.key", NULL, "text: is no certificate in PEM"},
        {"server.key", "server.key", NULL, "server.key: is no certificate in PEM"},
        {"server.pem", "text", NULL, "text: is no private key in PEM"},
        {"server.pem", "server.pem", NULL, "server.pem: is no private key in PEM"},
        {"server.pem", "server.key", "text", "text: has no certificate in PEM\n"},
        {"server.pem", "server.key", "empty", "empty: has no certificate in PEM\n"},
    };
    static const char *const flags[] = {"--tls-certificate-file", "--tls-key-file",
                                        "--tls-client-ca-file"};
    char paths[3][FOLDER_PATH_BYTES];

    (void)state;
    (void)folder_write("text", "some text\n", paths[0]);
    (void)folder_write("empty", "", paths[0]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *names[] = {rows[i].certificate, rows[i].key, rows[i].ca};
        const char *arguments[7] = {NULL};
        struct daemon_run run;
        size_t used = 0;

        for (size_t f = 0; f < 3; f++) {
            if (names[f] == NULL)
                continue;
            arguments[used++] = flags[f];
            arguments[used++] = folder_path(names[f], paths[f]);
        }
        daemon_run(&run, arguments, NULL, NULL);
        if (run.status != 2 || strstr(run.err, rows[i].says) == NULL || run.out[0] != '\0' ||
            strchr(run.err, '\n') != run.err + strlen(run.err) - 1)
            fail_msg("row %zu: %d, %s", i, run.status, run.err);
        daemon_run_free(&run);
    }
}

/* A certificate out of its time is the clients' to refuse: the daemon starts, and says so. */
static void a_certificate_out_of_its_time_is_doubtful(void **state)
{
    static const struct {
        const char *certificate, *key, *says;
    } rows[] = {
        {"old.pem", "old.key", " warning the certificate has expired file="},
        {"early.pem", "early.key", " warning the certificate is not valid yet file="},
        {"server.pem", "server.key", NULL},
    };
    char pem[FOLDER_PATH_BYTES], own_key[FOLDER_PATH_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct daemon daemon;
        char *log;

        daemon_start(&daemon,
                     (const char *const[]){"--tls-certificate-file",
                                           folder_path(rows[i].certificate, pem), "--tls-key-file",
                                           folder_path(rows[i].key, own_key), "--confine",
                                           "off", /* no other warning */
                                           NULL},
                     NULL);
        log = daemon_errors(&daemon);
        if (rows[i].says != NULL ? strstr(log, rows[i].says) == NULL
                                 : strstr(log, " warning ") != NULL)
            fail_msg("row %zu: %s", i, log);
        free(log);
        assert_int_equal(daemon_stop(&daemon), 0);
    }
}

static void the_health_check_asks_over_tls(void **state)
{
    const char *arguments[] = {
        "healthcheck", "--tls-certificate-file", certificate, "--listen-port", NULL, NULL};
    const char *const serving[] = {"--tls-certificate-file", certificate, "--tls-key-file", key,
                                   NULL};
    struct daemon plain, draining;
    struct daemon_run run;
    double deadline = clock_ms() + PATIENCE_MS;
    char port[16];

    (void)state;
    daemon_start(&plain, serving, NULL);
    (void)snprintf(port, sizeof port, "%u", plain.port);
    arguments[4] = port;
    daemon_run(&run, arguments, NULL, NULL);
    assert_int_equal(run.status, 0);
    daemon_run_free(&run);
    daemon_run(&run, (const char *const[]){"healthcheck", "--listen-port", port, NULL}, NULL, NULL);
    assert_int_equal(run.status, 1); /* in the clear there is no answer */
    daemon_run_free(&run);
    assert_int_equal(daemon_stop(&plain), 0);
    daemon_start(&draining,
                 (const char *const[]){"--tls-certificate-file", certificate, "--tls-key-file", key,
                                       "--drain-delay-ms", "3600000", NULL},
                 NULL);
    (void)snprintf(port, sizeof port, "%u", draining.port);
    daemon_signal(&draining, SIGTERM);
    do {
        daemon_run(&run, arguments, NULL, NULL);
        if (run.status == 1)
            assert_non_null(strstr(run.err, "not ready: HTTP/1.1 503"));
        deadline = run.status == 1 ? 0.0 : deadline;
        daemon_run_free(&run);
        assert_true(deadline == 0.0 || clock_ms() < deadline);
    } while (deadline != 0.0);
    assert_int_equal(daemon_stop(&draining), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused_at_the_start),
        cmocka_unit_test(a_certificate_out_of_its_time_is_doubtful),
        cmocka_unit_test(the_health_check_asks_over_tls),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
