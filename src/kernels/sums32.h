/* sums32.h - sums of float32's exponentials; part of real.h.
 *
 * An exponential is never rounded to float32 as a whole: that alone would
 * cost a unit of the result.
 *
 *     e^y = 2^n + 2^n (e^r - 1),   as in real32.h
 *
 * The powers of two and the rests are added up apart: the powers in float64, of which they are the
 * exponents, and the rests, at most 0.42 of the power, by twos in float32 and then in float64.
 *
 * Where |max| <= NEAR_32, what is added up is e^x itself, as x is exact, and the sum is multiplied
 * by e^-max at the end.  Elsewhere n would have too many bits, and it is e^(x - max), with what
 * rounding took from x - max.  Which it is depends on the row's largest element alone.
 *
 * Relative error of an exponential: at most 2^-24.35, for all float32 there are; mostly from
 * rounding r and r + r^2 q(r), 2^-25.5 each.  Adding two rests in float32 costs 2^-25.5 at most. */
#ifndef KERNELS_SUMS32_H
#define KERNELS_SUMS32_H

#include "kernels/real32.h"

#define NEAR_32 64.0f

enum {
    ROW_STEP = 4 * ROW_SUMS,
    COLUMN_STEP = 4,
    COLUMN_LEAST = 2, /* as rests are added by twos */
    TOGETHER = 4,     /* vectors whose exponentials are computed together */
    EXPS_MAX = TOGETHER
};

/* Whether a step along a row begins before the one before it ends, and so waits less: if there are
 * registers for it.  clang 14 takes the vectors of what is begun apart.  A step that is begun ahead
 * needs its elements no more. */
#if VECTOR_BYTES == 64 && !defined(__clang__)
#define STEPS_AHEAD 1
#else
#define STEPS_AHEAD 0
#endif

/* Where the exponentials of a row are taken from, in every lane. */
struct origin {
    real_vec max;
    real_vec least; /* what is below counts as this, whose exponential is made 0 */
    real_vec
        rounder; /* WHOLE_32 less the least's n: in the lowest bits, n is then counted from that */
};

static inline bool is_far(double max)
{
    return !(max <= (double)NEAR_32 && max >= -(double)NEAR_32);
}

static inline ivec far_lanes(vec max)
{
    return ~((max <= (double)NEAR_32) & (max >= -(double)NEAR_32));
}

/* The maxima that are not far, in float32 as they are. */
static inline real_mask near_lanes(real_vec max)
{
    return (max <= NEAR_32) & (max >= -NEAR_32);
}

/* The n of the least, of which no n is below. */
static inline real_vec lowest_of(real_vec least)
{
    return fused(least, real_all(LOG2_E_32), real_all(WHOLE_32)) - WHOLE_32;
}

static inline struct origin origin_of(real_vec max, bool far)
{
    real_vec least = (far ? real_all(0.0f) : max) + EXP_LEAST_32;

    return (struct origin){max, least, WHOLE_32 - lowest_of(least)};
}

/* An exponential times 2^-(lowest + 127), half computed: 2^(n - 127) e^r, where n is in the lowest
 * bits of `power` and 0 means that it is 0. */
struct begun {
    real_vec power, r;
};

/* x - max and what it lost, for x that are none too small to count; else
 * the least.  NaN stays NaN. */
static inline real_vec far_difference(real_vec x, const struct origin *origin, real_vec *low)
{
    real_vec d = real_difference(x, origin->max, low);
    real_mask is_small = d < origin->least;

    *low = real_keep(~is_small, *low);
    return real_select(is_small, origin->least, d);
}

/* Begin `count` vectors of them, step by step for all: one alone would wait for itself. */
INLINED void exps_begin(size_t count, const real_vec *x, const struct origin *origin, bool far,
                        struct begun *begun)
{
    real_vec y[EXPS_MAX], low[EXPS_MAX], n[EXPS_MAX];

    UNROLLED for (size_t i = 0; i < count; i++)
    {
        y[i] = far ? far_difference(x[i], origin, &low[i]) : real_max(origin->least, x[i]);
        begun[i].power = fused(y[i], real_all(LOG2_E_32), origin->rounder);
        n[i] = begun[i].power - origin->rounder;
    }
    UNROLLED for (size_t i = 0; i < count; i++)
    {
        real_vec low_part = real_all(-LN2_LOW_32), first = less_n_ln2_high(y[i], n[i]);

        begun[i].r = far ? first + fused_any(n[i], low_part, low[i]) : fused(n[i], low_part, first);
    }
}

/* The exponential less its power. */
static inline real_vec rest_of(const struct begun *begun)
{
    real_vec scale = (real_vec)((real_bits)begun->power << 23), r = begun->r, square = r * r;

    return fused_any(square, exp_curve(r, square), r) * scale;
}

/* Sums in every lane: the powers of the even lanes and of the odd ones, and the rests. */
struct sums {
    vec even, odd;
    struct wide rest;
};

static inline struct sums sums_zero(void)
{
    return (struct sums){vec_all(0.0), vec_all(0.0), wide_all(0.0)};
}

/* The lowest bits of a float32, shifted to the exponent of a float64, make 2^(n - 1023), or 0. */
static inline void sums_add_power(struct sums *sums, real_vec power)
{
    unsigned_vec bits = (unsigned_vec)power;

    sums->even += (vec)(bits << 52);
    sums->odd += (vec)(bits >> 32 << 52);
}

static inline void sums_add_rest(struct sums *sums, real_vec rest)
{
    struct wide wide = real_widen(rest);

    UNROLLED for (size_t i = 0; i < PARTS; i++) sums->rest.part[i] += wide.part[i];
}

INLINED void begin_together(const REAL *from, const struct origin *origin, bool far,
                            struct begun *begun)
{
    real_vec x[TOGETHER];

    UNROLLED for (size_t i = 0; i < TOGETHER; i++) x[i] = real_load(from + i * REALS);
    exps_begin(TOGETHER, x, origin, far, begun);
}

/* ROW_STEP elements of a row on their way to its sums: begun, or still where they are. */
struct step {
#if STEPS_AHEAD
    struct begun begun[ROW_STEP / REALS];
#else
    const REAL *from;
#endif
};

INLINED void step_begin(struct step *step, const REAL *from, const struct origin *origin, bool far)
{
#if STEPS_AHEAD
    UNROLLED for (size_t i = 0; i < ROW_STEP / REALS; i += TOGETHER)
        begin_together(from + i * REALS, origin, far, &step->begun[i]);
#else
    (void)origin, (void)far;
    step->from = from;
#endif
}

/* TOGETHER vectors from number i on, begun. */
INLINED void step_begun(const struct step *step, size_t i, const struct origin *origin, bool far,
                        struct begun *begun)
{
#if STEPS_AHEAD
    (void)origin, (void)far;
    memcpy(begun, &step->begun[i], TOGETHER * sizeof *begun);
#else
    begin_together(step->from + i * REALS, origin, far, begun);
#endif
}

/* Add class c of them to partial sum c mod 16; the rests of classes c and c + 16 of each 32 are
 * added first. */
INLINED void step_end(const struct step *step, const struct origin *origin, bool far,
                      struct sums *sums)
{
    real_vec rests[ROW_STEP / REALS];

    UNROLLED for (size_t i = 0; i < ROW_STEP / REALS; i += TOGETHER)
    {
        struct begun begun[TOGETHER];

        step_begun(step, i, origin, far, begun);
        UNROLLED for (size_t k = 0; k < TOGETHER; k++)
        {
            rests[i + k] = rest_of(&begun[k]);
            sums_add_power(&sums[(i + k) % GROUPS], begun[k].power);
        }
    }
    UNROLLED for (size_t i = 0; i < ROW_STEP / REALS; i++)
    {
        if (i / GROUPS % 2 == 0)
            sums_add_rest(&sums[i % GROUPS], rests[i] + rests[i + GROUPS]);
    }
}

/* COLUMN_STEP or COLUMN_LEAST classes of REALS positions side by side; the rests of classes 2c
 * and 2c + 1 are added first. */
INLINED void sums_add_columns(size_t count, struct sums *sums, const real_vec *x,
                              const struct origin *origin, bool far)
{
    struct begun begun[COLUMN_STEP];

    exps_begin(count, x, origin, far, begun);
    UNROLLED for (size_t i = 0; i < count; i++) sums_add_power(sums, begun[i].power);
    UNROLLED for (size_t i = 0; i < count; i += 2)
        sums_add_rest(sums, rest_of(&begun[i]) + rest_of(&begun[i + 1]));
}

/* The sums of the lanes as float64, times 2^-(lowest + 127) still; *low is
 * nothing that this type keeps. */
static inline struct wide sums_value(const struct sums *sums, struct wide *low)
{
    double even[LANES], odd[LANES], lanes[REALS];
    struct wide sum;

    vec_store(even, sums->even);
    vec_store(odd, sums->odd);
    UNROLLED for (size_t i = 0; i < LANES; i++)
    {
        lanes[2 * i] = even[i];
        lanes[2 * i + 1] = odd[i];
    }
    sum = wide_load(lanes);
    UNROLLED for (size_t i = 0; i < PARTS; i++) sum.part[i] =
        sum.part[i] * 0x1p896 + sums->rest.part[i]; /* 1023 - 127 */
    *low = wide_all(0.0);
    return sum;
}

/* The sum of the partial sums of a row: the upper half to the lower one, until one is left. */
static inline double sums_fold(const struct sums *sums, double *low)
{
    vec totals[ROW_SUMS / LANES];
    double lanes[LANES];

    UNROLLED for (size_t g = 0; g < GROUPS; g++)
    {
        struct wide unused, sum = sums_value(&sums[g], &unused);

        UNROLLED for (size_t i = 0; i < PARTS; i++) totals[g * PARTS + i] = sum.part[i];
    }
    UNROLLED for (size_t half = ROW_SUMS / LANES / 2; half != 0; half /= 2)
    {
        UNROLLED for (size_t i = 0; i < half; i++) totals[i] += totals[half + i];
    }
    vec_store(lanes, totals[0]);
    UNROLLED for (size_t half = LANES / 2; half != 0; half /= 2)
    {
        UNROLLED for (size_t l = 0; l < half; l++) lanes[l] += lanes[half + l];
    }
    *low = 0.0;
    return lanes[0];
}

/* What sums of rows with such maxima must be multiplied by: 2^(lowest + 127), and e^-max where they
 * do not have it already.  The series of e^r is cut where it is off by 2^-32. */
static inline struct wide sums_scale(struct wide max)
{
    real_vec m = real_narrow(max);
    real_mask near = near_lanes(m);
    struct wide top = real_widen(real_keep(near, m)), scale;
    struct wide lowest = real_widen(lowest_of(real_keep(near, m) + EXP_LEAST_32));

    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        vec y = -top.part[i], shifted = y * LOG2_E + ROUNDER;
        vec r = y - (shifted - ROUNDER) * LN2, square = r * r, fourth = square * square;
        vec low = (1.0 + r) + square * (0.5 + 1.0 / 6 * r);
        vec high = (1.0 / 24 + 1.0 / 120 * r) + square * (1.0 / 720 + 1.0 / 5040 * r);
        vec p = low + fourth * (high + fourth * (1.0 / 40320));

        shifted += lowest.part[i] + (127.0 + 1023.0);
        scale.part[i] = p * from_bits(bits_exponent(bits_of(shifted)));
    }
    return scale;
}

#endif
