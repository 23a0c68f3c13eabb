/* real.h - elements of the type that a kernel is compiled for: REAL is float or double. */
#ifndef KERNELS_REAL_H
#define KERNELS_REAL_H

#include "kernels/elementary.h"
#include "kernels/kernel.h"
#include "kernels/vector.h"

/* Whether REAL is as wide as the arithmetic. */
#define IS_WIDE (sizeof(REAL) == sizeof(double))

/* LANES elements that lie side by side, widened. */
static inline vec real_load(const REAL *from)
{
    if (IS_WIDE) {
        vec wide;

        memcpy(&wide, from, sizeof wide);
        return wide;
    }
    half_vec narrow;

    memcpy(&narrow, from, sizeof narrow);
    return __builtin_convertvector(narrow, vec);
}

/* `count` elements at a distance, in the first lanes; the others hold `filler`. */
static inline vec real_gather(const REAL *from, size_t stride, size_t count, double filler)
{
    double lanes[LANES];

    for (size_t l = 0; l < LANES; l++)
        lanes[l] = l < count ? (double)from[l * stride] : filler;
    return vec_load(lanes);
}

static inline void real_store(REAL *to, vec value)
{
    if (IS_WIDE) {
        memcpy(to, &value, sizeof value);
        return;
    }
    half_vec narrow = __builtin_convertvector(value, half_vec);

    memcpy(to, &narrow, sizeof narrow);
}

static inline void real_scatter(REAL *to, size_t stride, size_t count, vec value)
{
    double lanes[LANES];

    vec_store(lanes, value);
    for (size_t l = 0; l < count; l++)
        to[l * stride] = (REAL)lanes[l];
}

static inline const REAL *row_of(const struct kernel_tile *tile, size_t position)
{
    return (const REAL *)tile->x + position * tile->position_stride;
}

/* exp(x - max) for one vector of a row whose maximum is finite; a NaN in x is not allowed.  In float64
 * the difference itself rounds, so what it loses is carried (the two-sum of D. E. Knuth, TAOCP 2,
 * 4.2.2). */
static inline vec real_exp_shifted(vec x, vec max)
{
    vec d = x - max, back = d - x;

    if (!IS_WIDE)
        return exp_sum(d);
    return exp_full(d, (x - (d - back)) - (max + back));
}

#endif
