/* overload.c - what becomes of lossd, and of its clients, when they ask for three times as much as
 * it can do (row 81 of tests/faults/rows.txt), and when a thousand of them are slow on purpose.
 *
 * One worker and a small budget, so that the clients on the same machine can ask for so much;
 * the capacity is measured first.  All of these, and the slow ones, give way to lossd where
 * there are few CPUs, or they would take from it what they ask for.  OVERLOAD_SECONDS is how
 * long the overload lasts.  The exit status is 1 if memory, health or the end of the daemon was not
 * what was promised; what depends on the machine's speed is only told. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bench_callers.h"
#include "support/daemon.h"
#include "support/raw.h"

enum {
    NUMBERS = 60000,
    BODY_BYTES = 3 * NUMBERS,
    CALLERS = 96, /* more than may wait in the queue */
    BUDGET_MIB = 64,
    SLOW = 1000,
    SLOW_PER_MS = SLOW / 100,
    SMALL_CALLERS = 16,
    SMALL_RATE = 500,
    SCENE_MS = 5000,
};

/* A request for a worker, which takes it much longer than its clients. */
static size_t write_request(char *request)
{
    char *body = malloc(BODY_BYTES), *at = body;
    size_t length;

    if (body == NULL)
        abort();
    at += sprintf(at, "{\"logits\":[[");
    for (int i = 0; i < NUMBERS; i++)
        at += sprintf(at, "%s%d", i == 0 ? "" : i % 100 == 0 ? "],[" : ",", i * 7 % 10);
    at += sprintf(at, "]],\"targets\":[0");
    for (int i = 1; i < NUMBERS / 100; i++)
        at += sprintf(at, ",%d", i % 10);
    at += sprintf(at, "],\"dtype\":\"float64\",\"return\":[\"ece\",\"entropy\",\"brier\"]}");
    length = (size_t)sprintf(request,
                             "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                             (size_t)(at - body));
    memcpy(request + length, body, (size_t)(at - body));
    length += (size_t)(at - body);
    free(body);
    return length;
}

static double rss_mib(const struct daemon *lossd)
{
    char path[64], line[256];
    double kib = NAN;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)lossd->pid);
    file = fopen(path, "r");
    if (file == NULL)
        return NAN;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtod(line + 6, NULL);
    }
    (void)fclose(file);
    return kib / 1024.0;
}

/* Looks every 50 ms how the daemon is, on new connections. */
struct watcher {
    const struct daemon *lossd;
    atomic_bool stopping;
    double rss_mib_max, health_ms_max, metrics_ms_max;
    size_t looks, failures;
    pthread_t thread;
};

static double look(struct watcher *watcher, const char *path)
{
    static const char form[] = "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    struct response response = {0};
    double begun = clock_ms(), took;
    char request[128];
    struct raw raw;

    raw_open(&raw, watcher->lossd->port);
    (void)snprintf(request, sizeof request, form, path);
    (void)raw_say(&raw, request);
    raw_read(&raw, false, RAW_MS, &response);
    took = clock_ms() - begun;
    watcher->looks++;
    watcher->failures += response.status != 200;
    raw_close(&raw);
    response_free(&response);
    return took;
}

static void *watch(void *argument)
{
    struct watcher *watcher = argument;

    while (!watcher->stopping) {
        watcher->rss_mib_max = fmax(watcher->rss_mib_max, rss_mib(watcher->lossd));
        watcher->health_ms_max = fmax(watcher->health_ms_max, look(watcher, "/readyz"));
        watcher->metrics_ms_max = fmax(watcher->metrics_ms_max, look(watcher, "/metrics"));
        for (int i = 0; i < 50; i++)
            pause_a_ms();
    }
    return NULL;
}

static void watcher_start(struct watcher *watcher, const struct daemon *lossd)
{
    *watcher = (struct watcher){.lossd = lossd};
    if (pthread_create(&watcher->thread, NULL, watch, watcher) != 0)
        abort();
}

static void watcher_stop(struct watcher *watcher)
{
    watcher->stopping = true;
    (void)pthread_join(watcher->thread, NULL);
}

static void wait_until_ms(double end)
{
    while (clock_ms() < end)
        pause_a_ms();
}

static void wait_ms(double ms)
{
    wait_until_ms(clock_ms() + ms);
}

static void load(const struct daemon *lossd, const struct bench_call *what, unsigned count,
                 double rate, double ms, double slow_ms, struct bench_outcome *outcome)
{
    struct bench_callers *callers = bench_callers_start(lossd->port, what, count, rate);

    wait_ms(ms);
    bench_callers_stop(callers, slow_ms, outcome);
}

static void print_outcome(const char *name, const struct bench_outcome *outcome)
{
    (void)printf("%-12s %8.0f %9.2f %9.2f %9.1f  %8.0f %9.2f %9.2f  %6zu\n", name,
                 (double)outcome->answered.count / outcome->seconds, outcome->answered.p50_ms,
                 outcome->answered.p99_ms, outcome->answered.max_ms,
                 (double)outcome->refused.count / outcome->seconds, outcome->refused.p50_ms,
                 outcome->refused.p99_ms, outcome->others);
    (void)fflush(stdout);
}

static void print_head(void)
{
    (void)printf("%-12s %8s %9s %9s %9s  %8s %9s %9s  %6s\n", "", "200/s", "p50 ms", "p99 ms",
                 "max ms", "503/s", "p50 ms", "p99 ms", "other");
}

/* Whether it kept what does not depend on the machine's speed. */
static bool overload(double seconds)
{
    static char request[BODY_BYTES + 200];
    const struct bench_call what = {request, write_request(request), true};
    struct bench_outcome most, half, triple, after;
    struct watcher watcher;
    struct daemon lossd;
    double capacity;

    daemon_start(&lossd,
                 (const char *const[]){"--workers", "1", "--memory-budget-bytes", "67108864", NULL},
                 NULL);
    (void)printf("requests of %zu bytes to one worker, with a budget of %d MiB\n", what.length,
                 BUDGET_MIB);
    print_head();
    load(&lossd, &what, 4, 0.0, SCENE_MS, 0.0, &most);
    print_outcome("capacity", &most);
    capacity = (double)most.answered.count / most.seconds;
    load(&lossd, &what, CALLERS, capacity / 2, SCENE_MS, 0.0, &half);
    print_outcome("half of it", &half);
    watcher_start(&watcher, &lossd);
    load(&lossd, &what, CALLERS, 3 * capacity, seconds * 1e3, 0.0, &triple);
    watcher_stop(&watcher);
    print_outcome("3 x it", &triple);
    load(&lossd, &what, CALLERS, capacity / 2, SCENE_MS, 2 * half.answered.p99_ms, &after);
    print_outcome("half again", &after);
    (void)printf("goodput %.2f of the capacity; refusals in %.2f ms at the median (wanted: 2)\n"
                 "most memory %.1f MiB (wanted: budget + 10 %% = %.1f)\n"
                 "health and metrics: %zu asked, %zu failed, %.1f and %.1f ms at most\n"
                 "p99 as before, at most twice, %.2f s after the overload (wanted: 2)\n\n",
                 (double)triple.answered.count / triple.seconds / capacity, triple.refused.p50_ms,
                 watcher.rss_mib_max, BUDGET_MIB * 1.1, watcher.looks, watcher.failures,
                 watcher.health_ms_max, watcher.metrics_ms_max, after.settled_s);
    return daemon_stop(&lossd) == 0 && watcher.failures == 0 &&
           watcher.rss_mib_max <= BUDGET_MIB * 1.1 && triple.answered.count != 0;
}

/* A thousand connections that send a byte of a header, or of a body, every 100 ms, each at a moment
 * of its own, as clients that know nothing of each other do; cut off, they come again. */
struct slow_clients {
    unsigned port;
    atomic_bool stopping;
    size_t cut;
    pthread_t thread;
};

static void *be_slow(void *argument)
{
    static struct raw raws[SLOW];
    static const char begin[] =
        "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n";
    struct slow_clients *slow = argument;
    double due = clock_ms();

    for (int i = 0; i < SLOW; i++)
        raws[i].fd = -1;
    bench_give_way();
    while (!slow->stopping) {
        for (int i = 0; i < SLOW && !slow->stopping; i++) {
            if (raws[i].fd < 0) {
                raw_open(&raws[i], slow->port);
                (void)raw_say(&raws[i], begin);
                (void)raw_say(&raws[i], i % 2 == 0 ? "\r\n{" : "");
            } else if (!raw_say(&raws[i], "x")) {
                raw_close(&raws[i]);
                slow->cut++;
            }
            if (i % SLOW_PER_MS == 0)
                wait_until_ms(due = fmax(due + 1.0, clock_ms()));
        }
    }
    for (int i = 0; i < SLOW; i++)
        raw_close(&raws[i]);
    return NULL;
}

/* Small requests to one daemon, while the slow connections are to `other`. */
static void load_beside_slow(const struct daemon *lossd, const struct daemon *other,
                             const struct bench_call *what, const char *name,
                             struct bench_outcome *outcome)
{
    struct slow_clients slow = {.port = other->port};

    if (pthread_create(&slow.thread, NULL, be_slow, &slow) != 0)
        abort();
    wait_ms(500);
    load(lossd, what, SMALL_CALLERS, SMALL_RATE, 3 * SCENE_MS, 0.0, outcome);
    slow.stopping = true;
    (void)pthread_join(slow.thread, NULL);
    print_outcome(name, outcome);
    (void)printf("%-12s %zu slow connections were cut off\n", "", slow.cut);
}

/* The slow ones cost the machine something too, wherever they go: so there
 * is a daemon of their own. */
static bool slowness(void)
{
    static const char request[] =
        "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nContent-Length: 28\r\n\r\n"
        "{\"logits\":[1,2],\"targets\":1}";
    static const char *const settings[] = {"--connections-max", "2000", NULL};
    const struct bench_call what = {request, sizeof request - 1, false};
    struct bench_outcome without, elsewhere, with;
    struct daemon lossd, other;

    daemon_start(&lossd, settings, NULL);
    daemon_start(&other, settings, NULL);
    (void)printf("small requests: without slow connections, with %d to another daemon, and with as "
                 "many to the same\n",
                 SLOW);
    print_head();
    load(&lossd, &what, SMALL_CALLERS, SMALL_RATE, 2 * SCENE_MS, 0.0, &without);
    print_outcome("without", &without);
    load_beside_slow(&lossd, &other, &what, "elsewhere", &elsewhere);
    load_beside_slow(&lossd, &lossd, &what, "with", &with);
    (void)printf("p99 %.2f x (wanted: 2); %.2f x if the slow ones are another daemon's\n",
                 with.answered.p99_ms / without.answered.p99_ms,
                 elsewhere.answered.p99_ms / without.answered.p99_ms);
    return daemon_stop(&other) == 0 && daemon_stop(&lossd) == 0 && with.answered.count != 0;
}

int main(void)
{
    const char *seconds = getenv("OVERLOAD_SECONDS");
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    bool kept =
        overload(seconds != NULL && strtod(seconds, NULL) > 0.0 ? strtod(seconds, NULL) : 30.0);

    kept &= slowness();
    (void)printf(kept ? "nothing failed that may not\n"
                      : "FAILED: memory, health, or the end of a daemon\n");
    return kept ? 0 : 1;
}
