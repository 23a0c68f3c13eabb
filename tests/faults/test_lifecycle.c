/* test_lifecycle.c - ends that nobody wishes for, and who watches when there is much to do:
 * rows 88, 97, 98 and 102. */
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
#include <sys/resource.h>

#include "support/alive.h"
#include "support/lines.h"
#include "support/raw.h"
#include "support/session.h"

enum { SCRAPERS = 100, HEAVY = 4, NUMBERS = 3000000, SCRAPES_MS = 15000 };

#define POST   "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
#define SCRAPE "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"

static void post_heavy(struct raw *raw)
{
    struct lines body = {0};

    lines_zeros(&body, NUMBERS, ",\"dtype\":\"float64\"");
    raw_open(raw, lossd.port);
    assert_true(lines_begin(raw, POST, &body, body.length));
    lines_free(&body);
}

/* Rows 88, 97 and 98: whoever waits has no half answer, the status names the signal, and the
 * port can be used at once. */
static void a_violent_end_is_an_end(void **state)
{
    static const int signals[] = {SIGSEGV, SIGQUIT, SIGKILL};
    const struct rlimit no_core = {0, 0};
    struct response response = {0};
    char port[16];

    (void)state;
    assert_int_equal(setrlimit(RLIMIT_CORE, &no_core), 0); /* the daemon's too */
    (void)session_start(NULL, NULL);
    for (int i = 0; i < 3; i++) {
        struct raw raw;

        (void)snprintf(port, sizeof port, "%u", lossd.port);
        assert_int_equal(client_send(client, "GET", "/livez", NULL, NULL, 0)->status, 200);
        post_heavy(&raw);
        daemon_signal(&lossd, signals[i]);
        raw_read(&raw, false, RAW_MS, &response); /* whole, if it was quicker than the signal */
        assert_true(response.status == 200 || strcmp(response.failure, "closed") == 0);
        raw_close(&raw);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they catch SIGSEGV */
        assert_int_equal(daemon_wait(&lossd, RAW_MS), 128 + signals[i]);
#else
        assert_int_not_equal(daemon_wait(&lossd, RAW_MS), DAEMON_RUNS);
#endif
        client_close(client);
        (void)daemon_stop(&lossd);
        (void)session_start((const char *const[]){"--listen-port", port, NULL}, NULL);
        check_alive(lossd.port, "started again");
    }
    response_free(&response);
    assert_int_equal(session_stop(NULL), 0);
}

/* How many requests were counted, of all routes, methods and statuses. */
static double requests_in(const char *text)
{
    static const char series[] = "lossd_http_requests_total{";
    double sum = 0.0;

    for (const char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *value = end;

        if (strncmp(line, series, strlen(series)) != 0)
            continue;
        while (value[-1] != ' ')
            value--;
        sum += strtod(value, NULL);
    }
    return sum;
}

/* All at once; the most requests that one of them is told of.  Nobody is told of less than `least`,
 * which is what somebody was told before; who of them comes first is the daemon's choice. */
static double scrape(const char *name, bool closes, double least)
{
    static struct raw raws[SCRAPERS];
    struct response response = {0};
    double since = clock_ms(), most = least, requests;
    char text[32];

    for (int i = 0; i < SCRAPERS; i++) {
        raw_open(&raws[i], lossd.port);
        assert_true(raw_say(&raws[i], SCRAPE));
    }
    for (int i = 0; i < SCRAPERS; i++) {
        raw_read(&raws[i], false, RAW_MS, &response);
        if (response.status != 200)
            fail_msg("%s: scraper %d gets %ld", name, i, response.status);
        requests = requests_in(response.body);
        if (requests < least)
            fail_msg("%s: %g requests, but %g before", name, requests, least);
        most = fmax(most, requests);
        assert_true((response_header(&response, "Connection", text, sizeof text) != NULL) ==
                    closes);
        raw_close(&raws[i]);
    }
    if (clock_ms() - since > SCRAPES_MS)
        fail_msg("%s: took %g ms", name, clock_ms() - since);
    response_free(&response);
    return most;
}

/* Row 102: more work than workers, then a drain. */
static void metrics_are_there_when_they_are_needed(void **state)
{
    struct raw heavy[HEAVY];
    struct response response = {0};
    double most;

    (void)state;
    (void)session_start((const char *const[]){"--workers", "1", "--queue-jobs-max", "4",
                                              "--drain-delay-ms", "3600000", NULL},
                        NULL);
    for (int i = 0; i < HEAVY; i++)
        post_heavy(&heavy[i]);
    most = scrape("overload", false, 0.0);
    assert_true(most >= SCRAPERS / 2); /* each other's, for the most part */
    daemon_signal(&lossd, SIGTERM);
    assert_true(client_wait(client, "lossd_draining", 1.0, 1.0));
    assert_true(scrape("drain", true, most) > most);
    for (int i = 0; i < HEAVY; i++) {
        raw_read(&heavy[i], false, RAW_MS, &response);
        assert_int_equal(response.status, 200);
        raw_close(&heavy[i]);
    }
    response_free(&response);
    assert_int_equal(session_stop(NULL), 0); /* a second signal: nothing is left to wait for */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_violent_end_is_an_end),
        cmocka_unit_test(metrics_are_there_when_they_are_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
