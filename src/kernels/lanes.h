/* lanes.h - vectors of elements of the type that a kernel is compiled for: REAL is float or double,
 * REAL_BYTES its size, and REALS of them fill a vector.
 *
 * Elements are loaded as they are.  What needs more than float32 happens on their wide form, the
 * same lanes in float64, which is one vector or two. */
#ifndef KERNELS_LANES_H
#define KERNELS_LANES_H

#include <stdbool.h>

#include "kernels/vector.h"

#define REALS (VECTOR_BYTES / REAL_BYTES)
#define PARTS (8 / REAL_BYTES) /* vectors of the wide form */

/* So that what is kept for each of a few vectors stays in registers. */
#define UNROLLED _Pragma("GCC unroll 16")

/* What takes a constant that its loops and branches depend on. */
#define INLINED static inline __attribute__((always_inline))

enum {
    ROW_SUMS = 16, /* partial sums of a row: class c goes to number c mod 16 */
    GROUPS = ROW_SUMS / REALS
};

/* Have memory bring what lies some elements further on while there is much to compute: the next
 * row's maximum or the next tile's is looked for as fast as memory comes.  It need not be there. */
#define LINE (64 / REAL_BYTES) /* elements that come from memory together */
#define FETCH_EARLY(x, ahead, cache) \
    __builtin_prefetch((const void *)((uintptr_t)(x) + (ahead) * sizeof *(x)), 0, (cache))

typedef REAL real_vec __attribute__((vector_size(VECTOR_BYTES)));

struct wide {
    vec part[PARTS];
};

#if REAL_BYTES == 4
typedef int32_t real_index;
#define REAL_INDEX_MAX INT32_MAX
#else
typedef int64_t real_index;
#define REAL_INDEX_MAX INT64_MAX
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

/* The first `count` lanes; the others hold 0. */
static inline real_vec real_load_some(const REAL *from, size_t count)
{
    REAL lanes[REALS];

    for (size_t l = 0; l < REALS; l++)
        lanes[l] = l < count ? from[l] : 0;
    return real_load(lanes);
}

static inline void real_store_some(REAL *to, size_t count, real_vec value)
{
    for (size_t l = 0; l < count; l++)
        to[l] = value[l];
}

/* SQUARE rows of SQUARE elements, `stride` apart, to columns of them, `to_stride` apart. */
enum { SQUARE = 16 / REAL_BYTES };

static inline void turn_square(const REAL *from, size_t stride, REAL *to, size_t to_stride)
{
    typedef REAL line __attribute__((vector_size(16)));
    line row[SQUARE], column[SQUARE];

    UNROLLED for (size_t i = 0; i < SQUARE; i++) memcpy(&row[i], from + i * stride, sizeof row[i]);
#if REAL_BYTES == 4
    line left[] = {__builtin_shufflevector(row[0], row[1], 0, 4, 1, 5),
                   __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5)};
    line right[] = {__builtin_shufflevector(row[0], row[1], 2, 6, 3, 7),
                    __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7)};

    column[0] = __builtin_shufflevector(left[0], left[1], 0, 1, 4, 5);
    column[1] = __builtin_shufflevector(left[0], left[1], 2, 3, 6, 7);
    column[2] = __builtin_shufflevector(right[0], right[1], 0, 1, 4, 5);
    column[3] = __builtin_shufflevector(right[0], right[1], 2, 3, 6, 7);
#else
    column[0] = __builtin_shufflevector(row[0], row[1], 0, 2);
    column[1] = __builtin_shufflevector(row[0], row[1], 1, 3);
#endif
    UNROLLED for (size_t i = 0; i < SQUARE; i++)
        memcpy(to + i * to_stride, &column[i], sizeof column[i]);
}

/* Rows to columns: by squares, the last of which overlap those before. */
static inline void transpose(const REAL *from, size_t stride, size_t rows, size_t columns, REAL *to,
                             size_t to_stride)
{
    bool has_squares = rows >= SQUARE && columns >= SQUARE;

    for (size_t r = 0; r < rows && has_squares; r += SQUARE) {
        size_t i = r + SQUARE <= rows ? r : rows - SQUARE;

        for (size_t c = 0; c < columns; c += SQUARE) {
            size_t j = c + SQUARE <= columns ? c : columns - SQUARE;

            turn_square(from + i * stride + j, stride, to + j * to_stride + i, to_stride);
        }
    }
    for (size_t r = 0; r < rows && !has_squares; r++) {
        for (size_t c = 0; c < columns; c++)
            to[c * to_stride + r] = from[r * stride + c];
    }
}

/* a where the mask's lane is -1, b where it is 0. */
static inline real_vec real_select(real_mask mask, real_vec a, real_vec b)
{
    real_index m[REALS];
    REAL x[REALS], y[REALS];

    memcpy(m, &mask, sizeof m);
    real_store(x, a);
    real_store(y, b);
    AS_VECTOR for (size_t l = 0; l < REALS; l++) y[l] = m[l] != 0 ? x[l] : y[l];
    return real_load(y);
}

/* The value where the mask's lane is -1, else 0. */
static inline real_vec real_keep(real_mask mask, real_vec value)
{
    return (real_vec)(mask & (real_mask)value);
}

/* The larger one; b if there is a NaN. */
static inline real_vec real_max(real_vec a, real_vec b)
{
    REAL x[REALS], y[REALS];

    real_store(x, a);
    real_store(y, b);
    AS_VECTOR for (size_t l = 0; l < REALS; l++) y[l] = x[l] > y[l] ? x[l] : y[l];
    return real_load(y);
}

/* The lanes, `by` of them further on: for what is found in all lanes by halves. */
#if VECTOR_BYTES / REAL_BYTES == 2
#define ROTATED(v, by) __builtin_shufflevector(v, v, (by) % 2, (1 + (by)) % 2)
#elif VECTOR_BYTES / REAL_BYTES == 4
#define ROTATED(v, by) __builtin_shufflevector(v, v, FOUR_FROM(by, 4))
#elif VECTOR_BYTES / REAL_BYTES == 8
#define ROTATED(v, by) __builtin_shufflevector(v, v, FOUR_FROM(by, 8), FOUR_FROM(4 + (by), 8))
#else
#define ROTATED(v, by)                                                        \
    __builtin_shufflevector(v, v, FOUR_FROM(by, 16), FOUR_FROM(4 + (by), 16), \
                            FOUR_FROM(8 + (by), 16), FOUR_FROM(12 + (by), 16))
#endif
#define FOUR_FROM(i, count) \
    (i) % (count), (1 + (i)) % (count), (2 + (i)) % (count), (3 + (i)) % (count)

/* The largest of the lanes, none of which is NaN. */
static inline REAL largest_lane(real_vec v)
{
    v = REALS > 8 ? real_max(v, ROTATED(v, 8)) : v;
    v = REALS > 4 ? real_max(v, ROTATED(v, 4)) : v;
    v = REALS > 2 ? real_max(v, ROTATED(v, 2)) : v;
    v = real_max(v, ROTATED(v, 1));
    return v[0];
}

/* Numbers, none below 0: a where the mask's lane is -1, else the largest there is. */
static inline real_mask numbers_where(real_mask mask, real_mask a)
{
    return a | (~mask & REAL_INDEX_MAX);
}

/* The smaller numbers. */
static inline real_mask lesser(real_mask a, real_mask b)
{
#if __has_builtin(__builtin_elementwise_min)
    return __builtin_elementwise_min(a, b);
#else
    real_index x[REALS], y[REALS];

    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    AS_VECTOR for (size_t l = 0; l < REALS; l++) y[l] = x[l] < y[l] ? x[l] : y[l];
    memcpy(&b, y, sizeof b);
    return b;
#endif
}

/* The smallest number of the lanes. */
static inline size_t least_lane(real_mask v)
{
    v = REALS > 8 ? lesser(v, ROTATED(v, 8)) : v;
    v = REALS > 4 ? lesser(v, ROTATED(v, 4)) : v;
    v = REALS > 2 ? lesser(v, ROTATED(v, 2)) : v;
    v = lesser(v, ROTATED(v, 1));
    return (size_t)v[0];
}

/* x - max and in *low what rounding took from it, exactly (two-sum: D. E. Knuth, TAOCP 2,
 * 4.2.2). */
static inline real_vec real_difference(real_vec x, real_vec max, real_vec *low)
{
    real_vec d = x - max, back = d - x;

    *low = (x - (d - back)) - (max + back);
    return d;
}

/* Whether a lane of a mask, of whichever type, is -1. */
static inline bool any_lane(ivec mask)
{
    int64_t words[LANES], any = 0;

    memcpy(words, &mask, sizeof words);
    UNROLLED for (size_t i = 0; i < LANES; i++) any |= words[i];
    return any != 0;
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

    /* Part by part: gcc copies more than a vector by halves of one, and
     * waits for them when it loads. */
    UNROLLED for (size_t i = 0; i < PARTS; i++) wide.part[i] = vec_load(from + i * LANES);
    return wide;
}

static inline void wide_store(double *to, struct wide value)
{
    UNROLLED for (size_t i = 0; i < PARTS; i++) vec_store(to + i * LANES, value.part[i]);
}

#endif
