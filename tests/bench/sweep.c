/* sweep.c - the kernels' exp, log and log1p at every float32, and at many
 * float64, against the truth.
 *
 * The truth is what the C library gives in long double.  On x86-64 that has 11 bits more than
 * float64, and glibc's expl, logl and log1pl are within 2 units of them, a thousandth of a unit of
 * float64 (by its own tests; 1.1 beside multiprecision arithmetic).  Prints the worst errors with
 * their arguments, and fails if one exceeds what the headers promise.  `make sweep` runs it, with
 * ARGS=64 at every 64th block. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/sweep_functions.h"
#include "support/numbers.h"

enum { THREADS_MAX = 256 };
#define FLOATS  ((uint64_t)1 << 32)
#define SAMPLES ((uint64_t)100 * 1000 * 1000)

/* What the headers promise: relative errors of float32's, units in the last place of the others. */
#define PAIR_BOUND  0x1.6ap-26 /* 2^-25.5 */
#define TERM_BOUND  0x1.91p-25 /* 2^-24.35 */
#define UNITS_BOUND 0.9

/* ---- arguments ------------------------------------------------------------------------------- */

/* From 0 up, then from -0 down; NaN last in both. */
static void every_float32(struct block *block, uint64_t first)
{
    for (size_t i = 0; i < BLOCK; i++) {
        uint32_t bits = (uint32_t)(first + i);
        float x;

        memcpy(&x, &bits, sizeof x);
        block->x[i] = (double)x;
        block->other[i] = 0.0;
    }
}

/* All that are no larger than `largest`, and 0 for the others. */
static void every_small(struct block *block, uint64_t first, double largest)
{
    every_float32(block, first);
    for (size_t i = 0; i < BLOCK; i++)
        block->x[i] = fabs(block->x[i]) <= largest ? block->x[i] : 0.0;
}

static void every_remainder(struct block *block, uint64_t first)
{
    every_small(block, first, 0.36);
}

static void every_exponent(struct block *block, uint64_t first)
{
    every_small(block, first, 300.0);
}

/* From -0 down to -infinity, and again -infinity for the NaN, which the pairs are not made for. */
static void every_negative(struct block *block, uint64_t first)
{
    every_float32(block, first + FLOATS / 2);
    for (size_t i = 0; i < BLOCK; i++)
        block->x[i] = isnan(block->x[i]) ? -(double)INFINITY : block->x[i];
}

/* The same, but for those that are nothing even beside the least loss there is, e^-103. */
static void every_term(struct block *block, uint64_t first)
{
    every_negative(block, first);
    for (size_t i = 0; i < BLOCK; i++)
        block->x[i] = block->x[i] > -126.0 ? block->x[i] : -(double)INFINITY;
}

/* Two float32 whose difference is in the range of the pairs and often no float32
 * itself; one maximum for all. */
static void float32_and_max(struct block *block, uint64_t first)
{
    uint64_t random = first;
    int exponent = (int)(first / BLOCK % 24) - 12;
    double max = (double)(float)ldexp(2.0 * number_random(&random) - 1.0, exponent);

    for (size_t i = 0; i < BLOCK; i++) {
        double v = number_random(&random);
        double less = i % 2 == 0 ? 126.0 * v : ldexp(v, (int)(i / 2 % 31) - 24);

        block->x[i] = (double)(float)(max - less);
        block->other[i] = max;
    }
}

/* The whole range of exp, and closer and closer to 0. */
static void for_exp(struct block *block, uint64_t first)
{
    uint64_t random = first;

    for (size_t i = 0; i < BLOCK; i++) {
        double u = number_random(&random);

        block->x[i] = i % 2 == 0 ? 1456.0 * u - 746.0 : ldexp(2.0 * u - 1.0, 1 - (int)(i % 64));
        block->other[i] = 0.0;
    }
}

/* The same with a low part of up to half a unit. */
static void for_exp_with_low(struct block *block, uint64_t first)
{
    uint64_t random = ~first;

    for_exp(block, first);
    for (size_t i = 0; i < BLOCK; i++) {
        int exponent;

        (void)frexp(block->x[i], &exponent);
        block->other[i] = ldexp(2.0 * number_random(&random) - 1.0, exponent - 54);
    }
}

/* Positive numbers of every exponent, and around 1. */
static void for_log(struct block *block, uint64_t first)
{
    uint64_t random = first;

    for (size_t i = 0; i < BLOCK; i++) {
        double u = number_random(&random), v = number_random(&random);

        block->x[i] = i % 2 == 0 ? ldexp(1.0 + u, (int)(2098.0 * v) - 1074) : 2.0 * u;
        block->other[i] = 0.0;
    }
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

static double relative(double y, long double truth)
{
    return (double)(fabsl(((long double)y - truth) / truth));
}

static double units(double y, long double truth)
{
    return number_units_from_truth(LOSS_FLOAT64, y, truth);
}

static const struct sweep {
    const char *name;
    void (*fill)(struct block *block, uint64_t first);
    void (*ours)(struct block *block);
    long double (*truth)(double x, double other);
    double (*error)(double y, long double truth);
    double bound;
    uint64_t arguments;
} sweeps[] = {
    {"curve of float32, every remainder", every_remainder, our_curve, true_curve, relative, 0.0,
     FLOATS},
    {"n of float32, every exponent", every_exponent, our_even_n, true_n, relative, 0.0, FLOATS},
    {"n of float32, from an odd number", every_exponent, our_odd_n, true_n, relative, 0.0, FLOATS},
    {"exp of float32, every one <= 0", every_negative, our_pair, true_pair, relative, PAIR_BOUND,
     FLOATS / 2},
    {"exp of float32, sampled, less max", float32_and_max, our_pair, true_pair, relative,
     PAIR_BOUND, SAMPLES},
    {"term of a sum, every float32 <= 0", every_term, our_term, true_pair, relative, TERM_BOUND,
     FLOATS / 2},
    {"term of a sum, sampled, less max", float32_and_max, our_term, true_pair, relative, TERM_BOUND,
     SAMPLES},
    {"exp, every float32", every_float32, our_exp, true_exp, units, UNITS_BOUND, FLOATS},
    {"exp, sampled", for_exp, our_exp, true_exp, units, UNITS_BOUND, SAMPLES},
    {"exp with a low part, sampled", for_exp_with_low, our_exp, true_exp, units, UNITS_BOUND,
     SAMPLES},
    {"log, every float32", every_float32, our_log, true_log, units, UNITS_BOUND, FLOATS},
    {"log, sampled", for_log, our_log, true_log, units, UNITS_BOUND, SAMPLES},
    {"log1p, every float32 >= 0", every_float32, our_log1p, true_log1p, units, UNITS_BOUND,
     FLOATS / 2},
    {"log1p, sampled", for_log, our_log1p, true_log1p, units, UNITS_BOUND, SAMPLES},
};

struct worst {
    double error, x, other;
};

/* A sweep as the threads share it: each takes the next block until none is left. */
struct work {
    const struct sweep *sweep;
    uint64_t blocks, step;
    atomic_uint_fast64_t next;
    pthread_mutex_t lock;
    struct worst worst; /* under the lock */
};

static void look_at(const struct sweep *sweep, const struct block *block, struct worst *worst)
{
    for (size_t i = 0; i < BLOCK; i++) {
        double x = block->x[i], y = block->y[i], error;
        long double truth = sweep->truth(x, block->other[i]);

        if (y == (double)truth || (isnan(y) && isnan(truth)))
            continue; /* nothing is closer */
        error = sweep->error(y, truth);
        if (isnan(error))
            error = (double)INFINITY;
        if (error > worst->error)
            *worst = (struct worst){error, x, block->other[i]};
    }
}

static void *run(void *context)
{
    struct work *work = context;
    struct worst worst = {0.0, 0.0, 0.0};
    struct block block;
    uint64_t b;

    while ((b = atomic_fetch_add(&work->next, work->step)) < work->blocks) {
        work->sweep->fill(&block, b * BLOCK);
        work->sweep->ours(&block);
        look_at(work->sweep, &block, &worst);
        if (b / work->step % 1024 == 0)
            (void)fprintf(stderr, "\r%-36s %3.0f %%", work->sweep->name,
                          100.0 * (double)b / (double)work->blocks);
    }
    (void)pthread_mutex_lock(&work->lock);
    if (worst.error > work->worst.error)
        work->worst = worst;
    (void)pthread_mutex_unlock(&work->lock);
    return NULL;
}

/* Print a line; whether the error is within the bound. */
static bool sweep_all(const struct sweep *sweep, uint64_t step)
{
    struct work work = {.sweep = sweep,
                        .blocks = sweep->arguments / BLOCK,
                        .step = step,
                        .lock = PTHREAD_MUTEX_INITIALIZER};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int count = 0, wanted = cores < 1 ? 1 : cores < THREADS_MAX ? (int)cores : THREADS_MAX;
    pthread_t threads[THREADS_MAX];
    time_t start = time(NULL);
    bool is_relative = sweep->error == relative, is_within;

    while (count < wanted && pthread_create(&threads[count], NULL, run, &work) == 0)
        count++;
    if (count == 0)
        (void)run(&work);
    while (count > 0)
        (void)pthread_join(threads[--count], NULL);
    is_within = work.worst.error <= sweep->bound;
    (void)fprintf(stderr, "\r%48s\r", "");
    (void)printf("%-36s %s%.4f%s at %a", sweep->name, is_relative ? "2^" : "",
                 is_relative ? log2(work.worst.error) : work.worst.error,
                 is_relative ? "" : " units", work.worst.x);
    if (work.worst.other != 0.0)
        (void)printf(" with %a", work.worst.other);
    (void)printf(", %ld s%s\n", (long)(time(NULL) - start), is_within ? "" : ": EXCEEDS ITS BOUND");
    (void)fflush(stdout);
    return is_within;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long step = argc > 1 ? strtoul(argv[1], &end, 10) : 1;
    int exceeded = 0;

    if (step == 0 || step > UINT32_MAX || (end != NULL && *end != '\0') || argc > 2) {
        (void)fprintf(stderr,
                      "usage: sweep [STEP], to look at every STEP-th block, 1 to 2^32 - 1\n");
        return EXIT_FAILURE;
    }

    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++)
        exceeded += !sweep_all(&sweeps[i], step);
    return exceeded != 0;
}
