/* test_confine.c - the daemon as the kernel and a service manager see it: confined, ready,
 * alive. */
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
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/confine.h"
#include "support/client.h"
#include "support/daemon.h"
#include "support/threads.h"

#include <seccomp.h>

enum { PATIENCE_MS = 120000, THREADS_MAX = 20 };

/* The number after "NAME:" in a /proc/../status; -1 if it is not there. */
static int status_of(const char *path, const char *name)
{
    FILE *file = fopen(path, "re");
    char line[256];
    int number = -1;

    assert_non_null(file);
    while (number < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            number = atoi(line + strlen(name) + 1);
    }
    (void)fclose(file);
    return number;
}

/* Compare a number of every thread of the daemon; how many there are. */
static int check_threads(const struct daemon *lossd, const char *name, int want)
{
    pid_t threads[THREADS_MAX];
    size_t count = threads_of(lossd->pid, threads, THREADS_MAX);
    char path[64];

    assert_in_range(count, 1, THREADS_MAX);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)lossd->pid,
                       (int)threads[i]);
        if (status_of(path, name) != want)
            fail_msg("%s of thread %d is %d, not %d", name, (int)threads[i], status_of(path, name),
                     want);
    }
    return (int)count;
}

/* Whether a process can be confined here at all: not with a sanitizer, nor
 * where the kernel says no. */
static bool is_possible(void)
{
    pid_t pid = fork();
    struct loss_error error;
    int status;

    if (pid == 0)
        _exit(confine_begin(&error) && confine_complete(&error) ? 0 : 1);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_log(const struct daemon *lossd, const char *text)
{
    char *log = daemon_errors(lossd);

    if (strstr(log, text) == NULL)
        fail_msg("the log does not say %s: %s", text, log);
    free(log);
}

static void every_thread_is_confined_unless_told_otherwise(void **state)
{
    static const struct {
        const char *word, *says;
        bool is_confined;
    } rows[] = {{"on", "confined=\"yes\"", true},
                {"required", "confined=\"yes\"", true},
                {"off", "confined=\"no\"", false}};
    int before = status_of("/proc/self/status", "Seccomp");
    int privileges = status_of("/proc/self/status", "NoNewPrivs");

    (void)state;
    if (!is_possible()) {
        (void)printf("note: nothing can be confined here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct daemon lossd;

        daemon_start(&lossd,
                     (const char *const[]){"--confine", rows[i].word, "--workers", "3", "--loops",
                                           "2", NULL},
                     NULL);
        check_log(&lossd, rows[i].says);
        assert_int_equal(check_threads(&lossd, "Seccomp", rows[i].is_confined ? 2 : before), 5);
        (void)check_threads(&lossd, "NoNewPrivs", rows[i].is_confined ? 1 : privileges);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
}

/* ---- the service manager --------------------------------------------------------------------- */

static const char *heard(int manager)
{
    static char text[512];
    ssize_t length = recv(manager, text, sizeof text - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return text;
}

/* Confined, and with several loops: its socket was connected before. */
static void a_service_manager_is_kept_informed(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    enum { BEATS = 6 };
    int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char variable[64], whom[] = "WATCHDOG_USEC=400000";
    struct daemon lossd;
    double start_ms;

    (void)state;
    (void)snprintf(variable, sizeof variable, "NOTIFY_SOCKET=@lossd-test-%d", (int)getpid());
    (void)snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", variable + 15);
    assert_int_equal(
        bind(manager, (struct sockaddr *)&address,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(variable + 15))),
        0);
    assert_int_equal(setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    daemon_start(&lossd, (const char *const[]){"--loops", "2", NULL},
                 (const char *const[]){variable, whom, NULL});
    assert_int_equal(strncmp(heard(manager), "READY=1\n", 8), 0);
    assert_string_equal(heard(manager), "WATCHDOG=1");
    start_ms = clock_ms();
    for (int i = 0; i < BEATS; i++)
        assert_string_equal(heard(manager), "WATCHDOG=1");
    assert_true(clock_ms() - start_ms > BEATS * 100.0); /* at half of 400 ms, less what came late */
    daemon_signal(&lossd, SIGTERM);
    const char *last = heard(manager);

    while (strcmp(last, "WATCHDOG=1") == 0)
        last = heard(manager);
    assert_int_equal(strncmp(last, "STOPPING=1\n", 11), 0);
    assert_int_equal(daemon_stop(&lossd), 0);
    (void)close(manager);
}

static void a_manager_that_is_not_there_is_no_reason_to_stop(void **state)
{
    struct daemon lossd;

    (void)state;
    daemon_start(&lossd, NULL, (const char *const[]){"NOTIFY_SOCKET=/nowhere", NULL});
    check_log(&lossd, "NOTIFY_SOCKET");
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* ---- where the kernel refuses ---------------------------------------------------------------- */

/* From here on neither this process nor its children can have another
 * filter, as under an emulator. */
static bool forbid_filters(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool ok = filter != NULL &&
              seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(seccomp), 0) == 0 &&
              seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP, 0)) == 0 &&
              seccomp_load(filter) == 0;

    seccomp_release(filter);
    return ok;
}

/* The last test, for there is no way back. */
static void a_refusal_is_logged_or_final(void **state)
{
    struct daemon_run run;
    struct daemon lossd;

    (void)state;
    if (is_possible() && !forbid_filters())
        skip();
    assert_false(is_possible());
    daemon_start(&lossd, (const char *const[]){"--loops", "2", NULL}, NULL);
    check_log(&lossd, "warning not confined reason=");
    check_log(&lossd, "confined=\"no\"");
    assert_int_equal(daemon_stop(&lossd), 0);

    daemon_run(&run, (const char *const[]){"--confine", "required", "--loops", "2", NULL}, NULL,
               NULL);
    assert_int_equal(run.status, 1);
    assert_int_equal(strncmp(run.err, "lossd: confine is required", 26), 0);
    daemon_run_free(&run);

    daemon_run(&run, (const char *const[]){"evaluate", NULL}, NULL,
               "{\"logits\":[2,1],\"targets\":0}");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.err, "");
    assert_non_null(strstr(run.out, "\"loss\":0.3132617"));
    daemon_run_free(&run);

    daemon_run(&run, (const char *const[]){"evaluate", "--confine", "required", NULL}, NULL,
               "{\"logits\":[2,1],\"targets\":0}");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.out, "");
    assert_int_equal(strncmp(run.err, "lossd: confine is required", 26), 0);
    daemon_run_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_is_confined_unless_told_otherwise),
        cmocka_unit_test(a_service_manager_is_kept_informed),
        cmocka_unit_test(a_manager_that_is_not_there_is_no_reason_to_stop),
        cmocka_unit_test(a_refusal_is_logged_or_final),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
