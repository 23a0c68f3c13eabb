/* decimal_run.c - a row of JSON numbers to binary. */
#include "codec/decimal_run.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/decimal.h"
#include "codec/decimal_digits.h"
#include "codec/powers.h"

/* Written once and compiled for each type. */
#define BOTH_TYPES static inline __attribute__((always_inline))

/* The double nearest to digits / 10^places, for places up to POWERS_EXACT.  As in decimal.c, but
 * such numbers are never subnormal nor infinite, and 128 bits always tell. */
static inline double divide(uint64_t digits, size_t places)
{
    enum { FRACTION_BITS = 52, SPARE_BITS = 64 - FRACTION_BITS - 3 };
    const uint64_t mask = UINT64_MAX >> (FRACTION_BITS + 3);
    const struct power *power = &powers[-POWERS_LOWEST - (int)places];
    int q = -(int)places, zeros, upper;
    uint64_t high, low, bits;
    double value;

    if (digits <= (uint64_t)1 << 53)
        return (double)(int64_t)digits / powers_exact[places];
    zeros = __builtin_clzll(digits);
    digits <<= zeros;
    powers_multiply(digits, power, mask, &high, &low);
    upper = (int)(high >> 63);
    bits = high >> (upper + SPARE_BITS);
    /* Exactly half way, which only small powers can be: to even instead of up. */
    if (low <= 1 && q >= -4 && (bits & 3) == 1 && bits << (upper + SPARE_BITS) == high)
        bits &= ~(uint64_t)1;
    bits = (bits + (bits & 1)) >> 1;
    /* Added, not joined: the leading bit, and what rounding carries beyond
     * it, count the exponent up. */
    bits += (uint64_t)(((217706 * q) >> 16) + 63 + upper - zeros + 1022) << FRACTION_BITS;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Any number, by the book.  NULL if it is none or out of range. */
static __attribute__((noinline)) const char *read_any(const char *text, bool single, double *value)
{
    struct decimal decimal;
    const char *stop, *after = decimal_scan(text, &decimal, &stop);

    if (after == NULL)
        return NULL;
    *value = decimal_to_double(&decimal);
    return isinf(single ? (double)(float)*value : *value) ? NULL : after;
}

/* Whether 0.00123 has up to DECIMAL_DIGITS_MAX digits after the zeros that lead it, as the
 * probabilities that Python writes. */
static inline bool is_led_by_zeros(const char *first, size_t places)
{
    uint64_t loaded;

    if (*first != '0' || places > POWERS_EXACT)
        return false;
    loaded = digits_load(first + 2);
    return loaded != 0 && places - (size_t)(__builtin_ctzll(loaded) >> 3) <= DECIMAL_DIGITS_MAX;
}

/* A number of the usual kind: up to DECIMAL_DIGITS_MAX digits, no
 * exponent; all others by read_any. */
BOTH_TYPES const char *read_one(const char *text, bool single, double *value)
{
    bool negative = *text == '-';
    const char *first = text + negative, *at = first + 1;
    uint64_t digits = (unsigned char)(*first - '0'), bits;
    size_t places = 0;

    if (digits > 9)
        return NULL;
    if (*at != '.') {
        digits = 0;
        at = digits_read(first, &digits);
        if (*first == '0' && at > first + 1)
            return NULL;
    }
    if (*at == '.') {
        const char *point = at;

        at = digits_read(point + 1, &digits);
        places = (size_t)(at - point) - 1;
        if (places == 0)
            return NULL;
    }
    if (((size_t)(at - first) > DECIMAL_DIGITS_MAX + (places > 0) &&
         !is_led_by_zeros(first, places)) ||
        (*at | 0x20) == 'e')
        return read_any(text, single, value);
    *value = divide(digits, places);
    memcpy(&bits, value, sizeof bits); /* of a zero, too */
    bits |= (uint64_t)negative << 63;
    memcpy(value, &bits, sizeof bits);
    return at;
}

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

BOTH_TYPES size_t read_run(const char **text, void *values, size_t room, bool single)
{
    const char *at = *text;
    size_t count = 0;

    while (count < room) {
        double value;
        const char *after = read_one(at, single, &value);

        if (after == NULL)
            break;
        if (single)
            ((float *)values)[count++] = (float)value;
        else
            ((double *)values)[count++] = value;
        *text = at = after;
        if (*at++ != ',')
            break;
        while ((unsigned char)*at <= ' ' && is_space(*at))
            at++;
    }
    return count;
}

size_t decimal_run_float32(const char **text, float *values, size_t room)
{
    return read_run(text, values, room, true);
}

size_t decimal_run_float64(const char **text, double *values, size_t room)
{
    return read_run(text, values, room, false);
}
