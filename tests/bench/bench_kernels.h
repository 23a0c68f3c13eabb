/* bench_kernels.h - what the files of bench_kernels share. */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include <stddef.h>

#include "loss/evaluation.h"

enum { BENCH_RUNS = 7 }; /* at least */

/* Memory that is kept for the next run, as the daemon keeps it for the next request: else most of
 * the time would go into new pages.  For one thread at a time. */
extern const struct loss_arena_source bench_keeper;

double bench_now_s(void);

/* The smaller one; 0 is none yet. */
void bench_keep_best(double *best, double took);

/* Read memory once, as fast as it comes, on any CPU; in whole lines, what is beyond is left out. */
void bench_read_once(const float *x, size_t count);

/* Evaluate a float32 request of rows on one thread, two, four and so on, and print how long that
 * and reading the predictions takes. */
void bench_threads(const struct loss_request *request);

#endif
