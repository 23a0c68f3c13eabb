/* sum.h - a sum that keeps what rounding loses, so that a million losses add up as exactly as one.
 *
 * `total` is the plain running sum and `lost` collects its rounding errors (Neumaier's variant of
 * Kahan's summation, Z. angew. Math. Mech. 54, 1974): the result is off by about one rounding of
 * the true sum, plus n^2 * 2^-106 of the sum of magnitudes. */
#ifndef KERNELS_SUM_H
#define KERNELS_SUM_H

#include <math.h>

struct sum {
    double total;
    double lost;
};

static inline void sum_add(struct sum *sum, double value)
{
    double total = sum->total + value;

    if (fabs(sum->total) >= fabs(value))
        sum->lost += (sum->total - total) + value;
    else
        sum->lost += (value - total) + sum->total;
    sum->total = total;
}

/* Add another sum to this one; the order in which parts are added decides the last bit. */
static inline void sum_merge(struct sum *sum, const struct sum *part)
{
    sum_add(sum, part->total);
    sum->lost += part->lost;
}

/* Infinities and NaN are in `total` as plain addition gives them; `lost` is then meaningless. */
static inline double sum_value(const struct sum *sum)
{
    return isfinite(sum->total) ? sum->total + sum->lost : sum->total;
}

#endif
