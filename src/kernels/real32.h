/* real32.h - what is particular to float32 elements; part of real.h.
 *
 * An exponential is a pair of float32, high + low, so that it is good to 2^-25.6 and a sum of them
 * needs no rounding to float32: the high parts are added up in float64, the low ones in float32.
 *
 *     e^(x - max) = 2^n e^r,   x - max = d + e exactly (real_difference)
 *     r + r_low   = d - n ln 2 + e,   |r| <= (ln 2)/2 (Cody and Waite: n * LN2_HIGH_32 is exact)
 *     e^r         = 1 + r + (r^2 q(r) + r_low),  q a minimax polynomial, off by 2^-27.8 at most
 *
 * Errors: 2^-27.8 of q, 2^-27.5 of r * r_low left out, and four roundings of at most 2^-28. */
#ifndef KERNELS_REAL32_H
#define KERNELS_REAL32_H

#include "kernels/elementary.h"
#include "kernels/lanes.h"

#define LOG2_E_32   0x1.715476p+0f
#define LN2_HIGH_32 0x1.62e4p-1f /* 16 bits, and n has 8 */
#define LN2_LOW_32  0x1.7f7d1cp-20f

/* Exponentials are scaled by 2^100, so that those that matter beside a subnormal loss are normal: down
 * to e^-138, of which 2^31 are less than half the least float32.  Smaller ones are 0. */
#define EXP_SCALE    0x1p100
#define EXP_LEAST_32 (-138.0f)
/* Added and taken away, rounds to an integer; which then is, plus 127 + 100, in the lowest bits. */
#define ROUNDER_32 (0x1.8p23f + 227.0f)

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

typedef float half_vec __attribute__((vector_size(VECTOR_BYTES / 2)));
typedef uint32_t real_bits __attribute__((vector_size(VECTOR_BYTES)));

static inline struct wide real_widen(real_vec x)
{
    half_vec low = __builtin_shufflevector(x, x, LOW_HALF);
    half_vec high = __builtin_shufflevector(x, x, HIGH_HALF);

    return (struct wide){{__builtin_convertvector(low, vec), __builtin_convertvector(high, vec)}};
}

static inline real_vec real_narrow(struct wide x)
{
    half_vec halves[2] = {__builtin_convertvector(x.part[0], half_vec),
                          __builtin_convertvector(x.part[1], half_vec)};
    real_vec value;

    memcpy(&value, halves, sizeof value);
    return value;
}

struct exps {
    real_vec high, low; /* times 2^100 */
};

/* exp(x - max) for finite max >= x; 0 where x is -inf. */
static inline struct exps exp_shifted(real_vec x, real_vec max)
{
    real_vec low, d = real_difference(x, max, &low);
    real_vec shifted = d * LOG2_E_32 + ROUNDER_32, n = shifted - ROUNDER_32;
    real_vec first = d - n * LN2_HIGH_32, rest = low - n * LN2_LOW_32;
    real_vec r = first + rest, r_low = rest - (r - first), q;
    real_vec scale = (real_vec)((real_bits)shifted << 23), linear, high;
    real_mask is_seen = d > EXP_LEAST_32;

    q = 0x1.6a2352p-10f * r + 0x1.123a6cp-7f;
    q = q * r + 0x1.5558f4p-5f;
    q = q * r + 0x1.55549p-3f;
    q = q * r + 0x1.fffffcp-2f;
    linear = scale * r;
    high = scale + linear;
    low = (linear - (high - scale)) + scale * (r * r * q + r_low);
    return (struct exps){real_keep(is_seen, high), real_keep(is_seen, low)};
}

/* The exponentials where the mask's lane is -1, else 0. */
static inline struct exps exps_keep(real_mask mask, struct exps e)
{
    return (struct exps){real_keep(mask, e.high), real_keep(mask, e.low)};
}

/* factor / (1 + rest), and the scale of exponentials out of it. */
struct softmax_factor {
    struct wide value;
};

static inline struct softmax_factor softmax_factor(struct wide rest, struct wide factor)
{
    return (struct softmax_factor){{{factor.part[0] / EXP_SCALE / (1.0 + rest.part[0]),
                                     factor.part[1] / EXP_SCALE / (1.0 + rest.part[1])}}};
}

static inline struct wide softmax_of(real_vec x, real_vec max, struct softmax_factor factor)
{
    struct exps e = exp_shifted(x, max);
    struct wide high = real_widen(e.high), low = real_widen(e.low);

    return (struct wide){{(high.part[0] + low.part[0]) * factor.value.part[0],
                          (high.part[1] + low.part[1]) * factor.value.part[1]}};
}

/* Sums of exponentials, one in every lane: those of the even lanes, those of the odd ones, and of the
 * low parts.  Bits of a float32 that is not negative, shifted to their place in a float64, are that
 * float32 times 2^-896, which costs less than to convert it. */
#define SUMS_SCALE (EXP_SCALE * 0x1p-896)

struct sums {
    vec even, odd;
    real_vec low;
};

static inline struct sums sums_zero(void)
{
    return (struct sums){vec_all(0.0), vec_all(0.0), real_all(0.0f)};
}

static inline void sums_add(struct sums *sums, struct exps e)
{
    unsigned_vec bits = (unsigned_vec)e.high;

    sums->even += (vec)(bits << 32 >> 3);
    sums->odd += (vec)(bits >> 32 << 29);
    sums->low += e.low;
}

/* The sums of the lanes as float64, without their scale; *lost is nothing that this type keeps. */
static inline struct wide sums_value(const struct sums *sums, struct wide *lost)
{
    double even[LANES], odd[LANES], lanes[REALS];
    struct wide low = real_widen(sums->low), high;

    vec_store(even, sums->even);
    vec_store(odd, sums->odd);
    for (size_t i = 0; i < LANES; i++) {
        lanes[2 * i] = even[i];
        lanes[2 * i + 1] = odd[i];
    }
    high = wide_load(lanes);
    UNROLLED for (size_t i = 0; i < PARTS; i++) high.part[i] =
        high.part[i] * (1.0 / SUMS_SCALE) + low.part[i] * (1.0 / EXP_SCALE);
    *lost = wide_all(0.0);
    return high;
}

#endif
