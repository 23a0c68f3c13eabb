/* numbers.c - elements as doubles, and distances in units in the last place. */
#include "support/numbers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* sign, exponent, fraction, as IEEE 754 lays them out. */
static double from_fields(unsigned bits, int fraction_bits, int exponent_bits)
{
    unsigned exponent = bits >> fraction_bits & ((1u << exponent_bits) - 1);
    unsigned fraction = bits & ((1u << fraction_bits) - 1);
    int bias = (1 << (exponent_bits - 1)) - 1;
    double magnitude;

    if (exponent == (1u << exponent_bits) - 1)
        magnitude = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        magnitude = ldexp((double)fraction, 1 - bias - fraction_bits);
    else
        magnitude =
            ldexp((double)(fraction | 1u << fraction_bits), (int)exponent - bias - fraction_bits);
    return bits >> 15 != 0 ? -magnitude : magnitude;
}

double number_from_float16(uint16_t bits)
{
    return from_fields(bits, 10, 5);
}

double number_from_bfloat16(uint16_t bits)
{
    return from_fields(bits, 7, 8);
}

double number_at(const struct loss_tensor *tensor, size_t index)
{
    const void *data = tensor->data;

    switch (tensor->dtype) {
    case LOSS_FLOAT32: return (double)((const float *)data)[index];
    case LOSS_FLOAT64: return ((const double *)data)[index];
    case LOSS_FLOAT16: return number_from_float16(((const uint16_t *)data)[index]);
    case LOSS_BFLOAT16: return number_from_bfloat16(((const uint16_t *)data)[index]);
    case LOSS_INT64: return (double)((const int64_t *)data)[index];
    case LOSS_INT32: return ((const int32_t *)data)[index];
    case LOSS_INT16: return ((const int16_t *)data)[index];
    case LOSS_INT8: return ((const int8_t *)data)[index];
    case LOSS_UINT8: return ((const uint8_t *)data)[index];
    case LOSS_DTYPE_COUNT: break;
    }
    assert(false); /* a dtype */
    return NAN;
}

/* Bits of fraction, and the exponents of the smallest and largest normal numbers. */
struct format {
    int fraction_bits;
    int exponent_min;
    int exponent_max;
};

static struct format format_of(enum loss_dtype dtype)
{
    assert(loss_dtype_is_floating(dtype));
    if (dtype == LOSS_FLOAT64)
        return (struct format){52, -1022, 1023};
    if (dtype == LOSS_FLOAT32)
        return (struct format){23, -126, 127};
    if (dtype == LOSS_BFLOAT16)
        return (struct format){7, -126, 127};
    return (struct format){10, -14, 15};
}

double number_units_apart(enum loss_dtype dtype, double got, double want)
{
    struct format format = format_of(dtype);
    int exponent;

    if ((isnan(got) && isnan(want)) || got == want)
        return 0.0;
    if (!isfinite(got) || !isfinite(want)) {
        /* half a spacing above the largest number, rounding gives infinity */
        double limit = ldexp(2.0 - ldexp(0.5, -format.fraction_bits), format.exponent_max);

        return isinf(got) && fabs(want) >= limit && signbit(got) == signbit(want)
                   ? 0.0
                   : (double)INFINITY;
    }
    (void)frexp(want, &exponent);
    exponent -= 1;
    if (want == 0.0 || exponent < format.exponent_min)
        exponent = format.exponent_min;
    return fabs(got - want) / ldexp(1.0, exponent - format.fraction_bits);
}

double number_units_from_truth(enum loss_dtype dtype, double got, long double truth)
{
    int exponent, least = dtype == LOSS_FLOAT32 ? -125 : -1021; /* as frexp has it, of a normal */
    int digits = dtype == LOSS_FLOAT32 ? 24 : 53;

    if (!isfinite((double)truth) || (double)truth == 0.0)
        return number_units_apart(dtype, got, (double)truth);
    (void)frexpl(truth, &exponent);
    if (exponent < least)
        exponent = least;
    return (double)(fabsl((long double)got - truth) / ldexpl(1.0L, exponent - digits));
}

bool number_is_near(double got, double want, double relative, double absolute)
{
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got);
    if (isinf(want) || isinf(got))
        return got == want;
    return fabs(got - want) <= relative * fabs(want) + absolute;
}

uint64_t number_random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double number_random(uint64_t *state)
{
    return (double)(number_random_bits(state) >> 11) * 0x1p-53;
}
