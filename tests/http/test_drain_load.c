/* test_drain_load.c - SIGTERM while many clients ask: whoever was let in gets his whole answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/raw.h"
#include "support/texts.h"

/* How lost replies are told from requests that were never let in: every request has an id, and the
 * daemon's log, at level debug, names each request whose headers it has read.  So a failure is
 * allowed only if no byte of a reply came and the id is not in the log; and the log must say of no
 * request that it was cut off.  On a used connection that is the usual race of keep-alive.  On a
 * new one it is a handshake that was half done when the daemon shut its listener, some microseconds
 * that nobody can close, but longer where the machine is busy: 0.4 in all rounds on the average of
 * 66 runs, and 10 or more if the backlog is not emptied.  So more than four, three times, are a
 * fault. */
enum {
    ROUNDS = 8,
    CLIENTS = 8,
    WARM = 200,
    FAILURES_MAX = 64,
    LARGE = 3000,
    FRESH_MAX = 4,
    TRIES = 3,
};

struct caller {
    unsigned port;
    int number, round;
    atomic_int *answered;   /* by all together */
    size_t failures, fresh; /* requests without any reply; those on a connection's first */
    char failed[FAILURES_MAX][32];
    char fault[400]; /* what may not happen */
};

/* A request of this id; every third one is large enough for a worker. */
static size_t write_request(char *request, const char *id, int i)
{
    static const char large_begin[] = "{\"logits\":[1,2",
                      small[] = "{\"logits\":[1,2],\"targets\":1}";
    static const char large_end[] = "],\"targets\":1}";
    bool is_large = i % 3 == 0;
    size_t length = is_large ? sizeof large_begin - 1 + (size_t)6 * LARGE + sizeof large_end - 1
                             : sizeof small - 1;
    size_t used = (size_t)sprintf(request,
                                  "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nX-Request-Id: %s\r\n"
                                  "Content-Length: %zu\r\n\r\n",
                                  id, length);

    if (!is_large)
        return used + (size_t)sprintf(request + used, "%s", small);
    used += (size_t)sprintf(request + used, "%s", large_begin);
    for (int at = 0; at < LARGE; at++)
        used += (size_t)sprintf(request + used, ",-1000");
    return used + (size_t)sprintf(request + used, "%s", large_end);
}

static bool is_right(const struct response *response, const char *id)
{
    json_t *json = response_json(response);
    double loss = json_number(json_object_get(json, "loss"));
    char text[64] = "";

    (void)response_header(response, "X-Request-Id", text, sizeof text);
    json_decref(json);
    return response->status == 200 && fabs(loss - 0.31326169) < 1e-7 && strcmp(text, id) == 0;
}

/* Ask until nobody listens any more; the connection is kept as long as the daemon keeps it. */
static void *call(void *argument)
{
    struct caller *caller = argument;
    struct response response = {0};
    char *request = malloc(6 * LARGE + 1024), id[32], text[32];
    struct raw raw = {.fd = -1};

    for (int i = 0; request != NULL && caller->failures < FAILURES_MAX; i++) {
        size_t length;

        (void)snprintf(id, sizeof id, "r%d-c%d-n%d.", caller->round, caller->number, i);
        length = write_request(request, id, i);
        bool is_fresh = raw.fd < 0;

        if (is_fresh)
            raw_open(&raw, caller->port);
        if (raw.fd < 0)
            break;                             /* refused: the end */
        (void)raw_send(&raw, request, length); /* if it is gone, reading tells */
        raw_read(&raw, false, RAW_MS, &response);
        if (response.status == 0 && strcmp(response.failure, "closed") == 0) {
            (void)snprintf(caller->failed[caller->failures++], sizeof caller->failed[0], "%s", id);
            caller->fresh += is_fresh;
            raw_close(&raw);
            continue;
        }
        if (!is_right(&response, id)) {
            (void)snprintf(caller->fault, sizeof caller->fault, "%s: %ld %s %.200s", id,
                           response.status, response.failure != NULL ? response.failure : "",
                           response.body);
            break;
        }
        atomic_fetch_add(caller->answered, 1);
        if (response_header(&response, "Connection", text, sizeof text) != NULL)
            raw_close(&raw);
    }
    raw_close(&raw);
    response_free(&response);
    free(request);
    return NULL;
}

/* Returns how many requests on new connections were not let in. */
static size_t check_callers(const struct caller *callers, const struct daemon *lossd, int answered)
{
    char *log = daemon_errors(lossd);
    size_t failures = 0, fresh = 0, logged = text_count(log, " request request_id=");

    for (size_t i = 0; i < CLIENTS; i++) {
        if (callers[i].fault[0] != '\0')
            fail_msg("%s", callers[i].fault);
        for (size_t f = 0; f < callers[i].failures; f++) {
            if (strstr(log, callers[i].failed[f]) != NULL)
                fail_msg("%s: its headers were read, but there was no reply", callers[i].failed[f]);
        }
        failures += callers[i].failures;
        fresh += callers[i].fresh;
    }
    assert_int_equal(text_count(log, "cut off"), 0);
    assert_int_equal(logged, answered);
    free(log);
    (void)printf("%d answered; never let in: %zu on a used connection, %zu on a new one\n",
                 answered, failures - fresh, fresh);
    return fresh;
}

/* Start and end daemons under load; how many were lost on a new connection. */
static size_t drain_in_all_ways(void)
{
    static struct caller callers[CLIENTS];
    pthread_t threads[CLIENTS];
    size_t fresh = 0;

    for (int round = 0; round < ROUNDS; round++) {
        atomic_int answered = 0;
        double deadline = clock_ms() + RAW_MS;
        struct daemon lossd;
        int status;

        daemon_start(&lossd,
                     (const char *const[]){"--log-level", "debug", "--queue-jobs-max", "32",
                                           "--drain-delay-ms", round % 2 == 0 ? "0" : "100",
                                           "--loops", round < ROUNDS / 2 ? "1" : "3", NULL},
                     NULL);
        for (int i = 0; i < CLIENTS; i++) {
            callers[i] = (struct caller){
                .port = lossd.port, .number = i, .round = round, .answered = &answered};
            assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
        }
        while (atomic_load(&answered) < WARM && clock_ms() < deadline)
            pause_a_ms();
        daemon_signal(&lossd, SIGTERM);
        status = daemon_wait(&lossd, RAW_MS);
        for (size_t i = 0; i < CLIENTS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        fresh += check_callers(callers, &lossd, answered);
        assert_int_equal(status, 0);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
    return fresh;
}

/* Row 95 of tests/faults/rows.txt. */
static void whoever_was_let_in_is_answered(void **state)
{
    int tries = 1;

    (void)state;
    while (drain_in_all_ways() > FRESH_MAX)
        assert_in_range(++tries, 1, TRIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_let_in_is_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
