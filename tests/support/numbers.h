/* numbers.h - elements of tensors as doubles, and how far two numbers are apart. */
#ifndef SUPPORT_NUMBERS_H
#define SUPPORT_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loss/tensor.h"

/* A 16-bit pattern as a number, by the definition of its format. */
double number_from_float16(uint16_t bits);
double number_from_bfloat16(uint16_t bits);

/* Element `index` in C order, of any dtype, widened without libloss. */
double number_at(const struct loss_tensor *tensor, size_t index);

/* |got - want| in spacings of a floating dtype at `want`, which need not be one of its numbers: 0.5
 * is a correct rounding.  0 if both are NaN, the same infinity or zeros of any sign; infinite if
 * only one is special, except that a `want` which rounds to an infinity equals it. */
double number_units_apart(enum loss_dtype dtype, double got, double want);

/* The same for float32 and float64, from a truth of more digits. */
double number_units_from_truth(enum loss_dtype dtype, double got, long double truth);

/* Equal up to a relative error, or an absolute one; NaN equals NaN, infinities equal by sign. */
bool number_is_near(double got, double want, double relative, double absolute);

/* The next 64 bits of a splitmix64 with state *state, for fixed seeds; and they as a number, even
 * over [0, 1). */
uint64_t number_random_bits(uint64_t *state);
double number_random(uint64_t *state);

#endif
