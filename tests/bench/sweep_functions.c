/* sweep_functions.c - the kernels' exp, log and log1p, and what they are made of, for a block of
 * arguments; and the truth for each. */
#include "bench/sweep_functions.h"

#include <math.h>

#define VECTOR_BYTES 16
#define REAL         float
#define REAL_BYTES   4
#include "kernels/real.h"
#include "support/specification.h"

/* Where fused() is trusted: made of float64 (so not if this is built for CPUs that have the
 * instruction) its results must be the same.  The other two, n times the halves of ln 2 and what
 * remains of y, have exact sums in float64: all are multiples of 2^-42 below 1. */
void our_curve(struct block *block)
{
    for (size_t i = 0; i < BLOCK; i += REALS) {
        real_vec r = real_narrow(wide_load(block->x + i));

        wide_store(block->y + i, real_widen(exp_curve(r, r * r)));
    }
}

/* Counted from an even number, and from an odd one, beside which what is half-way
 * is rounded the other way. */
static void our_n(struct block *block, float rounder)
{
    for (size_t i = 0; i < BLOCK; i += REALS) {
        real_vec y = real_narrow(wide_load(block->x + i));
        real_vec power = fused(y, real_all(LOG2_E_32), real_all(rounder));

        wide_store(block->y + i, real_widen(power - rounder));
    }
}

void our_even_n(struct block *block)
{
    our_n(block, WHOLE_32);
}

void our_odd_n(struct block *block)
{
    our_n(block, WHOLE_32 + 1.0f);
}

/* The pairs of a softmax, whose rest is 0. */
void our_pair(struct block *block)
{
    for (size_t i = 0; i < BLOCK; i += REALS) {
        struct wide max = wide_load(block->other + i);
        struct softmax_row row =
            softmax_row(max, sums_scale(max), wide_all(0.0), wide_all(0.0), wide_all(1.0));

        wide_store(block->y + i, softmax_of(real_narrow(wide_load(block->x + i)), &row));
    }
}

/* Sums of one term. */
void our_term(struct block *block)
{
    double max = block->other[0];
    const struct origin origin = origin_of(real_all((float)max), is_far(max));

    for (size_t i = 0; i < BLOCK; i += REALS) {
        real_vec x = real_narrow(wide_load(block->x + i));
        struct sums sums = sums_zero();
        struct wide unused, sum, scale = sums_scale(wide_all(max));
        struct begun begun;

        exps_begin(1, &x, &origin, is_far(max), &begun);
        sums_add_power(&sums, begun.power);
        sums_add_rest(&sums, rest_of(&begun));
        sum = sums_value(&sums, &unused);
        for (size_t part = 0; part < PARTS; part++)
            sum.part[part] *= scale.part[part];
        wide_store(block->y + i, sum);
    }
}

void our_exp(struct block *block)
{
    for (size_t i = 0; i < BLOCK; i += LANES)
        vec_store(block->y + i, exp_full(vec_load(block->x + i), vec_load(block->other + i)));
}

void our_log(struct block *block)
{
    for (size_t i = 0; i < BLOCK; i += LANES)
        vec_store(block->y + i, log_full(vec_load(block->x + i)));
}

void our_log1p(struct block *block)
{
    for (size_t i = 0; i < BLOCK; i += LANES)
        vec_store(block->y + i, log1p_full(vec_load(block->x + i), vec_all(0.0)));
}

long double true_curve(double x, double other)
{
    (void)other;
    return (long double)specification_curve((float)x);
}

long double true_n(double x, double other)
{
    (void)other;
    return (long double)specification_whole((float)x);
}

long double true_pair(double x, double max)
{
    long double d = (long double)x - max;

    return (float)d > EXP_LEAST_32 ? expl(d) : 0.0L;
}

/* Not e^(x + low), where the sum would be rounded. */
long double true_exp(double x, double low)
{
    if (x > 710.0 || x < -746.0)
        return x > 0.0 ? (long double)INFINITY : 0.0L; /* as float64 has it; expl is slow there */
    return expl(x) * (1.0L + low);
}

long double true_log(double x, double other)
{
    (void)other;
    return x < 0.0 ? (long double)NAN : logl(x); /* logl is slow there */
}

long double true_log1p(double x, double other)
{
    (void)other;
    return log1pl(x);
}
