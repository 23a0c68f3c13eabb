/* bench_callers.c - many clients that ask at a given rate. */
#include "bench/bench_callers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "support/daemon.h"
#include "support/raw.h"

enum { REPLIES_MAX = 1000000, FORGIVEN_MS = 1000, POLITE = 10 };

struct reply_time {
    double at_ms, took_ms; /* when it was complete */
    long status;
};

struct bench_callers {
    unsigned port, count;
    struct bench_call what;
    double period_ms; /* of each caller; 0: none */
    double since_ms;
    atomic_bool stopping;
    atomic_uint next_number;
    atomic_size_t replies;
    struct reply_time *times; /* REPLIES_MAX, in the order they were begun to be written down */
    pthread_t *threads;
};

/* On Linux 0 is the thread.  Being polite is always allowed. */
void bench_give_way(void)
{
    (void)setpriority(PRIO_PROCESS, 0, POLITE);
}

static void sleep_until(double ms)
{
    double left = ms - clock_ms();
    struct timespec pause = {.tv_sec = (time_t)(left / 1000.0)};

    if (left <= 0.0)
        return;
    pause.tv_nsec = (long)((left - (double)pause.tv_sec * 1000.0) * 1e6);
    (void)nanosleep(&pause, NULL);
}

static void ask(struct bench_callers *callers, struct raw *raw, struct response *response)
{
    double begun = clock_ms();
    char connection[16] = "";
    size_t at;

    if (raw->fd < 0)
        raw_open(raw, callers->port);
    response->status = 0;
    if (raw->fd >= 0) {
        /* Reading tells if it is gone. */
        (void)raw_send(raw, callers->what.request, callers->what.length);
        raw_read(raw, false, RAW_MS, response);
    }
    at = atomic_fetch_add(&callers->replies, 1);
    if (at < REPLIES_MAX)
        callers->times[at] = (struct reply_time){clock_ms(), clock_ms() - begun, response->status};
    if (response->status == 0 ||
        response_header(response, "Connection", connection, sizeof connection) != NULL)
        raw_close(raw);
}

static void *call(void *argument)
{
    struct bench_callers *callers = argument;
    unsigned number = atomic_fetch_add(&callers->next_number, 1);
    double due = callers->since_ms + callers->period_ms * number / callers->count;
    struct response response = {0};
    struct raw raw = {.fd = -1};

    if (callers->what.gives_way)
        bench_give_way();
    while (!callers->stopping) {
        if (callers->period_ms > 0.0) {
            if (clock_ms() > due + FORGIVEN_MS)
                due = clock_ms();
            sleep_until(due);
            due += callers->period_ms;
        }
        ask(callers, &raw, &response);
    }
    raw_close(&raw);
    response_free(&response);
    return NULL;
}

struct bench_callers *bench_callers_start(unsigned port, const struct bench_call *what,
                                          unsigned count, double rate)
{
    struct bench_callers *callers = calloc(1, sizeof *callers);

    if (callers == NULL)
        abort();
    callers->port = port;
    callers->count = count;
    callers->what = *what;
    callers->period_ms = rate > 0.0 ? 1000.0 * count / rate : 0.0;
    callers->since_ms = clock_ms();
    callers->times = calloc(REPLIES_MAX, sizeof *callers->times);
    callers->threads = calloc(count, sizeof *callers->threads);
    if (callers->times == NULL || callers->threads == NULL)
        abort();
    for (unsigned i = 0; i < count; i++) {
        if (pthread_create(&callers->threads[i], NULL, call, callers) != 0)
            abort();
    }
    return callers;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct bench_times times_of(const struct bench_callers *callers, size_t replies, long status)
{
    double *took = malloc((replies + 1) * sizeof *took);
    struct bench_times times = {0};

    if (took == NULL)
        abort();
    for (size_t i = 0; i < replies; i++) {
        if (callers->times[i].status == status)
            took[times.count++] = callers->times[i].took_ms;
    }
    if (times.count > 0) {
        qsort(took, times.count, sizeof *took, compare);
        times.p50_ms = took[times.count / 2];
        times.p99_ms = took[times.count - 1 - times.count / 100];
        times.max_ms = took[times.count - 1];
    }
    free(took);
    return times;
}

static double settled_s(const struct bench_callers *callers, size_t replies, double slow_ms)
{
    size_t since = replies, slow = 0;

    for (size_t i = replies; i > 0 && callers->times[i - 1].status == 200; i--) {
        slow += callers->times[i - 1].took_ms > slow_ms;
        if (slow * 100 <= replies - (i - 1))
            since = i - 1;
    }
    return since == 0 ? 0.0 : (callers->times[since - 1].at_ms - callers->since_ms) / 1e3;
}

void bench_callers_stop(struct bench_callers *callers, double slow_ms,
                        struct bench_outcome *outcome)
{
    double seconds = (clock_ms() - callers->since_ms) / 1e3;
    size_t replies;

    callers->stopping = true;
    for (unsigned i = 0; i < callers->count; i++)
        (void)pthread_join(callers->threads[i], NULL);
    replies = callers->replies < REPLIES_MAX ? callers->replies : REPLIES_MAX;
    *outcome = (struct bench_outcome){.seconds = seconds};
    outcome->answered = times_of(callers, replies, 200);
    outcome->refused = times_of(callers, replies, 503);
    outcome->others = replies - outcome->answered.count - outcome->refused.count;
    outcome->settled_s = settled_s(callers, replies, slow_ms);
    free(callers->threads);
    free(callers->times);
    free(callers);
}
