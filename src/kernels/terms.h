/* terms.h - what sums and gradients over the classes of one position are made of, LANES classes at
 * a time, in float64 whatever the elements are. */
#ifndef KERNELS_TERMS_H
#define KERNELS_TERMS_H

#include "kernels/real.h"
#include "kernels/vector_sum.h"

#if REAL_BYTES == 4
typedef half_vec lanes_vec; /* LANES elements */
#else
typedef vec lanes_vec;
#endif

static inline vec widened(const REAL *from)
{
    lanes_vec whole;

    memcpy(&whole, from, sizeof whole);
    return __builtin_convertvector(whole, vec);
}

/* LANES elements of a position from class `c` on, the missing ones 0; x is its first class. */
static inline vec elements(const struct kernel_tile *tile, const REAL *x, size_t c, size_t count)
{
    double lanes[LANES];

    if (count == LANES && tile->class_stride == 1)
        return widened(x + c);
    for (size_t l = 0; l < LANES; l++)
        lanes[l] = l < count ? (double)x[(c + l) * tile->class_stride] : 0.0;
    return vec_load(lanes);
}

/* Store `count` of LANES numbers from class `c` of a position on; y is its first class. */
static inline void store_elements(const struct kernel_tile *tile, REAL *y, size_t c, size_t count,
                                  vec v)
{
    double lanes[LANES];

    if (count == LANES && tile->class_stride == 1) {
        lanes_vec whole = __builtin_convertvector(v, lanes_vec);

        memcpy(y + c, &whole, sizeof whole);
        return;
    }
    vec_store(lanes, v);
    for (size_t l = 0; l < count; l++)
        y[(c + l) * tile->class_stride] = (REAL)lanes[l];
}

/* How many of the LANES classes from `c` on there are. */
static inline size_t classes_at(const struct kernel_tile *tile, size_t c)
{
    return tile->classes - c < LANES ? tile->classes - c : LANES;
}

/* The numbers of the lanes. */
static inline ivec lane_numbers(void)
{
    int64_t lanes[LANES];
    ivec numbers;

    for (size_t l = 0; l < LANES; l++)
        lanes[l] = (int64_t)l;
    memcpy(&numbers, lanes, sizeof numbers);
    return numbers;
}

/* The first `count` lanes; 0 in the others. */
static inline vec first_lanes(vec v, size_t count)
{
    return count == LANES ? v : from_bits(bits_of(v) & (lane_numbers() < (int64_t)count));
}

/* The factors k of LANES classes from `c` on; q is the position's first or NULL. */
static inline vec factors_at(const struct kernel_tile *tile, const struct kernel_factors *factors,
                             const REAL *q, size_t c, size_t count)
{
    vec k = vec_all(factors->spread);
    double weights[LANES] = {0};

    if (q != NULL)
        k = elements(tile, q, c, count) * factors->keep + factors->spread;
    if (factors->weights == NULL)
        return k;
    if (count == LANES)
        return k * vec_load(factors->weights + c);
    memcpy(weights, factors->weights + c, count * sizeof weights[0]);
    return k * vec_load(weights);
}

/* A position's first factor of q, which lies as its predictions do; NULL if there is none. */
static inline const REAL *q_of(const struct kernel_tile *tile, const struct kernel_factors *factors,
                               size_t position)
{
    return factors->q != NULL ? (const REAL *)factors->q + position * tile->position_stride : NULL;
}

/* e^(x - max) for float64 of any kind, what the difference loses included. */
static inline vec exp_from(vec x, vec max)
{
    vec d = x - max, back = d - x;

    return exp_full(d, (x - (d - back)) - (max + back));
}

/* The probabilities of logits, max and rest being those of their rows. */
static inline vec probability_of(vec x, vec max, vec rest)
{
    return exp_from(x, max) / (1.0 + rest);
}

/* - log p of elements; only logits' rows have max and log_rest. */
static inline vec surprise_of(enum kernel_stage stage, vec x, vec max, vec log_rest)
{
    if (stage == KERNEL_LOGITS) /* a sum of two terms >= 0 */
        return (max - x) + log_rest;
    return stage == KERNEL_LOGS ? -x : -log_full(x);
}

/* 1 - p of a row's largest element, rest / (1 + rest): nearly rounded once, what rest, the sum and
 * the quotient lose being put back. */
static inline double complement_of_largest(const struct kernel_rows *rows, size_t position)
{
    vec rest = vec_all(rows->rest[position]), low = vec_all(rows->rest_low[position]);
    vec total = 1.0 + rest, q = rest / total;
    vec missing = (rest - q * total) - product_lost(q, total);
    vec lost = ((missing + low) - q * lost_beside_one(rest, total)) / total;

    return (q + from_bits(bits_of(lost) & (lost == lost)))[0];
}

/* Which NaN comes out of an addition depends on the order of its operands, which compilers
 * choose: so one NaN for all. */
static inline vec one_nan(vec y)
{
    return vec_select(y == y, y, vec_all(__builtin_nan("")));
}

#endif
