/* bench_results.h - what `make bench` finds, and its report. */
#ifndef BENCH_RESULTS_H
#define BENCH_RESULTS_H

#include "bench/bench_requests.h"
#include "bench/bench_servers.h"
#include "bench/bench_table.h"

enum {
    BENCH_LOADS = 3,   /* numbers of connections */
    BENCH_LARGES = 3,  /* large requests */
    BENCH_MIXES = 3,   /* nothing beside the small requests, and two kinds of large ones */
    BENCH_SENDERS = 2, /* of large requests in a mix */
    BENCH_MIX_CONNECTIONS = 32,
};

extern const unsigned bench_connections[BENCH_LOADS];
extern const enum bench_kind bench_larges[BENCH_LARGES];
extern const enum bench_kind bench_mixes[BENCH_MIXES]; /* BENCH_SMALL: nothing */

struct load_figures {
    struct bench_figure requests_per_s, p50_us, p99_us, cpu_us;
};

struct large_figures {
    struct bench_figure gb_per_s, ms, cpu_ms;
};

struct mix_figures {
    struct bench_figure requests_per_s, p50_us, p99_us, large_per_s;
};

struct bench_results {
    struct load_figures loads[BENCH_LOADS][BENCH_SERVERS];
    struct large_figures larges[BENCH_LARGES][BENCH_SERVERS];
    struct mix_figures mixes[BENCH_MIXES][BENCH_SERVERS];
    struct bench_figure idle_mb, after_mb, after_share; /* of pool_bytes_max */
};

/* The machine and how busy it is, in one line. */
void bench_report_machine(void);

/* All figures, and ratios beside their targets. */
void bench_report(const struct bench_results *results,
                  const struct bench_request requests[BENCH_KINDS], double seconds);

#endif
