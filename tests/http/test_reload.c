/* test_reload.c - SIGHUP: keys change while requests run, and stay as they were if there is a
 * fault.  Row 93 of tests/faults/rows.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/folder.h"
#include "support/session.h"

#define KEPT   "kept-token-0123456789\n"
#define A      "token-a-0123456789\n"
#define B      "token-b-0123456789\n"
#define BEARER "Authorization: Bearer "
#define OK     "lossd_config_reloads_total{result=\"ok\"}"
#define FAILED "lossd_config_reloads_total{result=\"failed\"}"

enum { PATIENCE_MS = 120000, CALLERS = 3, ROTATIONS = 20 };

static char tokens_path[FOLDER_PATH_BYTES];

static int start(void **state)
{
    int status;

    (void)state;
    folder_make();
    (void)folder_write("tokens", KEPT A, tokens_path);
    status = session_start((const char *const[]){"--tokens-file", tokens_path, NULL}, NULL);
    client_always_send(client, BEARER "kept-token-0123456789");
    return status;
}

static int stop(void **state)
{
    folder_remove();
    return session_stop(state);
}

/* The status that a caller gets with a token, which ends in a newline. */
static long ask(const char *token)
{
    char header[100];
    const char *headers[] = {header, NULL};
    struct client *caller = client_open(lossd.port);
    long status;

    (void)snprintf(header, sizeof header, BEARER "%.*s", (int)strlen(token) - 1, token);
    status = client_send(caller, "GET", "/v1/version", headers, NULL, 0)->status;
    client_close(caller);
    return status;
}

struct caller {
    pthread_t thread;
    unsigned port;
    atomic_bool *stopping;
    size_t answered;
    long fault; /* a status that is not 200, or 0 */
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    struct client *own = client_open(caller->port);

    client_always_send(own, BEARER "kept-token-0123456789");
    while (!*caller->stopping && caller->fault == 0) {
        long status = client_evaluate(own, "{\"logits\":[0,0],\"targets\":0}")->status;

        if (status == 200)
            caller->answered++;
        else
            caller->fault = status != 0 ? status : -1;
    }
    client_close(own);
    return NULL;
}

static void tokens_rotate_under_running_requests(void **state)
{
    struct caller callers[CALLERS];
    atomic_bool stopping = false;

    (void)state;
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.port = lossd.port, .stopping = &stopping};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < ROTATIONS; i++) {
        bool has_a = i % 2 == 1;

        (void)folder_write("tokens", has_a ? A KEPT : KEPT B, tokens_path);
        assert_true(session_reload(OK));
        if (ask(A) != (has_a ? 200 : 401) || ask(B) != (has_a ? 401 : 200)) {
            stopping = true;
            fail_msg("rotation %d", i);
        }
    }
    stopping = true;
    for (int i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        assert_int_equal(callers[i].fault, 0);
        assert_true(callers[i].answered > 0);
    }
}

static void a_broken_file_changes_nothing(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: no file at all */
    } rows[] = {
        {"# nothing\n", ": there is no token in it"},
        {KEPT B "short\n", ":3: the token has 5 characters"},
        {NULL, ": cannot be read: No such file or directory"},
    };

    (void)state;
    (void)folder_write("tokens", KEPT A, tokens_path);
    assert_true(session_reload(OK));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *log;

        if (rows[i].text != NULL)
            (void)folder_write("tokens", rows[i].text, tokens_path);
        else
            assert_int_equal(remove(tokens_path), 0);
        assert_true(session_reload(FAILED));
        assert_int_equal(ask(A), 200);
        assert_int_equal(ask(B), 401);
        log = daemon_errors(&lossd);
        if (strstr(log, " error not reloaded: the old keys stay reason=\"") == NULL ||
            strstr(log, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, log);
        assert_null(strstr(log, "oken-a-0"));
        free(log);
    }
    (void)folder_write("tokens", KEPT B, tokens_path); /* and it goes on from there */
    assert_true(session_reload(OK));
    assert_int_equal(ask(A), 401);
    assert_int_equal(ask(B), 200);
}

/* A daemon without keys: SIGHUP says so, and does not end it. */
static void without_keys_there_is_nothing_to_reload(void **state)
{
    double deadline = clock_ms() + PATIENCE_MS;
    struct daemon plain;
    struct client *visitor;
    bool told = false;

    (void)state;
    daemon_start(&plain, NULL, NULL);
    visitor = client_open(plain.port);
    daemon_signal(&plain, SIGHUP);
    while (!told) {
        char *log = daemon_errors(&plain);

        told = strstr(log, "nothing to reload") != NULL;
        free(log);
        assert_true(clock_ms() < deadline);
        pause_a_ms();
    }
    assert_true(client_metric(visitor, OK) == 0.0);
    assert_true(client_metric(visitor, FAILED) == 0.0);
    client_close(visitor);
    assert_int_equal(daemon_stop(&plain), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_rotate_under_running_requests),
        cmocka_unit_test(a_broken_file_changes_nothing),
        cmocka_unit_test(without_keys_there_is_nothing_to_reload),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
