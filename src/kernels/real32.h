/* real32.h - what is particular to float32 elements; part of real.h.  Sums of exponentials are in
 * sums32.h, softmax is in softmax32.h.
 *
 *     e^y = 2^n e^r,  y = n ln 2 + r,  |r| <= (ln 2)/2  (Cody and Waite: n * LN2_HIGH_32 is exact)
 *     e^r = 1 + r + r^2 q(r),   q a minimax polynomial, off by 2^-27.8 at most
 *
 * log(1 + s) has float64 arithmetic, but no more of it than a sum of such exponentials is worth: as
 * in elementary.h, with the series of atanh cut after s^13, where it is off by 2^-39 at most. */
#ifndef KERNELS_REAL32_H
#define KERNELS_REAL32_H

#include "kernels/elementary.h"
#include "kernels/lanes32.h"

#define LOG2_E_32   0x1.715476p+0f
#define LN2         0x1.62e42fefa39efp-1
#define LN2_HIGH_32 0x1.62e4p-1f /* 15 bits, and n has 9 at most */
#define LN2_LOW_32  0x1.7f7d1cp-20f

/* Exponentials below e^-138 of the largest are 0: 2^31 of them are less
 * than half the least float32. */
#define EXP_LEAST_32 (-138.0f)
#define WHOLE_32     0x1.8p23f /* added, rounds to an integer, which its lowest bits then are */

typedef uint32_t real_bits __attribute__((vector_size(VECTOR_BYTES)));

/* q(r).  Not by Horner's rule, whose steps wait for each other. */
static inline real_vec exp_curve(real_vec r, real_vec square)
{
    real_vec low = fused(r, real_all(0x1.55549p-3f), real_all(0x1.fffffcp-2f));
    real_vec high = fused(r, real_all(0x1.123a6cp-7f), real_all(0x1.5558f4p-5f));

    return fused(square, fused(square, real_all(0x1.6a2352p-10f), high), low);
}

/* y - n * LN2_HIGH_32, whose product is exact: it does not matter whether it is fused. */
static inline real_vec less_n_ln2_high(real_vec y, real_vec n)
{
    return fused(n, real_all(-LN2_HIGH_32), y);
}

/* log(1 + s) for s >= 0 or NaN; `low` is nothing here. */
static inline vec real_log1p(vec s, vec low)
{
    vec f, k = split(1.0 + s, &f), half, z, square, series;
    ivec is_near = s < 0x1.a8279p-2; /* about sqrt(2) - 1: k is 0 and s itself is exact */

    (void)low;
    f = vec_select(is_near, s, f);
    half = f / (2.0 + f);
    z = half * half;
    square = z * z;
    series = (2.0 / 3 + 2.0 / 5 * z) + square * (2.0 / 7 + 2.0 / 9 * z) +
             square * square * (2.0 / 11 + 2.0 / 13 * z);
    return vec_select(s < __builtin_inf(), k * LN2 + (2.0 * half + half * (z * series)), s + s);
}

#endif
