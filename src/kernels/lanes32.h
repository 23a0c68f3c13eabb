/* lanes32.h - what float32 vectors need beside lanes.h: their wide form,
 * and a * b + c rounded once. */
#ifndef KERNELS_LANES32_H
#define KERNELS_LANES32_H

#include "kernels/lanes.h"

#if VECTOR_BYTES == 16
#define LOW_HALF  0, 1
#define HIGH_HALF 2, 3
#elif VECTOR_BYTES == 32
#define LOW_HALF  0, 1, 2, 3
#define HIGH_HALF 4, 5, 6, 7
#else
#define LOW_HALF  0, 1, 2, 3, 4, 5, 6, 7
#define HIGH_HALF 8, 9, 10, 11, 12, 13, 14, 15
#endif
#define EACH_LANE LOW_HALF, HIGH_HALF

typedef double wide_vec __attribute__((vector_size(2 * VECTOR_BYTES)));

static inline struct wide real_widen(real_vec x)
{
    wide_vec whole = __builtin_convertvector(x, wide_vec); /* gcc 12 makes a mess of halves */

    return (struct wide){{__builtin_shufflevector(whole, whole, LOW_HALF),
                          __builtin_shufflevector(whole, whole, HIGH_HALF)}};
}

static inline real_vec real_narrow(struct wide x)
{
    wide_vec whole = __builtin_shufflevector(x.part[0], x.part[1], EACH_LANE);
    half_vec low = __builtin_convertvector(x.part[0], half_vec);
    half_vec high = __builtin_convertvector(x.part[1], half_vec);

    if (VECTOR_BYTES == 16)
        return __builtin_convertvector(whole, real_vec);
    /* gcc 12 makes a mess of a larger whole */
    return __builtin_shufflevector(low, high, EACH_LANE);
}

/* a * b + c rounded once: one instruction on CPUs since about 2013, and always on aarch64. */
static inline real_vec fused_lanes(real_vec a, real_vec b, real_vec c)
{
    REAL x[REALS], y[REALS], z[REALS];

    real_store(x, a);
    real_store(y, b);
    real_store(z, c);
    AS_VECTOR for (size_t l = 0; l < REALS; l++) z[l] = __builtin_fmaf(x[l], y[l], z[l]);
    return real_load(z);
}

/* Elsewhere the same by float64, where the product is exact: a sum rounded to float64 and then to
 * float32 is the sum rounded once, unless the first rounding has moved it to half-way between two
 * float32, or the result is subnormal.  fused() is for arguments of which neither can be
 * (tests/bench/sweep.c looks at all there are of an exponential's, but for those whose sum is exact
 * in float64); fused_any() looks, and then asks the C library.  There too a result that is
 * subnormal must have an exact sum. */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)

#define fused     fused_lanes
#define fused_any fused_lanes

#else

static inline struct wide fused_wide(real_vec a, real_vec b, real_vec c)
{
    struct wide x = real_widen(a), y = real_widen(b), sum = real_widen(c);

    UNROLLED for (size_t i = 0; i < PARTS; i++) sum.part[i] = x.part[i] * y.part[i] + sum.part[i];
    return sum;
}

static inline real_vec fused(real_vec a, real_vec b, real_vec c)
{
    return real_narrow(fused_wide(a, b, c));
}

static inline real_vec fused_any(real_vec a, real_vec b, real_vec c)
{
    const ivec dropped = ivec_all(0x1fffffff), half_way = ivec_all(0x10000000);
    struct wide sum = fused_wide(a, b, c), z = real_widen(c);
    ivec is_half_way = {0};

    UNROLLED for (size_t i = 0; i < PARTS; i++) is_half_way |=
        ((bits_of(sum.part[i]) & dropped) == half_way) & (z.part[i] != 0.0); /* else it is exact */
    return any_lane(is_half_way) ? fused_lanes(a, b, c) : real_narrow(sum);
}

#endif

#endif
