/* convert.c - elements of any dtype to the types the arithmetic uses, and back. */
#include "evaluate/convert.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static float float32_from_bits(uint32_t bits)
{
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_bfloat16(uint16_t bits)
{
    return float32_from_bits((uint32_t)bits << 16);
}

/* IEEE binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float from_float16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, fraction = bits & 0x3ffu;
    uint32_t exponent = (bits >> 10) & 0x1fu;

    if (exponent == 0x1f)
        return float32_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zero or subnormal: fraction * 2^-24, exact in float32 */
        float magnitude = (float)fraction * 0x1p-24f;

        return sign != 0 ? -magnitude : magnitude;
    }
    return float32_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* Round to a 16-bit format with `fraction_bits` of fraction and smallest normal
 * 2^exponent_min.  Both formats count up through the exponents, so a fraction that rounds
 * up to 2 carries by itself. */
static uint16_t to_16_bits(double value, int fraction_bits, int exponent_min)
{
    uint32_t sign = signbit(value) ? 0x8000u : 0,
             infinity = 0x7fffu >> fraction_bits << fraction_bits;
    double magnitude = fabs(value), steps;
    int exponent;

    if (isnan(value))
        return (uint16_t)(sign | infinity | 1u << (fraction_bits - 1));
    if (isinf(value))
        return (uint16_t)(sign | infinity);
    (void)frexp(magnitude, &exponent);
    exponent -= 1; /* now magnitude = 1.f * 2^exponent */
    if (magnitude == 0.0 || exponent < exponent_min)
        exponent = exponent_min;
    if (exponent > -exponent_min + 1)
        return (uint16_t)(sign | infinity);
    steps = nearbyint(ldexp(magnitude, fraction_bits - exponent)); /* the scaling is exact */
    uint32_t bits = ((uint32_t)(exponent - exponent_min) << fraction_bits) + (uint32_t)steps;
    return (uint16_t)(sign | (bits < infinity ? bits : infinity));
}

void convert_to_float64(enum loss_dtype dtype, const void *from, size_t count, double *to)
{
#define WIDEN(name, type, expression)               \
    case name:                                      \
        for (size_t i = 0; i < count; i++) {        \
            type element = ((const type *)from)[i]; \
            to[i] = (double)(expression);           \
        }                                           \
        return
    switch (dtype) {
        WIDEN(LOSS_FLOAT32, float, element);
        WIDEN(LOSS_FLOAT64, double, element);
        WIDEN(LOSS_FLOAT16, uint16_t, from_float16(element));
        WIDEN(LOSS_BFLOAT16, uint16_t, from_bfloat16(element));
        WIDEN(LOSS_INT64, int64_t, element);
        WIDEN(LOSS_INT32, int32_t, element);
        WIDEN(LOSS_INT16, int16_t, element);
        WIDEN(LOSS_INT8, int8_t, element);
        WIDEN(LOSS_UINT8, uint8_t, element);
    case LOSS_DTYPE_COUNT: break;
    }
#undef WIDEN
    assert(false); /* not a dtype */
}

void convert_to_float32(enum loss_dtype dtype, const void *from, size_t count, float *to)
{
    const uint16_t *halves = from;

    assert(dtype == LOSS_FLOAT16 || dtype == LOSS_BFLOAT16);
    for (size_t i = 0; i < count; i++)
        to[i] = dtype == LOSS_FLOAT16 ? from_float16(halves[i]) : from_bfloat16(halves[i]);
}

void convert_to_int64(enum loss_dtype dtype, const void *from, size_t count, int64_t *to)
{
    assert(!loss_dtype_is_floating(dtype));
    for (size_t i = 0; i < count; i++) {
        to[i] = dtype == LOSS_INT64   ? ((const int64_t *)from)[i]
                : dtype == LOSS_INT32 ? ((const int32_t *)from)[i]
                : dtype == LOSS_INT16 ? ((const int16_t *)from)[i]
                : dtype == LOSS_INT8  ? ((const int8_t *)from)[i]
                                      : ((const uint8_t *)from)[i];
    }
}

void loss_dtype_store(enum loss_dtype dtype, void *to, size_t index, double value)
{
    float rounded;
    uint16_t bits;

    value = convert_one_nan(value);
    rounded = (float)value;
    switch (dtype) {
    case LOSS_FLOAT64: memcpy((char *)to + index * sizeof value, &value, sizeof value); return;
    case LOSS_FLOAT32:
        memcpy((char *)to + index * sizeof rounded, &rounded, sizeof rounded);
        return;
    case LOSS_FLOAT16:
    case LOSS_BFLOAT16:
        bits = dtype == LOSS_FLOAT16 ? to_16_bits(value, 10, -14) : to_16_bits(value, 7, -126);
        memcpy((char *)to + index * sizeof bits, &bits, sizeof bits);
        return;
    case LOSS_INT64:
    case LOSS_INT32:
    case LOSS_INT16:
    case LOSS_INT8:
    case LOSS_UINT8:
    case LOSS_DTYPE_COUNT: break;
    }
    assert(false); /* not a floating dtype */
}

void convert_narrow(enum loss_dtype from, enum loss_dtype to, void *data, size_t count)
{
    if (from == to)
        return;
    /* An element is written at or below where it was read, so none is
     * overwritten before its turn. */
    for (size_t i = 0; i < count; i++) {
        double value;

        if (from == LOSS_FLOAT64) {
            memcpy(&value, (const char *)data + i * sizeof value, sizeof value);
        } else {
            float single;

            memcpy(&single, (const char *)data + i * sizeof single, sizeof single);
            value = (double)single;
        }
        loss_dtype_store(to, data, i, value);
    }
}

double loss_tensor_number(const struct loss_tensor *tensor, size_t index)
{
    double value;

    convert_to_float64(tensor->dtype,
                       (const char *)tensor->data + index * loss_dtype_bytes(tensor->dtype), 1,
                       &value);
    return value;
}
