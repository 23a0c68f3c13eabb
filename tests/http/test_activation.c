/* test_activation.c - a listening socket that outlives the daemons that serve it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/folder.h"
#include "support/raw.h"

/* Without a connection a daemon has ended QUIET_MS after it began to drain. */
enum { QUIET_MS = 100 };

enum { GENERATIONS = 20, CLIENTS = 4, ANSWERS = 50, PATIENCE_MS = 120000 };

static const char request[] = "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                              "Content-Length: 28\r\n\r\n{\"logits\":[2,1],\"targets\":0}";
static const char answer[] = "\"loss\":0.3132617"; /* log(1 + e^-1) */

/* A socket that listens there; *port is the kernel's choice. */
static int listen_at(in_addr_t host, unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1024), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static int listen_on_loopback(unsigned *port)
{
    return listen_at(INADDR_LOOPBACK, port);
}

static void start_on(struct daemon *daemon, int listener, const char *loops)
{
    daemon_spawn_on(daemon, listener, (const char *const[]){"--loops", loops, NULL},
                    (const char *const[]){"LISTEN_FDS=1", NULL});
}

/* ---- generations ----------------------------------------------------------------------------- */

struct caller {
    unsigned port;
    atomic_bool *done;
    atomic_int *answered; /* by all together */
    char fault[300];
};

/* A new connection for every request, until all is over; none may fail. */
static void *call(void *argument)
{
    struct caller *caller = argument;
    struct response response = {0};

    while (!atomic_load(caller->done) && caller->fault[0] == '\0') {
        struct raw raw;

        raw_open(&raw, caller->port);
        if (raw.fd < 0 || !raw_say(&raw, request))
            (void)snprintf(caller->fault, sizeof caller->fault, "no connection: %s",
                           strerror(raw.error));
        raw_read(&raw, false, RAW_MS, &response);
        if (caller->fault[0] == '\0' &&
            (response.status != 200 || strstr(response.body, answer) == NULL))
            (void)snprintf(caller->fault, sizeof caller->fault, "%ld %s %.200s", response.status,
                           response.failure != NULL ? response.failure : "", response.body);
        raw_close(&raw);
        atomic_fetch_add(caller->answered, 1);
    }
    response_free(&response);
    return NULL;
}

static void wait_for_answers(atomic_int *answered)
{
    int enough = atomic_load(answered) + ANSWERS;
    double deadline = clock_ms() + PATIENCE_MS;

    while (atomic_load(answered) < enough && clock_ms() < deadline)
        pause_a_ms();
    assert_true(atomic_load(answered) >= enough);
}

/* As systemd restarts a service, the next one starts when the one before has ended; in every other
 * round they are there together for a while. */
static void check_generations(const char *loops)
{
    static struct caller callers[CLIENTS];
    struct daemon old, new;
    pthread_t threads[CLIENTS];
    atomic_bool done = false;
    atomic_int answered = 0;
    unsigned port;
    int listener = listen_on_loopback(&port);

    start_on(&old, listener, loops);
    for (int i = 0; i < CLIENTS; i++) {
        callers[i] = (struct caller){.port = port, .done = &done, .answered = &answered};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int generation = 0; generation < GENERATIONS; generation++) {
        bool together = generation % 2 == 1;

        wait_for_answers(&answered);
        if (together) {
            start_on(&new, listener, loops);
            assert_true(daemon_says(&new, " listening "));
        }
        daemon_signal(&old, SIGTERM);
        assert_int_equal(daemon_wait(&old, PATIENCE_MS), 0);
        assert_int_equal(daemon_stop(&old), 0);
        if (!together)
            start_on(&new, listener, loops);
        old = new;
    }
    wait_for_answers(&answered);
    atomic_store(&done, true);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(daemon_stop(&old), 0);
    (void)close(listener);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_string_equal(callers[i].fault, "");
    (void)printf("%d answered over %d ends\n", atomic_load(&answered), GENERATIONS);
}

static void no_request_fails_while_daemons_come_and_go(void **state)
{
    (void)state;
    check_generations("1");
}

static void nor_if_they_have_several_loops(void **state)
{
    (void)state;
    check_generations("3");
}

/* Whoever has connected, but not said anything yet, when the daemon is told to stop. */
static void a_late_first_word_is_answered(void **state)
{
    struct response response = {0};
    struct raw silent, later;
    struct daemon lossd;
    unsigned port;
    int listener = listen_on_loopback(&port);

    (void)state;
    start_on(&lossd, listener, "1");
    assert_true(daemon_says(&lossd, " listening "));
    raw_open(&silent, port);
    raw_open(&later, port); /* once this one is answered, the one before it is accepted */
    assert_true(raw_say(&later, request));
    raw_read(&later, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    raw_close(&later);
    daemon_signal(&lossd, SIGTERM);
    assert_true(daemon_says(&lossd, "draining: "));
    for (double later_ms = clock_ms() + QUIET_MS; clock_ms() < later_ms;)
        pause_a_ms();
    assert_true(raw_say(&silent, request));
    raw_read(&silent, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    raw_close(&silent);
    assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 0);
    assert_int_equal(daemon_stop(&lossd), 0);
    response_free(&response);
    (void)close(listener);
}

/* ---- what is passed -------------------------------------------------------------------------- */

static void a_path_can_be_listened_on(void **state)
{
    char path[FOLDER_PATH_BYTES];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct response response = {0};
    struct raw raw = {
        .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .bytes = calloc(1, 1), .room = 1};
    struct daemon lossd;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    folder_make();
    assert_in_range(
        snprintf(address.sun_path, sizeof address.sun_path, "%s", folder_path("socket", path)), 1,
        sizeof address.sun_path - 1);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    start_on(&lossd, listener, "2");
    assert_int_equal(connect(raw.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_true(raw_say(&raw, request));
    raw_read(&raw, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(response.body, answer));
    assert_true(daemon_says(&lossd, address.sun_path));
    assert_true(daemon_says(&lossd, "socket=\"inherited\""));
    raw_close(&raw);
    assert_int_equal(daemon_stop(&lossd), 0);
    response_free(&response);
    (void)close(listener);
    assert_int_equal(unlink(address.sun_path), 0);
    folder_remove_empty();
}

/* What others can reach is the socket that was passed, whatever the settings say. */
static void an_open_socket_is_warned_of(void **state)
{
    static const char warning[] = "anyone who can reach this address may use it";
    static const struct {
        in_addr_t host;
        const char *set;
        bool is_open;
    } rows[] = {{INADDR_ANY, "127.0.0.1", true}, {INADDR_LOOPBACK, "0.0.0.0", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned port;
        int listener = listen_at(rows[i].host, &port);
        struct daemon lossd;
        char *log;

        daemon_spawn_on(&lossd, listener,
                        (const char *const[]){"--listen-address", rows[i].set, NULL},
                        (const char *const[]){"LISTEN_FDS=1", NULL});
        assert_true(daemon_says(&lossd, " listening "));
        log = daemon_errors(&lossd);
        if ((strstr(log, warning) != NULL) != rows[i].is_open)
            fail_msg("at %s: %s", rows[i].set, log);
        free(log);
        assert_int_equal(daemon_stop(&lossd), 0);
        (void)close(listener);
    }
}

static void check_refused(int descriptor, const char *variable, const char *says)
{
    struct daemon lossd;
    int status;
    char *log;

    daemon_spawn_on(&lossd, descriptor, NULL, (const char *const[]){variable, NULL});
    status = daemon_wait(&lossd, PATIENCE_MS);
    log = daemon_errors(&lossd);
    if (status != 1 || strncmp(log, "lossd: LISTEN_FDS", 17) != 0 || strstr(log, says) == NULL)
        fail_msg("%s: want %s, got %d %s", variable, says, status, log);
    free(log);
    assert_int_equal(daemon_stop(&lossd), 1);
}

static void anything_else_is_refused(void **state)
{
    unsigned port;
    int listener = listen_on_loopback(&port);
    int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    check_refused(listener, "LISTEN_FDS=2", "\"2\"");
    check_refused(listener, "LISTEN_FDS=x", "not a number");
    check_refused(listener, "LISTEN_FDS=", "not a number");
    check_refused(silent, "LISTEN_FDS=1", "not a listening");
    check_refused(datagrams, "LISTEN_FDS=1", "not a listening");
    check_refused(file, "LISTEN_FDS=1", "not a listening");
    (void)close(listener);
    (void)close(silent);
    (void)close(datagrams);
    (void)close(file);
}

/* Another process's socket is none for us: the daemon opens one as the settings say. */
static void what_is_for_another_process_is_ignored(void **state)
{
    struct daemon lossd;

    (void)state;
    daemon_start(&lossd, NULL, (const char *const[]){"LISTEN_FDS=1", "LISTEN_PID=1", NULL});
    assert_true(daemon_says(&lossd, "socket=\"own\""));
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_request_fails_while_daemons_come_and_go),
        cmocka_unit_test(nor_if_they_have_several_loops),
        cmocka_unit_test(a_late_first_word_is_answered),
        cmocka_unit_test(a_path_can_be_listened_on),
        cmocka_unit_test(an_open_socket_is_warned_of),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(what_is_for_another_process_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
