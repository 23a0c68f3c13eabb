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

/* 1 / (1 + rest) and what rounding lost of it: once a row, and a softmax is then within 2.1 units. */
struct softmax_factor {
    vec high, low;
};

static inline struct softmax_factor softmax_factor(struct wide rest)
{
    vec r = rest.part[0], total = 1.0 + r, high = 1.0 / total;
    vec lost = lost_beside_one(r, total);
    /* 1 - total * high exactly, by splitting both into halves (T. J. Dekker, Numer. Math. 18, 1971). */
    vec a = total * 0x1p27 + total, b = high * 0x1p27 + high;
    vec total_head = a - (a - total), head = b - (b - high);
    vec total_tail = total - total_head, tail = high - head;
    vec missing =
        ((1.0 - total_head * head) - total_head * tail - total_tail * head) - total_tail * tail;

    return (struct softmax_factor){high, (missing - lost * high) * high};
}

static inline struct wide softmax_of(real_vec x, real_vec max, struct softmax_factor factor)
{
    vec low, d = real_difference(x, max, &low);

    return (struct wide){{exp_times(factor.high, factor.low, d, low)}};
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
