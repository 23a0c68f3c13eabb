/* real64.h - what is particular to float64 elements; part of real.h.
 *
 * x - max itself rounds, so what it loses is carried into the exponential (by two-sum: D. E. Knuth,
 * TAOCP 2, 4.2.2); and every sum carries what its roundings lose (vector_sum.h). */
#ifndef KERNELS_REAL64_H
#define KERNELS_REAL64_H

#include "kernels/elementary.h"
#include "kernels/lanes.h"
#include "kernels/vector_sum.h"

static inline struct wide real_widen(real_vec x)
{
    return (struct wide){{x}};
}

static inline real_vec real_narrow(struct wide x)
{
    return x.part[0];
}

enum { ROW_STEP = ROW_SUMS, COLUMN_STEP = 1, COLUMN_LEAST = 1 };
#define STEPS_AHEAD 0 /* sums32.h; here a step needs its elements to its end */

/* factor / (1 + rest) and what rounding lost of it: once a row, and a softmax is then
 * within 1.6 units.  A factor that is no number or infinite, or whose low part overflows,
 * comes in at the end instead. */
struct softmax_row {
    real_vec max;
    vec high, low, last;
};

static inline struct softmax_row softmax_row(struct wide max, struct wide scale, struct wide rest,
                                             struct wide low, struct wide factor)
{
    vec r = rest.part[0], total = 1.0 + r, inverse = 1.0 / total;
    vec lost = lost_beside_one(r, total) + low.part[0];
    vec missing = (1.0 - total * inverse) - product_lost(total, inverse);
    vec inverse_low = (missing - lost * inverse) * inverse;
    ivec is_small = (factor.part[0] < 0x1p900) & (factor.part[0] > -0x1p900);
    vec first = vec_select(is_small, factor.part[0], vec_all(1.0)), high = first * inverse;

    (void)scale;
    return (struct softmax_row){max.part[0], high,
                                product_lost(first, inverse) + first * inverse_low,
                                vec_select(is_small, vec_all(1.0), factor.part[0])};
}

INLINED struct wide softmax_of(real_vec x, const struct softmax_row *row)
{
    vec low, d = real_difference(x, row->max, &low);

    return (struct wide){{exp_times(row->high, row->low, d, low) * row->last}};
}

/* Sums of exponentials, one in every lane. */
struct sums {
    struct vector_sum lanes;
};

/* What is subtracted from the elements of a row, in every lane: there is but one way to do it. */
struct origin {
    real_vec max;
};

static inline bool is_far(double max)
{
    (void)max;
    return false;
}

static inline ivec far_lanes(vec max)
{
    (void)max;
    return (ivec){0};
}

static inline struct origin origin_of(real_vec max, bool far)
{
    (void)far;
    return (struct origin){max};
}

/* Add exp(x - max) for finite max >= x; 0 where x is -inf. */
static inline void sums_add(struct sums *sums, real_vec x, const struct origin *origin)
{
    vec low, d = real_difference(x, origin->max, &low);

    vector_sum_add(&sums->lanes, exp_full(d, low));
}

static inline struct sums sums_zero(void)
{
    return (struct sums){vector_sum_zero()};
}

/* ROW_STEP elements of a row on their way to its sums: still where they are. */
struct step {
    const REAL *from;
};

INLINED void step_begin(struct step *step, const REAL *from, const struct origin *origin, bool far)
{
    (void)origin, (void)far;
    step->from = from;
}

/* Add class c of them to partial sum c mod 16. */
INLINED void step_end(const struct step *step, const struct origin *origin, bool far,
                      struct sums *sums)
{
    (void)far;
    UNROLLED for (size_t g = 0; g < GROUPS; g++)
        sums_add(&sums[g], real_load(step->from + g * REALS), origin);
}

/* One class of REALS positions side by side. */
INLINED void sums_add_columns(size_t count, struct sums *sums, const real_vec *x,
                              const struct origin *origin, bool far)
{
    (void)count;
    (void)far;
    sums_add(sums, x[0], origin);
}

/* The sums, and what rounding them to float64 loses. */
static inline struct wide sums_value(const struct sums *sums, struct wide *low)
{
    vec total = sums->lanes.total, lost = sums->lanes.lost, sum = total + lost;

    low->part[0] = (total - sum) + lost;
    return (struct wide){{sum}};
}

/* The sum of the partial sums of a row. */
static inline double sums_fold(const struct sums *sums, double *low)
{
    struct vector_sum lanes[GROUPS];
    struct sum total;
    double sum;

    for (size_t g = 0; g < GROUPS; g++)
        lanes[g] = sums[g].lanes;
    total = vector_sums_fold(lanes);
    sum = total.total + total.lost;
    *low = (total.total - sum) + total.lost;
    return sum;
}

/* What sums are to be multiplied by. */
static inline struct wide sums_scale(struct wide max)
{
    (void)max;
    return wide_all(1.0);
}

/* log(1 + s + low) for s >= 0 or NaN. */
static inline vec real_log1p(vec s, vec low)
{
    return log1p_full(s, low);
}

#endif
