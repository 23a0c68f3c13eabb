/* test_metrics.c - what /metrics says: every family from the start, counters that match what was
 * asked for, labels from fixed sets, and a form that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/session.h"
#include "support/texts.h"

#define GOOD "{\"logits\":[1,2],\"targets\":1}" /* 28 bytes */

static int start(void **state)
{
    (void)state;
    return session_start(
        (const char *const[]){"--workers", "3", "--inline-bytes-max", "1000", NULL}, NULL);
}

static char *scrape(void)
{
    const struct response *response = client_send(client, "GET", "/metrics", NULL, NULL, 0);
    char *text;

    assert_int_equal(response->status, 200);
    text = strdup(response->body);
    assert_non_null(text);
    return text;
}

static const struct {
    const char *name, *kind;
} families[] = {
    {"lossd_http_requests_total", "counter"},
    {"lossd_errors_total", "counter"},
    {"lossd_http_request_duration_seconds", "histogram"},
    {"lossd_queue_wait_seconds", "histogram"},
    {"lossd_http_request_bytes_total", "counter"},
    {"lossd_http_response_bytes_total", "counter"},
    {"lossd_rows_evaluated_total", "counter"},
    {"lossd_client_aborts_total", "counter"},
    {"lossd_config_reloads_total", "counter"},
    {"lossd_queue_jobs", "gauge"},
    {"lossd_queue_jobs_max", "gauge"},
    {"lossd_workers", "gauge"},
    {"lossd_workers_busy", "gauge"},
    {"lossd_in_flight_bytes", "gauge"},
    {"lossd_memory_budget_bytes", "gauge"},
    {"lossd_in_flight_requests", "gauge"},
    {"lossd_connections", "gauge"},
    {"lossd_idle_connections", "gauge"},
    {"lossd_draining", "gauge"},
    {"lossd_log_dropped_total", "counter"},
    {"lossd_build_info", "gauge"},
    {"process_cpu_seconds_total", "counter"},
    {"process_open_fds", "gauge"},
    {"process_max_fds", "gauge"},
    {"process_virtual_memory_bytes", "gauge"},
    {"process_resident_memory_bytes", "gauge"},
    {"process_threads", "gauge"},
    {"process_start_time_seconds", "gauge"},
};

/* Once, with its type and its help, and at least one series; and no family that is not in the
 * list. */
static void every_family_is_there_from_the_start(void **state)
{
    char *text = scrape(), line[128];

    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        (void)snprintf(line, sizeof line, "# TYPE %s %s\n", families[i].name, families[i].kind);
        if (text_count(text, line) != 1)
            fail_msg("%s: not there once", line);
        (void)snprintf(line, sizeof line, "# HELP %s ", families[i].name);
        if (text_count(text, line) != 1)
            fail_msg("%s: not there once", line);
    }
    assert_int_equal(text_count(text, "# TYPE "), sizeof families / sizeof families[0]);
    assert_non_null(strstr(text, "\nlossd_errors_total{code=\"queue_full\"} 0\n"));
    assert_non_null(strstr(text, "\nlossd_config_reloads_total{result=\"ok\"} 0\n"));
    assert_non_null(strstr(text, "\nlossd_config_reloads_total{result=\"failed\"} 0\n"));
    assert_non_null(strstr(text, "\nlossd_build_info{version=\"0.1.0\",revision=\""));
    assert_non_null(strstr(text,
                           "\nlossd_http_requests_total{route=\"/v1/evaluate\",method=\"POST\","
                           "code=\"200\"} 0\n"));
    assert_true(metric_value_in(text, "lossd_workers") == 3.0);
    assert_true(metric_value_in(text, "lossd_queue_jobs_max") == 96.0);
    assert_true(metric_value_in(text, "lossd_connections") == 1.0);
    assert_true(metric_value_in(text, "lossd_draining") == 0.0);
    assert_true(metric_value_in(text, "process_resident_memory_bytes") > 1e6);
    assert_true(metric_value_in(text, "process_threads") >= 4.0);
    assert_true(metric_value_in(text, "process_start_time_seconds") > 1.7e9);
    free(text);
}

/* By how much a series grew from one text to another. */
static double growth(const char *before, const char *after, const char *series)
{
    double was = metric_value_in(before, series), is = metric_value_in(after, series);

    if (isnan(was) || isnan(is))
        fail_msg("%s is missing", series);
    return is - was;
}

static void counters_match_what_was_asked_for(void **state)
{
    static const struct {
        const char *series;
        double growth;
    } grown[] = {
#define REQUESTS(route, method, code) \
    "lossd_http_requests_total{route=\"" route "\",method=\"" method "\",code=\"" code "\"}"
        {REQUESTS("/v1/evaluate", "POST", "200"), 6},
        {REQUESTS("/v1/evaluate", "POST", "400"), 1},
        {REQUESTS("/v1/evaluate", "other", "405"), 2},
        {REQUESTS("/livez", "GET", "200"), 1},
        {REQUESTS("/livez", "HEAD", "200"), 1},
        {REQUESTS("/livez", "other", "405"), 1},
        {REQUESTS("/metrics", "GET", "200"), 1},
        {REQUESTS("other", "other", "404"), 2},
        {REQUESTS("other", "other", "other"), 0},
        {"lossd_errors_total{code=\"missing_field\"}", 1},
        {"lossd_errors_total{code=\"method_not_allowed\"}", 3},
        {"lossd_errors_total{code=\"not_found\"}", 2},
        {"lossd_rows_evaluated_total", 6 + 2},
        {"lossd_http_request_bytes_total", 5 * 28 + 2 + 2028},
        {"lossd_queue_wait_seconds_count", 1},
        {"lossd_http_request_duration_seconds_count{route=\"/v1/evaluate\"}", 9},
        {"lossd_http_request_duration_seconds_count{route=\"other\"}", 2},
        {"lossd_client_aborts_total", 0},
    };
    static const char three[] = "{\"logits\":[[1,2],[1,2],[1,2]],\"targets\":[1,1,1]}";
    char *before = scrape(), *after, large[2048];

    (void)state;
    for (int i = 0; i < 5; i++)
        (void)client_evaluate(client, GOOD);
    memset(large, ' ', sizeof large);
    memcpy(large, three, sizeof three - 1);
    (void)client_send(client, "POST", "/v1/evaluate", NULL, large, 2028);
    (void)client_evaluate(client, "{}");
    (void)client_send(client, "GET", "/v1/evaluate", NULL, NULL, 0);
    (void)client_send(client, "BREW", "/v1/evaluate", NULL, NULL, 0);
    (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    (void)client_send(client, "HEAD", "/livez", NULL, NULL, 0);
    (void)client_send(client, "POST", "/livez", NULL, NULL, 0);
    (void)client_send(client, "GET", "/a\"strange%20path", NULL, NULL, 0);
    (void)client_send(client, "B%REW", "/}\\path", NULL, NULL, 0);
    after = scrape();
    for (size_t i = 0; i < sizeof grown / sizeof grown[0]; i++) {
        if (growth(before, after, grown[i].series) != grown[i].growth)
            fail_msg("%s grew by %g, want %g", grown[i].series,
                     growth(before, after, grown[i].series), grown[i].growth);
    }
    assert_true(growth(before, after, "lossd_http_response_bytes_total") > 1000.0);
    assert_null(strstr(after, "strange"));
    assert_null(strstr(after, "BREW"));
    assert_null(strstr(after, "B%REW"));
    assert_int_equal(text_count(after, "\n"), text_count(before, "\n")); /* no series came to be */
    free(before);
    free(after);
}

/* From bucket to bucket the counts never fall, and the last is the count of all. */
static void buckets_add_up(void **state)
{
    char *text = scrape();
    double last = 0.0, bound = 0.0;
    size_t histograms = 0;

    (void)state;
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *le = strstr(line, "le=\""), *end = strchr(line, '\n');

        if (strncmp(line, "# TYPE", 6) == 0 || strstr(line, "_sum") < end)
            bound = last = 0.0;
        if (le != NULL && le < end) {
            double count = strtod(strstr(le, "} ") + 2, NULL), next = strtod(le + 4, NULL);

            if (count < last || next <= bound)
                fail_msg("%.*s: %g after %g", (int)(end - line), line, count, last);
            last = count;
            bound = next;
            if (isinf(next)) {
                const char *total = strstr(end, "_count");

                assert_true(strtod(strchr(total, ' '), NULL) == count);
                histograms++;
                bound = last = 0.0;
            }
        }
    }
    assert_int_equal(histograms, 23); /* 22 routes and the queue */
    free(text);
}

static void promtool_finds_nothing_wrong(void **state)
{
    const char *tool =
        access("build/tools/promtool", X_OK) == 0 ? "build/tools/promtool" : "promtool";
    char command[160], *text = scrape();
    FILE *pipe;
    int status;

    (void)state;
    (void)snprintf(command, sizeof command,
                   "command -v %s >/dev/null || { cat >/dev/null; exit 77; }; %s check metrics",
                   tool, tool);
    pipe = popen(command, "w");
    assert_non_null(pipe);
    assert_int_equal(fwrite(text, 1, strlen(text), pipe), strlen(text));
    free(text);
    status = pclose(pipe);
    if (status == 77 << 8) {
        (void)printf("note: promtool is not there\n");
        skip();
    }
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_is_there_from_the_start),
        cmocka_unit_test(counters_match_what_was_asked_for),
        cmocka_unit_test(buckets_add_up),
        cmocka_unit_test(promtool_finds_nothing_wrong),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
