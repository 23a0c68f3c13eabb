/* bench_callers.h - many clients that ask at a given rate, whether the server keeps up or not. */
#ifndef BENCH_CALLERS_H
#define BENCH_CALLERS_H

#include <stdbool.h>
#include <stddef.h>

struct bench_callers;

/* What is asked for; and whether those who ask give way to lossd where there are few CPUs, as
 * clients on machines of their own do. */
struct bench_call {
    const char *request;
    size_t length;
    bool gives_way;
};

/* Start so many threads, a connection each, that together send `rate` requests a second, evenly;
 * or, for 0, each as soon as it has its reply.  A caller who is late sends at once, and who is a
 * second late leaves out what he has missed.  The request must outlive them. */
struct bench_callers *bench_callers_start(unsigned port, const struct bench_call *what,
                                          unsigned count, double rate);

/* Let this thread give way. */
void bench_give_way(void);

/* Times of replies, in milliseconds from the first byte of a request, or of its connection, on. */
struct bench_times {
    size_t count;
    double p50_ms, p99_ms, max_ms;
};

struct bench_outcome {
    double seconds;
    struct bench_times answered; /* with 200 */
    struct bench_times refused;  /* with 503 */
    size_t others;               /* other statuses, and no reply at all */
    /* Since the start, from when on none was refused and 1 in 100 at most took more than `slow_ms`;
     * when the last answer came, if there is no such time. */
    double settled_s;
};

/* Stop them and look at what they found. */
void bench_callers_stop(struct bench_callers *callers, double slow_ms,
                        struct bench_outcome *outcome);

#endif
