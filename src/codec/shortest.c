/* shortest.c - binary floating point to the shortest decimal that reads back. */
#include "codec/shortest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/powers.h"

/* digits * 10^exponent */
struct decimal_digits {
    uint64_t digits;
    int exponent;
};

/* floor(log2(10^e)) and floor(log10(2^e * (quarter ? 3/4 : 1))), for |e| up to 1650. */
static inline int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

static inline int floor_log10_pow2(int e, bool quarter)
{
    return (e * 1262611 - (quarter ? 524031 : 0)) >> 22;
}

/* The upper part of power * c, with everything below it folded into the lowest bit: enough to compare
 * it with any other number, and never mistaken for exact. */
static inline uint64_t multiply_to_odd(struct power power, uint64_t c)
{
    uint128 low = (uint128)power.low * c;
    uint128 high = (uint128)power.high * c + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* 10^k rounded up to 128 bits. */
static inline struct power power_above(int k)
{
    struct power power = powers[k - POWERS_LOWEST];

    if (k < -27 || k > 55) { /* elsewhere the table is exact or rounded up already */
        power.low++;
        power.high += power.low == 0;
    }
    return power;
}

/* The shortest decimal in the rounding interval of c * 2^q; at a power of two the lower half of the
 * interval is half as wide.  All is scaled by 4 so that the interval's ends are integers. */
static struct decimal_digits shortest(uint64_t c, int q, bool lower_is_closer)
{
    int k = floor_log10_pow2(q, lower_is_closer);
    int h = q + floor_log2_pow10(-k) + 1; /* 1..4 */
    struct power power = power_above(-k);
    uint64_t middle = multiply_to_odd(power, 4 * c << h);
    uint64_t lower = multiply_to_odd(power, (4 * c - 2 + lower_is_closer) << h);
    uint64_t upper = multiply_to_odd(power, (4 * c + 2) << h);
    uint64_t s = middle / 4;
    bool odd = c & 1, low_fits, high_fits;

    lower += odd; /* the ends belong to the interval of an even significand only */
    upper -= odd;
    if (s >= 10) { /* one digit fewer? */
        uint64_t tens = s / 10;

        low_fits = lower <= 40 * tens;
        high_fits = 40 * tens + 40 <= upper;
        if (low_fits != high_fits)
            return (struct decimal_digits){tens + high_fits, k + 1};
    }
    low_fits = lower <= 4 * s;
    high_fits = 4 * s + 4 <= upper;
    if (low_fits != high_fits)
        return (struct decimal_digits){s + high_fits, k};
    /* Both neighbours fit, or none does: the nearer one, the even one on a tie. */
    return (struct decimal_digits){s + (middle > 4 * s + 2 || (middle == 4 * s + 2 && (s & 1))), k};
}

/* Write digits, most significant first, ending before `end`; returns the first. */
static char *write_digits_before(char *end, uint64_t digits)
{
    static const char pairs[] = "0001020304050607080910111213141516171819"
                                "2021222324252627282930313233343536373839"
                                "4041424344454647484950515253545556575859"
                                "6061626364656667686970717273747576777879"
                                "8081828384858687888990919293949596979899";

    while (digits >= 100) {
        end -= 2;
        memcpy(end, pairs + 2 * (digits % 100), 2);
        digits /= 100;
    }
    if (digits >= 10) {
        end -= 2;
        memcpy(end, pairs + 2 * digits, 2);
    } else {
        *--end = (char)('0' + digits);
    }
    return end;
}

static size_t write_exponent(int exponent, char *text)
{
    char buffer[8], *first;
    size_t length = 0;

    text[length++] = 'e';
    if (exponent < 0)
        text[length++] = '-';
    first = write_digits_before(buffer + sizeof buffer,
                                (uint64_t)(exponent < 0 ? -exponent : exponent));
    memcpy(text + length, first, (size_t)(buffer + sizeof buffer - first));
    return length + (size_t)(buffer + sizeof buffer - first);
}

static size_t write_decimal(struct decimal_digits decimal, char *text)
{
    char buffer[24], *end = buffer + sizeof buffer, *first;
    size_t count, length = 0;
    int leading; /* power of ten of the first digit */

    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    first = write_digits_before(end, decimal.digits);
    count = (size_t)(end - first);
    leading = decimal.exponent + (int)count - 1;
    if (leading >= 16 || leading < -5) { /* 1.234e-7 */
        text[length++] = first[0];
        if (count > 1) {
            text[length++] = '.';
            memcpy(text + length, first + 1, count - 1);
            length += count - 1;
        }
        return length + write_exponent(leading, text + length);
    }
    if (leading < 0) { /* 0.001234 */
        memcpy(text, "0.0000", (size_t)(1 - leading));
        text[1] = '.';
        length = (size_t)(1 - leading);
        memcpy(text + length, first, count);
        return length + count;
    }
    if (decimal.exponent >= 0) { /* 1234000 */
        memcpy(text, first, count);
        memset(text + count, '0', (size_t)decimal.exponent);
        return count + (size_t)decimal.exponent;
    }
    memcpy(text, first, (size_t)leading + 1); /* 1.234 */
    text[leading + 1] = '.';
    memcpy(text + leading + 2, first + leading + 1, count - (size_t)leading - 1);
    return count + 1;
}

static size_t write_word(const char *word, char *text)
{
    size_t length = strlen(word);

    memcpy(text, word, length);
    return length;
}

/* What both types share, once their bits are apart. */
static size_t write_value(bool negative, uint64_t fraction, int exponent, int fraction_bits,
                          int exponent_max, char *text)
{
    uint64_t hidden = (uint64_t)1 << fraction_bits;
    int bias = exponent_max / 2 + fraction_bits;
    struct decimal_digits decimal;

    if (exponent == exponent_max)
        return write_word(fraction != 0 ? "\"NaN\""
                          : negative    ? "\"-Infinity\""
                                        : "\"Infinity\"",
                          text);
    if (exponent == 0 && fraction == 0)
        return write_word(negative ? "-0.0" : "0", text);
    if (exponent == 0)
        decimal = shortest(fraction, 1 - bias, false);
    else
        decimal = shortest(hidden | fraction, exponent - bias, fraction == 0 && exponent > 1);
    if (negative)
        *text = '-';
    return negative + write_decimal(decimal, text + negative);
}

size_t shortest_float64(double value, char *text)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return write_value(bits >> 63, bits & 0xfffffffffffffu, (int)(bits >> 52 & 0x7ff), 52, 0x7ff,
                       text);
}

size_t shortest_float32(float value, char *text)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return write_value(bits >> 31, bits & 0x7fffffu, (int)(bits >> 23 & 0xff), 23, 0xff, text);
}
