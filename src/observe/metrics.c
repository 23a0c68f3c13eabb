/* metrics.c - the registry of series and its text. */
#include "observe/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_BYTES = 96, LINE_BYTES_MAX = 512, BUCKETS = 18 };

/* Upper bounds in nanoseconds, and in seconds as they are written. */
static const struct {
    uint64_t nanoseconds;
    const char *le;
} buckets[BUCKETS] = {
    {25000, "2.5e-05"},  {50000, "5e-05"},      {100000, "0.0001"},  {250000, "0.00025"},
    {500000, "0.0005"},  {1000000, "0.001"},    {2500000, "0.0025"}, {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"},   {50000000, "0.05"},  {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},    {1000000000, "1.0"}, {2500000000, "2.5"},
    {5000000000, "5.0"}, {10000000000, "10.0"},
};

struct metric {
    struct metric *next;
    enum metric_kind kind;
    const char *name, *help;
    char labels[LABELS_BYTES];
    double (*read)(void *context); /* or NULL: the value is here */
    void *context;
    _Atomic uint64_t value; /* of a histogram: the sum in nanoseconds */
    _Atomic uint64_t
        *bucket_counts; /* histograms: BUCKETS and one for what is above; not cumulative */
};

struct metrics {
    struct metric *first;
    struct metric **last;
    const char *family; /* of the series added last */
    size_t lines;       /* at most this many are written */
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);

    if (metrics != NULL) {
        metrics->last = &metrics->first;
        metrics->family = "";
        metrics->lines = 1; /* EOF */
    }
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (struct metric *metric = metrics->first; metric != NULL;) {
        struct metric *next = metric->next;

        free(metric->bucket_counts);
        free(metric);
        metric = next;
    }
    free(metrics);
}

static bool ends_in(const char *text, size_t length, const char *end)
{
    size_t end_length = strlen(end);

    return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

struct metric *metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name,
                           const char *help, const char *labels)
{
    struct metric *metric = calloc(1, sizeof *metric);

    assert(kind != METRIC_COUNTER || ends_in(name, strlen(name), "_total"));
    assert(strlen(name) + 2 * strlen(help) + sizeof "# HELP  \n" <= LINE_BYTES_MAX);
    if (metric == NULL)
        return NULL;
    metric->kind = kind;
    metric->name = name;
    metric->help = help;
    (void)snprintf(metric->labels, sizeof metric->labels, "%s", labels != NULL ? labels : "");
    *metrics->last = metric;
    metrics->last = &metric->next;
    metrics->lines += strcmp(name, metrics->family) != 0 ? 4 : 1; /* TYPE, UNIT, HELP; value */
    metrics->family = name;
    return metric;
}

struct metric *metrics_add_histogram(struct metrics *metrics, const char *name, const char *help,
                                     const char *labels)
{
    _Atomic uint64_t *counts = calloc(BUCKETS + 1, sizeof *counts);
    struct metric *metric =
        counts != NULL ? metrics_add(metrics, METRIC_HISTOGRAM, name, help, labels) : NULL;

    if (metric == NULL) {
        free(counts);
        return NULL;
    }
    metric->bucket_counts = counts;
    metrics->lines += BUCKETS + 2; /* +Inf, sum and count, of which one is counted already */
    return metric;
}

struct metric *metrics_add_reader(struct metrics *metrics, enum metric_kind kind, const char *name,
                                  const char *help, double (*read)(void *context), void *context)
{
    struct metric *metric = metrics_add(metrics, kind, name, help, NULL);

    if (metric != NULL) {
        metric->read = read;
        metric->context = context;
    }
    return metric;
}

/* Relaxed: each number is right by itself; none is read to decide about another. */
void metric_add(struct metric *metric, uint64_t amount)
{
    atomic_fetch_add_explicit(&metric->value, amount, memory_order_relaxed);
}

uint64_t metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

void metric_observe(struct metric *metric, uint64_t nanoseconds)
{
    size_t bucket = 0;

    while (bucket < BUCKETS && nanoseconds > buckets[bucket].nanoseconds)
        bucket++;
    atomic_fetch_add_explicit(&metric->bucket_counts[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, nanoseconds, memory_order_relaxed);
}

size_t metrics_bytes_max(const struct metrics *metrics)
{
    return metrics->lines * LINE_BYTES_MAX;
}

static char *write_histogram(const struct metric *metric, char *at)
{
    const char *comma = metric->labels[0] != '\0' ? "," : "";
    char braced[LABELS_BYTES + 2] = "";
    uint64_t count = 0, sum = metric_value(metric);

    for (size_t i = 0; i <= BUCKETS; i++) {
        count += atomic_load_explicit(&metric->bucket_counts[i], memory_order_relaxed);
        at += sprintf(at, "%s_bucket{%s%sle=\"%s\"} %llu\n", metric->name, metric->labels, comma,
                      i < BUCKETS ? buckets[i].le : "+Inf", (unsigned long long)count);
    }
    if (metric->labels[0] != '\0')
        (void)snprintf(braced, sizeof braced, "{%s}", metric->labels);
    at += sprintf(at, "%s_sum%s %llu.%09llu\n", metric->name, braced,
                  (unsigned long long)(sum / 1000000000), (unsigned long long)(sum % 1000000000));
    return at + sprintf(at, "%s_count%s %llu\n", metric->name, braced, (unsigned long long)count);
}

static char *write_value(const struct metric *metric, char *at)
{
    at +=
        sprintf(at, metric->labels[0] != '\0' ? "%s{%s} " : "%s%s ", metric->name, metric->labels);
    if (metric->read == NULL)
        return at + sprintf(at, "%llu\n", (unsigned long long)metric_value(metric));
    double value = metric->read(metric->context);
    return at + sprintf(at, value == floor(value) ? "%.0f\n" : "%.17g\n", value);
}

static char *write_help(const char *family, size_t length, const char *help, const char *escaped,
                        char *at)
{
    at += sprintf(at, "# HELP %.*s ", (int)length, family);
    for (; *help != '\0'; help++) {
        if (strchr(escaped, *help) != NULL)
            *at++ = '\\';
        *at++ = *help != '\n' ? *help : 'n';
    }
    *at++ = '\n';
    return at;
}

static const char *const kinds[] = {"counter", "gauge", "histogram"};

static char *write_text_head(const struct metric *metric, char *at)
{
    at = write_help(metric->name, strlen(metric->name), metric->help, "\\\n", at);
    return at + sprintf(at, "# TYPE %s %s\n", metric->name, kinds[metric->kind]);
}

/* OpenMetrics takes the end that samples have by their type off the name of the family, and wants
 * to be told the unit that is left at its end. */
static char *write_openmetrics_head(const struct metric *metric, char *at)
{
    static const char *const units[] = {"_seconds", "_bytes"};
    const char *name = metric->name, *kind = kinds[metric->kind];
    size_t length = strlen(name);

    if (metric->kind == METRIC_COUNTER) {
        length -= strlen("_total");
    } else if (metric->kind == METRIC_GAUGE && ends_in(name, length, "_info")) {
        length -= strlen("_info");
        kind = "info";
    }
    at += sprintf(at, "# TYPE %.*s %s\n", (int)length, name, kind);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ends_in(name, length, units[i]))
            at += sprintf(at, "# UNIT %.*s %s\n", (int)length, name, units[i] + 1);
    }
    return write_help(name, length, metric->help, "\\\n\"", at);
}

const char *metrics_content_type(enum metrics_format format)
{
    static const char *const types[METRICS_FORMAT_COUNT] = {
        "text/plain; version=0.0.4; charset=utf-8",
        "text/plain; version=1.0.0; charset=utf-8; escaping=underscores",
        "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
    };

    return types[format];
}

size_t metrics_write(const struct metrics *metrics, enum metrics_format format, char *buffer)
{
    bool is_openmetrics = format == METRICS_OPENMETRICS_1_0_0;
    const char *family = "";
    char *at = buffer;

    for (const struct metric *metric = metrics->first; metric != NULL; metric = metric->next) {
        if (strcmp(metric->name, family) != 0)
            at = is_openmetrics ? write_openmetrics_head(metric, at) : write_text_head(metric, at);
        family = metric->name;
        at = metric->kind == METRIC_HISTOGRAM ? write_histogram(metric, at)
                                              : write_value(metric, at);
    }
    if (is_openmetrics)
        at += sprintf(at, "# EOF\n");
    return (size_t)(at - buffer);
}
