/* test_metrics.c - counters, gauges and histograms, and their text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "observe/metrics.h"
#include "observe/process.h"

/* The text of all series, in a block of just the promised size; the caller frees it. */
static char *written(const struct metrics *metrics)
{
    size_t most = metrics_bytes_max(metrics), length;
    char *room = malloc(most), *text;

    assert_non_null(room);
    length = metrics_write(metrics, METRICS_TEXT_0_0_4, room);
    assert_in_range(length, 0, most);
    text = malloc(length + 1);
    assert_non_null(text);
    memcpy(text, room, length);
    text[length] = '\0';
    free(room);
    return text;
}

static void check_written(const struct metrics *metrics, const char *want)
{
    char *text = written(metrics);

    assert_string_equal(text, want);
    free(text);
}

static double half(void *context)
{
    return *(double *)context / 2;
}

static void families_have_one_head_each(void **state)
{
    struct metrics *metrics = metrics_new();
    double twice = 84.0, third = 1.0 / 3.0;
    struct metric *a, *b, *gauge;

    (void)state;
    a = metrics_add(metrics, METRIC_COUNTER, "requests_total", "All requests.", "code=\"200\"");
    b = metrics_add(metrics, METRIC_COUNTER, "requests_total", "All requests.", "code=\"400\"");
    gauge = metrics_add(metrics, METRIC_GAUGE, "jobs", "Waiting.", NULL);
    assert_non_null(
        metrics_add_reader(metrics, METRIC_GAUGE, "answer", "Of it all.", half, &twice));
    assert_non_null(
        metrics_add_reader(metrics, METRIC_COUNTER, "sixth_total", "Exact.", half, &third));
    metric_add(a, 2);
    metric_add(a, UINT64_MAX / 2);
    metric_add(b, 0);
    metric_add(gauge, 3);
    assert_int_equal(metric_value(gauge), 3);
    check_written(metrics, "# HELP requests_total All requests.\n"
                           "# TYPE requests_total counter\n"
                           "requests_total{code=\"200\"} 9223372036854775809\n"
                           "requests_total{code=\"400\"} 0\n"
                           "# HELP jobs Waiting.\n"
                           "# TYPE jobs gauge\n"
                           "jobs 3\n"
                           "# HELP answer Of it all.\n"
                           "# TYPE answer gauge\n"
                           "answer 42\n"
                           "# HELP sixth_total Exact.\n"
                           "# TYPE sixth_total counter\n"
                           "sixth_total 0.16666666666666666\n");
    metrics_free(metrics);
}

/* An observation belongs to the first bucket that is not below it; buckets are cumulative. */
static void histograms_count_up_to_their_bounds(void **state)
{
    static const char head[] = "# HELP wait_seconds Wait.\n# TYPE wait_seconds histogram\n"
                               "wait_seconds_bucket{le=\"2.5e-05\"} 2\n"
                               "wait_seconds_bucket{le=\"5e-05\"} 4\n"
                               "wait_seconds_bucket{le=\"0.0001\"} 4\n"
                               "wait_seconds_bucket{le=\"0.00025\"} 4\n"
                               "wait_seconds_bucket{le=\"0.0005\"} 4\n"
                               "wait_seconds_bucket{le=\"0.001\"} 5\n"
                               "wait_seconds_bucket{le=\"0.0025\"} 6\n"
                               "wait_seconds_bucket{le=\"0.005\"} 6\n"
                               "wait_seconds_bucket{le=\"0.01\"} 7\n";
    static const uint64_t observed[] = {0,       25000,   25001,      50000,       1000000,
                                        1000001, 9999999, 5000000000, 10000000000, 10000000001};
    struct metrics *metrics = metrics_new();
    struct metric *plain = metrics_add_histogram(metrics, "wait_seconds", "Wait.", NULL);
    struct metric *labelled =
        metrics_add_histogram(metrics, "took_seconds", "Took.", "route=\"/\"");
    char *text;

    (void)state;
    assert_non_null(plain);
    for (size_t i = 0; i < sizeof observed / sizeof observed[0]; i++)
        metric_observe(plain, observed[i]);
    metric_observe(labelled, 1500000000);
    text = written(metrics);
    assert_memory_equal(text, head, sizeof head - 1);
    assert_non_null(strstr(text, "wait_seconds_bucket{le=\"5.0\"} 8\n"
                                 "wait_seconds_bucket{le=\"10.0\"} 9\n"
                                 "wait_seconds_bucket{le=\"+Inf\"} 10\n"
                                 "wait_seconds_sum 25.012"));
    assert_non_null(strstr(text, "wait_seconds_count 10\n# HELP took_seconds Took.\n"));
    assert_non_null(strstr(text, "took_seconds_bucket{route=\"/\",le=\"1.0\"} 0\n"
                                 "took_seconds_bucket{route=\"/\",le=\"2.5\"} 1\n"));
    assert_non_null(strstr(text, "took_seconds_sum{route=\"/\"} 1.500000000\n"
                                 "took_seconds_count{route=\"/\"} 1\n"));
    free(text);
    metrics_free(metrics);
}

/* The longest labels still fit the room that is asked for. */
static void the_room_is_enough_for_full_series(void **state)
{
    struct metrics *metrics = metrics_new();
    char labels[96];

    (void)state;
    memset(labels, 'l', sizeof labels);
    labels[sizeof labels - 1] = '\0';
    for (int i = 0; i < 50; i++) {
        struct metric *histogram =
            metrics_add_histogram(metrics, "a_name_of_the_usual_length_seconds",
                                  "A sentence about it, as long as they get.", labels);

        for (uint64_t ns = 1000; ns < 100000000000; ns *= 2)
            metric_observe(histogram, ns);
    }
    free(written(metrics));
    metrics_free(metrics);
}

enum { THREADS = 4, TIMES = 20000 };

static void *count(void *argument)
{
    struct metric **series = argument;

    for (uint64_t i = 0; i < TIMES; i++) {
        metric_add(series[0], 2);
        metric_observe(series[1], i * 1000000);
    }
    return NULL;
}

static void no_count_is_lost_between_threads(void **state)
{
    struct metrics *metrics = metrics_new();
    struct metric *series[] = {metrics_add(metrics, METRIC_GAUGE, "n", "N.", NULL),
                               metrics_add_histogram(metrics, "t_seconds", "T.", NULL)};
    pthread_t threads[THREADS];
    char *text;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, series), 0);
    free(written(metrics)); /* while they count */
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(series[0]), 2 * THREADS * TIMES);
    text = written(metrics);
    assert_non_null(strstr(text, "t_seconds_count 80000\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{le=\"0.1\"} 404\n")); /* 0 .. 100 ms, 4 times */
    free(text);
    metrics_free(metrics);
}

static void the_process_is_described(void **state)
{
    static const char *const names[] = {"process_cpu_seconds_total",
                                        "process_open_fds",
                                        "process_max_fds",
                                        "process_virtual_memory_bytes",
                                        "process_resident_memory_bytes",
                                        "process_start_time_seconds"};
    struct metrics *metrics = metrics_new();
    char *text;

    (void)state;
    assert_true(process_register(metrics));
    text = written(metrics);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[64] = "\n";
        const char *found;

        strcat(strcat(line, names[i]), " ");
        found = strstr(text, line);
        assert_non_null(found);
        assert_true(strtod(found + strlen(line), NULL) > 0.0);
    }
    free(text);
    metrics_free(metrics);
}

static void nothing_is_freed(void **state)
{
    (void)state;
    metrics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_have_one_head_each),
        cmocka_unit_test(histograms_count_up_to_their_bounds),
        cmocka_unit_test(the_room_is_enough_for_full_series),
        cmocka_unit_test(no_count_is_lost_between_threads),
        cmocka_unit_test(the_process_is_described),
        cmocka_unit_test(nothing_is_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
