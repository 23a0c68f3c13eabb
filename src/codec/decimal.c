/* decimal.c - JSON numbers to binary, correctly rounded. */
#include "codec/decimal.h"

#include <stdlib.h>
#include <string.h>

#include "codec/decimal_digits.h"
#include "codec/powers.h"

enum { EXPONENT_LIMIT = 1000000000 };

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* More than 19 digits were written: take the first 19 significant ones again, slowly.  `end` is the
 * byte after the digits. */
static void rescan(const char *text, const char *end, struct decimal *decimal)
{
    bool fraction = false;
    int count = 0;

    decimal->digits = 0;
    for (; text < end; text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        if (count < DECIMAL_DIGITS_MAX) {
            decimal->digits = 10 * decimal->digits + (uint64_t)(*text - '0');
            count += decimal->digits != 0; /* leading zeros are not significant */
            decimal->exponent -= fraction;
        } else {
            decimal->cut |= *text != '0';
            decimal->exponent += !fraction;
        }
    }
}

/* The exponent after an 'e'; NULL if it has no digits. */
static const char *scan_exponent(const char *text, int64_t *exponent, const char **stop)
{
    bool negative = *text == '-';
    int64_t value = 0;

    if (*text == '-' || *text == '+')
        text++;
    if (!is_digit(*text)) {
        *stop = text;
        return NULL;
    }
    for (; is_digit(*text); text++) {
        if (value < EXPONENT_LIMIT)
            value = 10 * value + (*text - '0');
    }
    *exponent = negative ? -value : value;
    return text;
}

const char *decimal_scan(const char *text, struct decimal *decimal, const char **stop)
{
    const char *first, *end;
    int64_t exponent = 0;
    long written;

    *decimal = (struct decimal){.start = text, .negative = *text == '-'};
    first = text += decimal->negative;
    text = digits_read(text, &decimal->digits);
    written = text - first;
    if (written == 0 || (written > 1 && *first == '0')) {
        *stop = written == 0 ? text : first + 1;
        return NULL;
    }
    if (*text == '.') {
        const char *point = text;

        text = digits_read(point + 1, &decimal->digits);
        if (text == point + 1) {
            *stop = text;
            return NULL;
        }
        decimal->exponent = point + 1 - text;
        written += text - point - 1;
    }
    end = text;
    if (*text == 'e' || *text == 'E') {
        text = scan_exponent(text + 1, &exponent, stop);
        if (text == NULL)
            return NULL;
    }
    if (written > DECIMAL_DIGITS_MAX) {
        decimal->exponent = 0;
        rescan(first, end, decimal);
    }
    decimal->exponent += exponent;
    return text;
}

/* Eisel-Lemire: the double nearest to digits * 10^q.  False if 128 bits of 10^q cannot tell. */
static bool convert(uint64_t digits, int64_t q, double *value)
{
    enum { FRACTION_BITS = 52, SPARE_BITS = 64 - FRACTION_BITS - 3 };
    const uint64_t mask = UINT64_MAX >> (FRACTION_BITS + 3);
    const struct power *power = &powers[q - POWERS_LOWEST];
    int zeros = __builtin_clzll(digits), upper;
    uint64_t high, low, bits;
    int64_t exponent;

    digits <<= zeros;
    powers_multiply(digits, power, mask, &high, &low);
    if (low == UINT64_MAX && (q < -27 || q > 55))
        return false;
    upper = (int)(high >> 63);
    bits = high >> (upper + SPARE_BITS);
    exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023; /* 217706 / 2^16 = log2 10 */
    if (exponent <= 0) {                                         /* subnormal, or nothing left */
        if (exponent <= -63)
            bits = 0;
        else
            bits >>= 1 - exponent;
        bits = (bits + (bits & 1)) >> 1; /* a carry makes the smallest normal number by itself */
        memcpy(value, &bits, sizeof *value);
        return true;
    }
    /* Exactly half way, which only small powers can be: to even instead of up. */
    if (low <= 1 && q >= -4 && q <= 23 && (bits & 3) == 1 && bits << (upper + SPARE_BITS) == high)
        bits &= ~(uint64_t)1;
    bits = (bits + (bits & 1)) >> 1;
    if (bits >> (FRACTION_BITS + 1) != 0) {
        bits >>= 1;
        exponent++;
    }
    if (exponent >= 0x7ff) {
        bits = (uint64_t)0x7ff << FRACTION_BITS;
    } else {
        bits &= ((uint64_t)1 << FRACTION_BITS) - 1;
        bits |= (uint64_t)exponent << FRACTION_BITS;
    }
    memcpy(value, &bits, sizeof *value);
    return true;
}

static double magnitude(const struct decimal *decimal)
{
    int64_t q = decimal->exponent;
    double value, next;

    if (!decimal->cut && decimal->digits <= (uint64_t)1 << 53 && q >= -POWERS_EXACT &&
        q <= POWERS_EXACT) {
        value = (double)decimal->digits;
        return q < 0 ? value / powers_exact[-q] : value * powers_exact[q];
    }
    if (decimal->digits == 0 || q < POWERS_LOWEST)
        return 0.0; /* below 2^64 * 10^-343, which is less than half the smallest subnormal */
    if (q > 308)
        return __builtin_inf();
    if (convert(decimal->digits, q, &value)) {
        if (!decimal->cut)
            return value;
        /* The true digits lie between these and the next ones: equal results settle it. */
        if (convert(decimal->digits + 1, q, &next) && value == next)
            return value;
    }
    return strtod(decimal->start + decimal->negative, NULL);
}

double decimal_to_double(const struct decimal *decimal)
{
    double value = magnitude(decimal);

    return decimal->negative ? -value : value;
}

enum decimal_kind decimal_to_int64(const struct decimal *decimal, int64_t *value)
{
    uint64_t digits = decimal->digits;
    int64_t exponent = decimal->exponent;

    if (digits == 0) {
        *value = 0;
        return DECIMAL_INTEGER;
    }
    for (; exponent < 0; exponent++) {
        if (decimal->cut || digits % 10 != 0)
            return DECIMAL_FRACTION;
        digits /= 10;
    }
    for (; exponent > 0; exponent--) {
        if (digits > UINT64_MAX / 10)
            return DECIMAL_HUGE;
        digits *= 10;
    }
    if (digits > (uint64_t)INT64_MAX + decimal->negative || (decimal->cut && decimal->exponent > 0))
        return DECIMAL_HUGE;
    if (decimal->cut) /* 19 digits before the point, and more after it */
        return DECIMAL_FRACTION;
    *value = decimal->negative ? (int64_t)(0 - digits) : (int64_t)digits;
    return DECIMAL_INTEGER;
}
