/* lanes.h - vectors of elements of the type that a kernel is compiled for: REAL is float or double,
 * REAL_BYTES its size, and REALS of them fill a vector.
 *
 * Elements are loaded as they are.  What needs more than float32 happens on their wide form, the same
 * lanes in float64, which is one vector or two. */
#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include "kernels/vector.h"

#define REALS (VECTOR_BYTES / REAL_BYTES)
#define PARTS (8 / REAL_BYTES) /* vectors of the wide form */

/* So that what is kept for each of a few vectors stays in registers. */
#define UNROLLED _Pragma("GCC unroll 16")

typedef REAL real_vec __attribute__((vector_size(VECTOR_BYTES)));

struct wide {
    vec part[PARTS];
};

#if REAL_BYTES == 4
typedef int32_t real_index;
#else
typedef int64_t real_index;
#endif
typedef real_index real_mask __attribute__((vector_size(VECTOR_BYTES))); /* lanes -1 or 0 */

static inline real_vec real_all(REAL value)
{
    return (real_vec){0} + value;
}

static inline real_vec real_load(const REAL *from)
{
    real_vec value;

    memcpy(&value, from, sizeof value);
    return value;
}

static inline void real_store(REAL *to, real_vec value)
{
    memcpy(to, &value, sizeof value);
}

/* `count` elements at a distance, in the first lanes; the others hold `filler`. */
static inline real_vec real_gather(const REAL *from, size_t stride, size_t count, REAL filler)
{
    REAL lanes[REALS];

    for (size_t l = 0; l < REALS; l++)
        lanes[l] = l < count ? from[l * stride] : filler;
    return real_load(lanes);
}

static inline void real_scatter(REAL *to, size_t stride, size_t count, real_vec value)
{
    for (size_t l = 0; l < count; l++)
        to[l * stride] = value[l];
}

/* a where the mask's lane is -1, b where it is 0. */
static inline real_vec real_select(real_mask mask, real_vec a, real_vec b)
{
    return (real_vec)((mask & (real_mask)a) | (~mask & (real_mask)b));
}

/* The value where the mask's lane is -1, else 0. */
static inline real_vec real_keep(real_mask mask, real_vec value)
{
    return (real_vec)(mask & (real_mask)value);
}

/* x - max and in *low what rounding took from it, exactly (two-sum: D. E. Knuth, TAOCP 2, 4.2.2). */
static inline real_vec real_difference(real_vec x, real_vec max, real_vec *low)
{
    real_vec d = x - max, back = d - x;

    *low = (x - (d - back)) - (max + back);
    return d;
}

static inline struct wide wide_all(double value)
{
    struct wide wide;

    UNROLLED for (size_t i = 0; i < PARTS; i++) wide.part[i] = vec_all(value);
    return wide;
}

static inline struct wide wide_load(const double *from)
{
    struct wide wide;

    memcpy(&wide, from, sizeof wide);
    return wide;
}

static inline void wide_store(double *to, struct wide value)
{
    memcpy(to, &value, sizeof value);
}

#endif
