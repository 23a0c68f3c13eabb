/* test_metrics_formats.c - the same numbers in every format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "observe/metrics.h"

/* In a block of just the promised size. */
static void check_written(const struct metrics *metrics, enum metrics_format format,
                          const char *want)
{
    char *room = malloc(metrics_bytes_max(metrics));
    size_t length;

    assert_non_null(room);
    length = metrics_write(metrics, format, room);
    assert_in_range(length, 0, metrics_bytes_max(metrics));
    if (length != strlen(want) || memcmp(room, want, length) != 0)
        fail_msg("got:\n%.*s\nwant:\n%s", (int)length, room, want);
    free(room);
}

static double forty_two(void *context)
{
    (void)context;
    return 42.0;
}

/* One wait of 1.5 seconds. */
#define WAITED                                         \
    "wait_seconds_bucket{at=\"x\",le=\"2.5e-05\"} 0\n" \
    "wait_seconds_bucket{at=\"x\",le=\"5e-05\"} 0\n"   \
    "wait_seconds_bucket{at=\"x\",le=\"0.0001\"} 0\n"  \
    "wait_seconds_bucket{at=\"x\",le=\"0.00025\"} 0\n" \
    "wait_seconds_bucket{at=\"x\",le=\"0.0005\"} 0\n"  \
    "wait_seconds_bucket{at=\"x\",le=\"0.001\"} 0\n"   \
    "wait_seconds_bucket{at=\"x\",le=\"0.0025\"} 0\n"  \
    "wait_seconds_bucket{at=\"x\",le=\"0.005\"} 0\n"   \
    "wait_seconds_bucket{at=\"x\",le=\"0.01\"} 0\n"    \
    "wait_seconds_bucket{at=\"x\",le=\"0.025\"} 0\n"   \
    "wait_seconds_bucket{at=\"x\",le=\"0.05\"} 0\n"    \
    "wait_seconds_bucket{at=\"x\",le=\"0.1\"} 0\n"     \
    "wait_seconds_bucket{at=\"x\",le=\"0.25\"} 0\n"    \
    "wait_seconds_bucket{at=\"x\",le=\"0.5\"} 0\n"     \
    "wait_seconds_bucket{at=\"x\",le=\"1.0\"} 0\n"     \
    "wait_seconds_bucket{at=\"x\",le=\"2.5\"} 1\n"     \
    "wait_seconds_bucket{at=\"x\",le=\"5.0\"} 1\n"     \
    "wait_seconds_bucket{at=\"x\",le=\"10.0\"} 1\n"    \
    "wait_seconds_bucket{at=\"x\",le=\"+Inf\"} 1\n"    \
    "wait_seconds_sum{at=\"x\"} 1.500000000\n"         \
    "wait_seconds_count{at=\"x\"} 1\n"

/* The values are the same in every format; what stands before them is not. */
static void formats_differ_in_their_heads(void **state)
{
    static const char text[] = "# HELP a_bytes_total Bytes, of \"a\" and \\\\, and\\na line.\n"
                               "# TYPE a_bytes_total counter\n"
                               "a_bytes_total{of=\"a\"} 7\n"
                               "a_bytes_total{of=\"b\"} 0\n"
                               "# HELP wait_seconds Wait.\n"
                               "# TYPE wait_seconds histogram\n" WAITED "# HELP held_bytes Held.\n"
                               "# TYPE held_bytes gauge\n"
                               "held_bytes 42\n"
                               "# HELP bytes No unit.\n"
                               "# TYPE bytes gauge\n"
                               "bytes 0\n"
                               "# HELP a_build_info Version.\n"
                               "# TYPE a_build_info gauge\n"
                               "a_build_info{version=\"1\"} 1\n"
                               "# HELP done_total Done.\n"
                               "# TYPE done_total counter\n"
                               "done_total 0\n";
    static const char openmetrics[] =
        "# TYPE a_bytes counter\n"
        "# UNIT a_bytes bytes\n"
        "# HELP a_bytes Bytes, of \\\"a\\\" and \\\\, and\\na line.\n"
        "a_bytes_total{of=\"a\"} 7\n"
        "a_bytes_total{of=\"b\"} 0\n"
        "# TYPE wait_seconds histogram\n"
        "# UNIT wait_seconds seconds\n"
        "# HELP wait_seconds Wait.\n" WAITED "# TYPE held_bytes gauge\n"
        "# UNIT held_bytes bytes\n"
        "# HELP held_bytes Held.\n"
        "held_bytes 42\n"
        "# TYPE bytes gauge\n"
        "# HELP bytes No unit.\n"
        "bytes 0\n"
        "# TYPE a_build info\n"
        "# HELP a_build Version.\n"
        "a_build_info{version=\"1\"} 1\n"
        "# TYPE done counter\n"
        "# HELP done Done.\n"
        "done_total 0\n"
        "# EOF\n";
    static const char help[] = "Bytes, of \"a\" and \\, and\na line.";
    struct metrics *metrics = metrics_new();

    (void)state;
    metric_add(metrics_add(metrics, METRIC_COUNTER, "a_bytes_total", help, "of=\"a\""), 7);
    assert_non_null(metrics_add(metrics, METRIC_COUNTER, "a_bytes_total", help, "of=\"b\""));
    metric_observe(metrics_add_histogram(metrics, "wait_seconds", "Wait.", "at=\"x\""), 1500000000);
    assert_non_null(
        metrics_add_reader(metrics, METRIC_GAUGE, "held_bytes", "Held.", forty_two, NULL));
    assert_non_null(metrics_add(metrics, METRIC_GAUGE, "bytes", "No unit.", NULL));
    metric_add(metrics_add(metrics, METRIC_GAUGE, "a_build_info", "Version.", "version=\"1\""), 1);
    assert_non_null(metrics_add(metrics, METRIC_COUNTER, "done_total", "Done.", NULL));
    check_written(metrics, METRICS_TEXT_0_0_4, text);
    check_written(metrics, METRICS_TEXT_1_0_0, text);
    check_written(metrics, METRICS_OPENMETRICS_1_0_0, openmetrics);
    metrics_free(metrics);
}

static void formats_have_content_types(void **state)
{
    (void)state;
    assert_string_equal(metrics_content_type(METRICS_TEXT_0_0_4),
                        "text/plain; version=0.0.4; charset=utf-8");
    assert_string_equal(metrics_content_type(METRICS_TEXT_1_0_0),
                        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores");
    assert_string_equal(metrics_content_type(METRICS_OPENMETRICS_1_0_0),
                        "application/openmetrics-text; version=1.0.0; charset=utf-8; "
                        "escaping=underscores");
}

/* The longest name and help, all of which has to be escaped, and one series in each family. */
static void the_room_is_enough_for_full_heads(void **state)
{
    enum { FAMILIES = 20, HELP = 200 };
    static char names[FAMILIES][80], help[HELP + 1];
    struct metrics *metrics = metrics_new();
    char *room;

    (void)state;
    memset(help, '"', HELP);
    for (size_t i = 0; i < FAMILIES; i++) {
        memset(names[i], 'a' + (int)i, 70);
        strcat(names[i], "_bytes");
        assert_non_null(metrics_add(metrics, METRIC_GAUGE, names[i], help, NULL));
    }
    room = malloc(metrics_bytes_max(metrics));
    assert_non_null(room);
    assert_in_range(metrics_write(metrics, METRICS_OPENMETRICS_1_0_0, room), FAMILIES * HELP * 2,
                    metrics_bytes_max(metrics));
    free(room);
    metrics_free(metrics);
}

static void an_empty_registry_has_an_end(void **state)
{
    struct metrics *metrics = metrics_new();

    (void)state;
    assert_non_null(metrics);
    check_written(metrics, METRICS_TEXT_0_0_4, "");
    check_written(metrics, METRICS_OPENMETRICS_1_0_0, "# EOF\n");
    metrics_free(metrics);
    metrics_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_differ_in_their_heads),
        cmocka_unit_test(formats_have_content_types),
        cmocka_unit_test(the_room_is_enough_for_full_heads),
        cmocka_unit_test(an_empty_registry_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
