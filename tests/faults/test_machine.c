/* test_machine.c - a machine that is stopped, in another language, or set up by a library that
 * should not have: rows 87, 89, 90, 99, 100 and 103, and of row 85 the interrupted calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/alive.h"
#include "support/folder.h"
#include "support/lines.h"
#include "support/raw.h"
#include "support/session.h"

#define GOOD   "{\"logits\":[2,1],\"targets\":0}"
#define POST   "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\n"
#define SKEWED "LD_PRELOAD=" SKEW

static void check_loss(const char *name, const char *body, const char *want)
{
    const struct response *response = client_evaluate(client, body);

    if (response->status != 200 || strstr(response->body, want) == NULL)
        fail_msg("%s: %s: want %s, got %ld %s", name, body, want, response->status, response->body);
}

/* Returns when all of its threads stand still, which takes a while on busy CPUs. */
static void stop_all_threads(void)
{
    siginfo_t stopped;

    daemon_signal(&lossd, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)lossd.pid, &stopped, WSTOPPED | WEXITED | WNOWAIT), 0);
    assert_int_equal(stopped.si_code, CLD_STOPPED);
}

/* Rows 85 and 99: being stopped interrupts what waits; and time that the daemon did not have makes
 * nobody late who has more of it. */
static void the_process_may_be_stopped(void **state)
{
    struct response response = {0};
    struct raw half, waiting;

    (void)state;
    (void)session_start(NULL, NULL);
    for (int i = 0; i < 200; i++) {
        stop_all_threads();
        daemon_signal(&lossd, SIGCONT);
        check_loss("interrupted", GOOD, "0.3132617");
    }
    raw_open(&half, lossd.port);
    assert_true(raw_say(&half, POST "{\"logits\":"));
    assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
    stop_all_threads();
    raw_open(&waiting, lossd.port);
    assert_true(raw_say(&waiting, POST GOOD));
    assert_int_equal(raw_next(&waiting, 1500), RAW_SILENT);
    daemon_signal(&lossd, SIGCONT);
    raw_read(&waiting, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    assert_true(raw_say(&half, "[2,1],\"targets\":0}"));
    raw_read(&half, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    raw_close(&half);
    raw_close(&waiting);
    response_free(&response);
    assert_true(client_metric(client, "lossd_errors_total{code=\"deadline_exceeded\"}") == 0.0);
    check_alive(lossd.port, "stopped");
    assert_int_equal(session_stop(NULL), 0);
}

/* The port in "listens on http://127.0.0.1:PORT". */
static unsigned read_port(const struct daemon *daemon)
{
    char text[1000] = "";
    size_t length = 0;
    const char *at = NULL;

    while (at == NULL || strchr(at, '\n') == NULL) {
        ssize_t count = read(daemon->out, text + length, sizeof text - 1 - length);

        assert_true(count > 0);
        length += (size_t)count;
        at = strstr(text, "http://127.0.0.1:");
    }
    return (unsigned)strtoul(at + 17, NULL, 10);
}

/* Row 87: nobody takes the log. */
static void the_log_may_be_lost(void **state)
{
    static const char *const errors[] = {"2>&-", "2>/dev/full"};
    const char *program = getenv("LOSSD");
    char path[400], command[500];

    (void)state;
    (void)snprintf(path, sizeof path, "%s", program != NULL ? program : "build/lossd");
    for (int i = 0; i < 2; i++) {
        (void)snprintf(command, sizeof command, "exec %s --listen-port 0 --log-level debug %s",
                       path, errors[i]);
        assert_int_equal(setenv("LOSSD", "/bin/sh", 1), 0);
        daemon_spawn(&lossd, (const char *const[]){"-c", command, NULL}, NULL);
        assert_int_equal(setenv("LOSSD", path, 1), 0);
        lossd.port = read_port(&lossd);
        client = client_open(lossd.port);
        for (int turn = 0; turn < 10; turn++)
            check_loss(errors[i], GOOD, "0.3132617");
        if (!(client_metric(client, "lossd_log_dropped_total") >= 10.0))
            fail_msg("%s: no lost line is counted", errors[i]);
        assert_int_equal(session_stop(NULL), 0);
    }
}

/* Rows 89 and 100, by skew.c.  Without it 5e-324 is a subnormal and 0.1 + 0.2, say, is rounded to
 * the nearest; and no timeout comes of the wall clock. */
static void libraries_may_change_what_is_everybodys(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer wants to be the first library */
#endif
    (void)session_start(NULL, (const char *const[]){SKEWED, NULL});
    for (int worker = 0; worker < 2; worker++) {
        struct lines body = {0};

        for (int i = 0; i < 20; i++) {
            lines_word(&body, i % 2 == 0 ? "{\"log_probabilities\":[[5e-324,0]],\"targets\":[0],"
                                           "\"dtype\":\"float64\"}"
                                         : "{\"logits\":[[40,0],[3,1]],\"targets\":[0,1],"
                                           "\"dtype\":\"float64\"}");
            for (int space = 0; worker == 1 && space < 10; space++)
                lines_print(&body, "%1000s", ""); /* so that a worker has it */
            check_loss("skewed", body.text,
                       i % 2 == 0 ? "{\"loss\":-5e-324," : "{\"loss\":1.0634640055214863,");
            lines_free(&body);
        }
    }
    assert_true(client_metric(client, "lossd_errors_total{code=\"request_timeout\"}") == 0.0);
    check_alive(lossd.port, "skewed");
    assert_int_equal(session_stop(NULL), 0);
}

/* Row 90: subnormals have their values, and cost not much more than other numbers. */
static void subnormals_cost_little(void **state)
{
    enum { NUMBERS = 100000, TRIES = 5, SLOWER_MAX = 30 };
    static const char *const numbers[] = {"0.5", "3e-310"};
    double took_ms[2] = {INFINITY, INFINITY}; /* at least */

    (void)state;
    (void)session_start(NULL, NULL);
    for (int i = 0; i < 2; i++) {
        struct lines body = {0};

        lines_print(&body, "{\"logits\":[%s", numbers[i]);
        for (int n = 1; n < NUMBERS; n++)
            lines_print(&body, ",%s", numbers[i]);
        lines_word(&body, "],\"targets\":0,\"dtype\":\"float64\",\"return\":[\"softmax\"]}");
        for (int tries = 0; tries < TRIES; tries++) {
            double since = clock_ms();

            check_loss("numbers", body.text, "{\"loss\":11.512925464970229,"); /* log(10^5) */
            took_ms[i] = fmin(took_ms[i], clock_ms() - since);
        }
        lines_free(&body);
    }
    if (took_ms[1] > SLOWER_MAX * took_ms[0])
        fail_msg("%g ms, not %g ms", took_ms[1], took_ms[0]);
    assert_int_equal(session_stop(NULL), 0);
}

/* A language that writes 0,5, because a machine need not know any: what glibc has of it in a file,
 * which says where the strings are.  They are the point, what parts thousands, in groups of how
 * many digits, the first two as wide characters, and the charset. */
static void make_language(const char *path)
{
    static const struct {
        uint32_t magic, count, at[6];
        char point[2], separator[2], groups[4];
        uint32_t wide_point, wide_separator;
        char charset[8];
    } language = {
        0x20031115 ^ LC_NUMERIC, 6, {32, 34, 36, 40, 44, 48}, ",", ".", {3, 3}, ',', '.', "UTF-8"};
    FILE *file = fopen(path, "wbe");

    assert_non_null(file);
    assert_int_equal(fwrite(&language, sizeof language, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

/* Row 103: where numbers are written with a comma, by skew.c. */
static void the_language_makes_no_difference(void **state)
{
    char languages[FOLDER_PATH_BYTES], folder[FOLDER_PATH_BYTES], file[FOLDER_PATH_BYTES];

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer wants to be the first library */
#endif
    folder_make();
    assert_int_equal(mkdir(folder_path("comma", folder), 0700), 0);
    make_language(folder_path("comma/LC_NUMERIC", file));
    assert_int_equal(unsetenv("LC_ALL"), 0);
    assert_int_equal(setenv("LOCPATH", folder_path(".", languages), 1), 0);
    assert_int_equal(setenv("LC_NUMERIC", "comma", 1), 0);
    assert_non_null(setlocale(LC_NUMERIC, "")); /* here, as in the daemon */
    assert_string_equal(localeconv()->decimal_point, ",");
    (void)setlocale(LC_NUMERIC, "C");
    (void)session_start(NULL, (const char *const[]){SKEWED, NULL});
    check_loss("comma", "{\"logits\":[2.5,1.5],\"targets\":0,\"label_smoothing\":0.25}",
               "{\"loss\":0.4382617,");
    check_loss("half",
               "{\"log_probabilities\":[-1.000000000000000111022302462515654042363166809082031251],"
               "\"targets\":0,\"dtype\":\"float64\"}",
               "{\"loss\":1.0000000000000002,");
    assert_true(client_metric(client, "process_cpu_seconds_total") > 0.0);
    assert_int_equal(session_stop(NULL), 0);
    (void)remove(file);
    (void)remove(folder);
    folder_remove_empty();
    assert_int_equal(unsetenv("LOCPATH") + unsetenv("LC_NUMERIC"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_process_may_be_stopped),
        cmocka_unit_test(the_log_may_be_lost),
        cmocka_unit_test(libraries_may_change_what_is_everybodys),
        cmocka_unit_test(subnormals_cost_little),
        cmocka_unit_test(the_language_makes_no_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
