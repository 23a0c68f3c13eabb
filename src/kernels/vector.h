/* vector.h - vectors of float64 at the width that this file is compiled for.
 *
 * VECTOR_BYTES is the width of the level: 16, 32 or 64.  All arithmetic is plain + - * / on lanes,
 * without contraction, so a lane's result does not depend on how many lanes there are beside it. */
#ifndef KERNELS_VECTOR_H
#define KERNELS_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES (VECTOR_BYTES / 8)

typedef double vec __attribute__((vector_size(VECTOR_BYTES)));
typedef int64_t ivec __attribute__((vector_size(VECTOR_BYTES)));
typedef float half_vec __attribute__((vector_size(VECTOR_BYTES / 2))); /* as many float32 */

static inline vec vec_all(double value)
{
    return (vec){0} + value;
}

static inline ivec ivec_all(int64_t value)
{
    return (ivec){0} + value;
}

static inline ivec bits_of(vec value)
{
    return (ivec)value; /* a cast between vector types keeps the bits */
}

static inline vec from_bits(ivec bits)
{
    return (vec)bits;
}

typedef uint64_t unsigned_vec __attribute__((vector_size(VECTOR_BYTES)));

/* Arithmetic on bits, which may wrap: in lanes whose result is masked out it does. */
static inline ivec bits_add(ivec a, ivec b)
{
    return (ivec)((unsigned_vec)a + (unsigned_vec)b);
}

static inline ivec bits_subtract(ivec a, ivec b)
{
    return (ivec)((unsigned_vec)a - (unsigned_vec)b);
}

/* The bits of the exponent field for `value`; what does not fit is lost. */
static inline ivec bits_exponent(ivec value)
{
    return (ivec)((unsigned_vec)value << 52);
}

static inline vec vec_load(const double *from)
{
    vec value;

    memcpy(&value, from, sizeof value);
    return value;
}

static inline void vec_store(double *to, vec value)
{
    memcpy(to, &value, sizeof value);
}

/* A plain loop over lanes, of which compilers make one operation; gcc 12 only if it has not
 * unrolled it, clang only if it may. */
#if defined(__clang__)
#define AS_VECTOR
#else
#define AS_VECTOR _Pragma("GCC unroll 1")
#endif

/* a where the mask's lane is -1, b where it is 0. */
static inline vec vec_select(ivec mask, vec a, vec b)
{
    int64_t m[LANES];
    double x[LANES], y[LANES];

    memcpy(m, &mask, sizeof m);
    vec_store(x, a);
    vec_store(y, b);
    AS_VECTOR for (size_t l = 0; l < LANES; l++) y[l] = m[l] != 0 ? x[l] : y[l];
    return vec_load(y);
}

#endif
