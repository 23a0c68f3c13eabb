/* convert.h - elements of any dtype to the types the arithmetic uses, and back. */
#ifndef EVALUATE_CONVERT_H
#define EVALUATE_CONVERT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "loss/tensor.h"

/* Widen `count` elements.  float64 takes any dtype; float32 takes the floating ones of 16 bits;
 * int64 takes the integers.  All exact, but for int64 to float64 above 2^53, which rounds. */
void convert_to_float64(enum loss_dtype dtype, const void *from, size_t count, double *to);
void convert_to_float32(enum loss_dtype dtype, const void *from, size_t count, float *to);
void convert_to_int64(enum loss_dtype dtype, const void *from, size_t count, int64_t *to);

/* The value, or for any NaN the same one: which one arithmetic gives is the compiler's choice. */
static inline double convert_one_nan(double value)
{
    return isnan(value) ? (double)NAN : value;
}

/* Narrow `count` elements in place, from float32 or float64 to a floating dtype that is no
 * wider. */
void convert_narrow(enum loss_dtype from, enum loss_dtype to, void *data, size_t count);

#endif
