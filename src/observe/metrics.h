/* metrics.h - numbers that only count, kept in a registry and written as text for Prometheus.
 *
 * Every series is registered before the first is read, by one thread; from then on any thread may
 * change a series, without a lock.  Series of one family are registered one after another. */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum metrics_format {
    METRICS_TEXT_0_0_4, /* Prometheus text */
    METRICS_TEXT_1_0_0, /* the same for names like these */
    METRICS_OPENMETRICS_1_0_0,
    METRICS_FORMAT_COUNT
};

struct metrics;
struct metric; /* one series */

/* NULL if memory runs out.  metrics_free takes NULL. */
struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* Register a series.  `labels` is what stands between the braces, like code="200", or NULL.
 * Strings are copied but for `name` and `help`, which must be static.  A counter's name ends in
 * _total, one in seconds or bytes before that in _seconds or _bytes; a gauge that is 1 and only has
 * its labels to tell ends in _info.  NULL if memory runs out. */
struct metric *metrics_add(struct metrics *metrics, enum metric_kind kind, const char *name,
                           const char *help, const char *labels);

/* Register a histogram of seconds, with the buckets of metrics.c. */
struct metric *metrics_add_histogram(struct metrics *metrics, const char *name, const char *help,
                                     const char *labels);

/* Register a counter or gauge whose value is asked for when it is read, on the reading thread. */
struct metric *metrics_add_reader(struct metrics *metrics, enum metric_kind kind, const char *name,
                                  const char *help, double (*read)(void *context), void *context);

void metric_add(struct metric *metric, uint64_t amount);          /* counters, gauges */
void metric_observe(struct metric *metric, uint64_t nanoseconds); /* histograms */
uint64_t metric_value(const struct metric *metric);               /* counters, gauges */

/* The Content-Type of a format. */
const char *metrics_content_type(enum metrics_format format);

/* The text of all series: at most metrics_bytes_max bytes; returns its length. */
size_t metrics_bytes_max(const struct metrics *metrics);
size_t metrics_write(const struct metrics *metrics, enum metrics_format format, char *buffer);

#endif
