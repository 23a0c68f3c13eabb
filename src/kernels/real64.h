/* real64.h - what is particular to float64 elements; part of real.h.
 *
 * x - max itself rounds, so what it loses is carried into the exponential; and every sum carries what
 * its roundings lose (both by two-sum: D. E. Knuth, TAOCP 2, 4.2.2). */
#ifndef KERNELS_REAL64_H
#define KERNELS_REAL64_H

#include "kernels/elementary.h"
#include "kernels/lanes.h"

static inline struct wide real_widen(real_vec x)
{
    return (struct wide){{x}};
}

static inline real_vec real_narrow(struct wide x)
{
    return x.part[0];
}

struct exps {
    vec value;
};

/* exp(x - max) for finite max >= x; 0 where x is -inf. */
static inline struct exps exp_shifted(real_vec x, real_vec max)
{
    vec low, d = real_difference(x, max, &low);

    return (struct exps){exp_full(d, low)};
}

/* The exponentials where the mask's lane is -1, else 0. */
static inline struct exps exps_keep(real_mask mask, struct exps e)
{
    return (struct exps){real_keep(mask, e.value)};
}

/* factor / (1 + rest) and what rounding lost of it: once a row, and a softmax is then within 2.1 units.
 * A factor that is no number or infinite, or whose low part overflows, comes in at the end instead. */
struct softmax_factor {
    vec high, low, last;
};

static inline struct softmax_factor softmax_factor(struct wide rest, struct wide factor)
{
    vec r = rest.part[0], total = 1.0 + r, inverse = 1.0 / total;
    vec missing = (1.0 - total * inverse) - product_lost(total, inverse);
    vec inverse_low = (missing - lost_beside_one(r, total) * inverse) * inverse;
    ivec is_small = (factor.part[0] < 0x1p900) & (factor.part[0] > -0x1p900);
    vec first = vec_select(is_small, factor.part[0], vec_all(1.0)), high = first * inverse;

    return (struct softmax_factor){high, product_lost(first, inverse) + first * inverse_low,
                                   vec_select(is_small, vec_all(1.0), factor.part[0])};
}

static inline struct wide softmax_of(real_vec x, real_vec max, struct softmax_factor factor)
{
    vec low, d = real_difference(x, max, &low);

    return (struct wide){{exp_times(factor.high, factor.low, d, low) * factor.last}};
}

/* Sums of exponentials, one in every lane, and what their roundings have lost. */
struct sums {
    vec total, lost;
};

static inline void sums_add(struct sums *sums, struct exps e)
{
    vec total = sums->total + e.value, added = total - sums->total;

    sums->lost += (sums->total - (total - added)) + (e.value - added);
    sums->total = total;
}

static inline struct sums sums_zero(void)
{
    return (struct sums){vec_all(0.0), vec_all(0.0)};
}

static inline struct wide sums_value(const struct sums *sums, struct wide *lost)
{
    *lost = (struct wide){{sums->lost}};
    return (struct wide){{sums->total}};
}

#endif
