/* test_commands.c - lossd without its server: evaluate and healthcheck; and the log of the one
 * with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GOOD           "{\"logits\":[1,2],\"targets\":1}"

enum { PATIENCE_MS = 120000 };

/* What is printed is what the daemon answers, to the byte. */
static void evaluate_prints_what_the_daemon_answers(void **state)
{
    struct daemon lossd;
    struct client *client;
    struct daemon_run run;
    char *digits;
    json_t *json = json_load_file("tests/data/digits.json", 0, NULL);

    (void)state;
    assert_non_null(json);
    digits = json_dumps(json, JSON_REAL_PRECISION(17));
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    assert_int_equal(client_evaluate(client, digits)->status, 200);
    for (int i = 0; i < 3; i++) {
        daemon_run(&run,
                   i == 0   ? ARGUMENTS("evaluate")
                   : i == 1 ? ARGUMENTS("evaluate", "-")
                            : ARGUMENTS("evaluate", "tests/data/digits.json"),
                   NULL, i < 2 ? digits : NULL);
        assert_int_equal(run.status, 0);
        assert_string_equal(run.err, "");
        assert_string_equal(run.out, client_evaluate(client, digits)->body);
        daemon_run_free(&run);
    }
    client_close(client);
    free(digits);
    json_decref(json);
    assert_int_equal(daemon_stop(&lossd), 0);
}

static void evaluate_names_what_is_wrong(void **state)
{
    static const struct {
        const char *arguments[5];
        const char *input;
        int status;
        const char *says;
    } rows[] = {
        {{"evaluate"}, "", 1, "empty_body: "},
        {{"evaluate"}, "{\"logits\":[1,2],\"targets\":[9]}", 1, "shape_mismatch: "},
        {{"evaluate", "-"}, "{\"logits\":[1,2],\"targets\":2}", 1, "(0..1)\n"},
        {{"evaluate", "-"}, GOOD "}", 1, "trailing_data: "},
        {{"evaluate", "/nowhere/file"}, NULL, 1, "/nowhere/file: No such file"},
        {{"evaluate", "/"}, NULL, 1, "/: "},
        {{"evaluate", "tests/data/digits.json", "--json-bytes-max", "100"},
         NULL,
         1,
         "body_too_large: "},
        {{"evaluate", "--elements-max", "1"}, GOOD, 1, "too_many_elements: "},
        {{"evaluate", "tests/data/digits.json", "more"}, NULL, 2, "more: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct daemon_run run;

        daemon_run(&run, rows[i].arguments, NULL, rows[i].input);
        if (run.status != rows[i].status || strstr(run.err, rows[i].says) == NULL ||
            run.out[0] != '\0' || strchr(run.err, '\n') != run.err + strlen(run.err) - 1)
            fail_msg("row %zu: want %d %s, got %d %s%s", i, rows[i].status, rows[i].says,
                     run.status, run.err, run.out);
        daemon_run_free(&run);
    }
}

static void healthcheck_tells_whether_the_daemon_is_ready(void **state)
{
    struct daemon lossd;
    struct daemon_run run;
    double deadline;
    char port[16];

    (void)state;
    daemon_start(&lossd, ARGUMENTS("--drain-delay-ms", "3600000"), NULL);
    (void)snprintf(port, sizeof port, "%u", lossd.port);
    daemon_run(&run, ARGUMENTS("healthcheck", "--listen-port", port), NULL, NULL);
    assert_int_equal(run.status, 0);
    daemon_run_free(&run);
    daemon_run(&run, ARGUMENTS("healthcheck", "--listen-address", "0.0.0.0", "--listen-port", port),
               NULL, NULL);
    assert_int_equal(run.status, 0);
    daemon_run_free(&run);
    daemon_signal(&lossd, SIGTERM);
    deadline = clock_ms() + PATIENCE_MS;
    do {
        daemon_run(&run, ARGUMENTS("healthcheck", "--listen-port", port), NULL, NULL);
        if (run.status == 1)
            assert_non_null(strstr(run.err, "503"));
        daemon_run_free(&run);
        daemon_run(&run, ARGUMENTS("healthcheck", "--listen-port", port), NULL, NULL);
    } while (run.status == 0 && clock_ms() < deadline);
    assert_int_equal(run.status, 1);
    daemon_run_free(&run);
    assert_int_equal(daemon_stop(&lossd), 0); /* the second signal */
    daemon_run(&run, ARGUMENTS("healthcheck", "--listen-port", port), NULL, NULL);
    assert_int_equal(run.status, 1);
    assert_non_null(strstr(run.err, "Connection refused"));
    daemon_run_free(&run);
}

/* Every line of a log in JSON is an object with the same beginning; what a client says is
 * quoted. */
static void a_log_in_json_is_json(void **state)
{
    struct daemon lossd;
    struct client *client;
    const char *headers[] = {"X-Request-Id: my-\"id\"\\1", NULL};
    size_t lines = 0, named = 0;
    char *log, *rest = NULL;

    (void)state;
    daemon_start(&lossd, ARGUMENTS("--log-format", "json", "--log-level", "debug"), NULL);
    client = client_open(lossd.port);
    assert_int_equal(client_send(client, "POST", "/v1/evaluate", headers, GOOD, 28)->status, 200);
    assert_int_equal(client_send(client, "GET", "/%22%0a/x", NULL, NULL, 0)->status, 404);
    client_close(client);
    daemon_signal(&lossd, SIGTERM);
    assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 0);
    log = daemon_errors(&lossd);
    for (char *line = strtok_r(log, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

        if (strlen(json_text(json, "time")) != 24 || json_text(json, "level")[0] == '\0' ||
            json_text(json, "event")[0] == '\0')
            fail_msg("not a line of the log: %s", line);
        if (strcmp(json_text(json, "request_id"), "my-\"id\"\\1") == 0) {
            assert_string_equal(json_text(json, "event"), "request");
            assert_string_equal(json_text(json, "route"), "/v1/evaluate");
            assert_string_equal(json_text(json, "method"), "POST");
            assert_true(json_number(json_object_get(json, "status")) == 200.0);
            assert_true(json_number(json_object_get(json, "rows")) == 1.0);
            assert_true(json_number(json_object_get(json, "request_bytes")) == 28.0);
            named++;
        }
        lines++;
        json_decref(json);
    }
    assert_int_equal(named, 1);
    assert_in_range(lines, 4, 100);
    free(log);
    (void)daemon_stop(&lossd);
}

/* At the usual level a request leaves no line; an error of the client neither. */
static void requests_are_not_logged_at_the_usual_level(void **state)
{
    struct daemon lossd;
    struct client *client;
    char *log;

    (void)state;
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    assert_int_equal(client_evaluate(client, GOOD)->status, 200);
    assert_int_equal(client_evaluate(client, "{}")->status, 400);
    client_close(client);
    log = daemon_errors(&lossd);
    assert_non_null(strstr(log, " info listening "));
    assert_null(strstr(log, "request"));
    free(log);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluate_prints_what_the_daemon_answers),
        cmocka_unit_test(evaluate_names_what_is_wrong),
        cmocka_unit_test(healthcheck_tells_whether_the_daemon_is_ready),
        cmocka_unit_test(a_log_in_json_is_json),
        cmocka_unit_test(requests_are_not_logged_at_the_usual_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
