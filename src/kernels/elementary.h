/* elementary.h - exp, log and log1p of float64 vectors, our own, so that
 * every machine has the same.
 *
 * Only + - * / and integer operations on the bits, so the results depend on nothing but the
 * argument.  Errors were measured at every float32 and at samples of float64 (tests/bench/sweep.c):
 * below 0.9 ULP for exp, log and log1p over their whole range, also for exp with a low part.
 *
 * Sources: argument reduction and the splitting of log(1+f) as in W. J. Cody and W. Waite,
 * "Software Manual for the Elementary Functions", 1980, and P. T. P. Tang, ACM TOMS 16, 1990.  The
 * polynomials are the Taylor series themselves, cut where the rest cannot matter:
 *     exp   |r| <= (ln 2)/2:  r^14/14! < 2^-57.6
 *     atanh |s| <= 0.1716:    2 s^21/21 < 2^-56.9 of s's own contribution */
#ifndef KERNELS_ELEMENTARY_H
#define KERNELS_ELEMENTARY_H

#include "kernels/vector.h"

#define LOG2_E   0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42fefa0000p-1 /* 33 bits: n * LN2_HIGH is exact for |n| < 2^20 */
#define LN2_LOW  0x1.cf79abc9e3b3ap-40
#define ROUNDER  0x1.8p52 /* added and taken away: rounds to an integer, left in the lowest bits */

/* e^r - 1 for x = n ln 2 + r, and n in the lowest bits of *shifted; `low` is added to x.  x must be
 * finite, or its lane is not used. */
static inline vec exp_reduced(vec x, vec low, vec *shifted)
{
    *shifted = x * LOG2_E + ROUNDER;
    vec n = *shifted - ROUNDER;
    vec first = x - n * LN2_HIGH, rest = low - n * LN2_LOW, r = first + rest;
    vec q = 1.0 / 6227020800 * r + 1.0 / 479001600;

    q = q * r + 1.0 / 39916800;
    q = q * r + 1.0 / 3628800;
    q = q * r + 1.0 / 362880;
    q = q * r + 1.0 / 40320;
    q = q * r + 1.0 / 5040;
    q = q * r + 1.0 / 720;
    q = q * r + 1.0 / 120;
    q = q * r + 1.0 / 24;
    q = q * r + 1.0 / 6;
    q = q * r + 0.5;
    low = rest - (r - first); /* what the sum lost: of first order, as r itself */
    return r + (r * r * q + low * (1.0 + r));
}

/* p * 2^n in two steps, so that what is subnormal is rounded once more. */
static inline vec times_power(vec p, vec shifted)
{
    ivec whole = bits_subtract(bits_of(shifted), bits_of(vec_all(ROUNDER))), half = whole >> 1;
    ivec bias = ivec_all(1023), other_half = bits_subtract(whole, half);

    return p * from_bits(bits_exponent(bits_add(half, bias))) *
           from_bits(bits_exponent(bits_add(other_half, bias)));
}

/* base * e^(d + low) for any d, where |low| is at most half a ULP of d, and base is `high +
 * base_low` with |base_low| at most half a ULP of `high`. */
static inline vec exp_times(vec high, vec base_low, vec d, vec low)
{
    /* Beyond these it is 0 or infinite all the same; NaN passes both comparisons unchanged. */
    vec x = vec_select(d < -746.0, vec_all(-746.0), d), shifted, less_one;

    x = vec_select(x > 710.0, vec_all(710.0), x);
    low = from_bits(bits_of(low) & (d == x)); /* an infinity's low part would be NaN */
    less_one = exp_reduced(x, low, &shifted);
    return times_power(high + (high * less_one + base_low), shifted);
}

/* e^(d + low). */
static inline vec exp_full(vec d, vec low)
{
    return exp_times(vec_all(1.0), vec_all(0.0), d, low);
}

/* k ln 2 + log(1 + f) + tail, for 1 + f between sqrt(1/2) and sqrt(2). */
static inline vec log_near_one(vec k, vec f, vec tail)
{
    vec s = f / (2.0 + f), z = s * s, square = 0.5 * f * f;
    vec rest = 2.0 / 21 * z + 2.0 / 19;

    rest = rest * z + 2.0 / 17;
    rest = rest * z + 2.0 / 15;
    rest = rest * z + 2.0 / 13;
    rest = rest * z + 2.0 / 11;
    rest = rest * z + 2.0 / 9;
    rest = rest * z + 2.0 / 7;
    rest = rest * z + 2.0 / 5;
    rest = rest * z + 2.0 / 3;
    rest = rest * z;
    return k * LN2_HIGH - ((square - (s * (square + rest) + (k * LN2_LOW + tail))) - f);
}

/* Split a positive normal x into 2^k * (1 + f). */
static inline vec split(vec x, vec *f)
{
    const ivec root = bits_of(vec_all(0x1.6a09e667f3bcdp-1)); /* sqrt(1/2) */
    ivec k = bits_subtract(bits_of(x), root) >> 52;

    *f = from_bits(bits_subtract(bits_of(x), bits_exponent(k))) - 1.0;
    return from_bits(bits_add(k, bits_of(vec_all(ROUNDER)))) - ROUNDER;
}

/* log x: -inf at 0, NaN below. */
static inline vec log_full(vec x)
{
    ivec is_tiny = x < 0x1p-1022;
    vec normal = vec_select(is_tiny, x * 0x1p54, x), f;
    vec k = split(normal, &f) - vec_select(is_tiny, vec_all(54.0), vec_all(0.0));
    vec y = log_near_one(k, f, vec_all(0.0));

    y = vec_select((x > 0.0) & (x < __builtin_inf()), y,
                   x + x); /* +inf and NaN stay what they are */
    y = vec_select(x == 0.0, vec_all(-__builtin_inf()), y);
    return vec_select(x < 0.0, vec_all(__builtin_nan("")), y);
}

/* What rounding took from u = 1 + s, s >= 0, as it is seen from the larger of the two. */
static inline vec lost_beside_one(vec s, vec u)
{
    return vec_select(s < 1.0, s - (u - 1.0), 1.0 - (u - s));
}

/* a * b less its rounded value, exactly, unless a half overflows or the result is subnormal (T. J.
 * Dekker, Numer. Math. 18, 1971). */
static inline vec product_lost(vec a, vec b)
{
    vec wide_a = a * 0x1p27 + a, wide_b = b * 0x1p27 + b;
    vec head_a = wide_a - (wide_a - a), head_b = wide_b - (wide_b - b);
    vec tail_a = a - head_a, tail_b = b - head_b;

    return ((head_a * head_b - a * b) + head_a * tail_b + tail_a * head_b) + tail_a * tail_b;
}

/* log(1 + s + low) for s >= 0 or NaN, where |low| is at most half a ULP of s. */
static inline vec log1p_full(vec s, vec low)
{
    vec u = 1.0 + s, f;
    vec k = split(u, &f);
    vec lost = lost_beside_one(s, u) / u;
    ivec is_near = s < 0x1.a8279p-2; /* about sqrt(2) - 1: k is 0 and s itself is exact */

    f = vec_select(is_near, s, f);
    k = from_bits(bits_of(k) & ~is_near);
    lost = from_bits(bits_of(lost) & ~is_near) + low / u;
    return vec_select(s < __builtin_inf(), log_near_one(k, f, lost), s + s);
}

#endif
