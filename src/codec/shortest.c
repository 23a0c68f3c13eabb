/* shortest.c - binary floating point to the shortest decimal that reads back.
 *
 * Which digits a number has cannot be predicted, so nothing branches on them: candidates are
 * compared and one is picked, and a text is written whole words at a time, its point by a shift. */
#include "codec/shortest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/powers.h"

/* Written once and compiled for each type. */
#define BOTH_TYPES static inline __attribute__((always_inline))

enum { DIGITS_MAX = 17, DIGITS32_MAX = 9 };

/* floor(log2(10^e)) and floor(log10(2^e * (quarter ? 3/4 : 1))), for |e| up to 1650. */
static inline int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

static inline int floor_log10_pow2(int e, bool quarter)
{
    return (e * 1262611 - 524031 * quarter) >> 22;
}

/* The upper part of power * c, with everything below it folded into the lowest bit: enough to
 * compare it with any other number, and never mistaken for exact. */
static inline uint64_t multiply_to_odd(struct power power, uint64_t c)
{
    uint128 low = (uint128)power.low * c;
    uint128 high = (uint128)power.high * c + (uint64_t)(low >> 64);

    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* The same for a float's c, of up to 30 bits: 64 bits of the power are enough. */
static inline uint64_t multiply_to_odd32(uint64_t power, uint64_t c)
{
    uint128 product = (uint128)power * c;

    return (uint64_t)(product >> 64) | ((uint64_t)product >> 32 > 1);
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

/* condition ? yes : no, but never a branch. */
static inline uint64_t pick(bool condition, uint64_t yes, uint64_t no)
{
    return no ^ ((yes ^ no) & (0 - (uint64_t)condition));
}

/* The digits of the shortest decimal in the rounding interval of c * 2^q, as a multiple of
 * 10^*exponent; zeros may end them.  At a power of two the lower half of the interval is half as
 * wide.  All is scaled by 4 so that the interval's ends are integers. */
BOTH_TYPES uint64_t shortest(uint64_t c, int q, bool lower_is_closer, bool single, int *exponent)
{
    int k = floor_log10_pow2(q, lower_is_closer);
    int h = q + floor_log2_pow10(-k) + 1; /* 1..4 */
    uint64_t ends[] = {(4 * c - 2 + lower_is_closer) << h, 4 * c << h, (4 * c + 2) << h};
    uint64_t lower, middle, upper, s, ten, nearest;
    bool odd = c & 1, low_fits, high_fits, ten_low_fits, ten_high_fits;

    if (single) {
        const struct power *power = &powers[-k - POWERS_LOWEST];
        uint64_t above = power->high + (power->low != 0);

        lower = multiply_to_odd32(above, ends[0]);
        middle = multiply_to_odd32(above, ends[1]);
        upper = multiply_to_odd32(above, ends[2]);
    } else {
        struct power power = power_above(-k);

        lower = multiply_to_odd(power, ends[0]);
        middle = multiply_to_odd(power, ends[1]);
        upper = multiply_to_odd(power, ends[2]);
    }
    *exponent = k;
    lower += odd; /* the ends belong to the interval of an even significand only */
    upper -= odd;
    s = middle / 4;
    ten = s / 10; /* one digit fewer? */
    ten_low_fits = lower <= 40 * ten;
    ten_high_fits = 40 * ten + 40 <= upper;
    nearest = s + (middle > 4 * s + 2 - (s & 1)); /* the even one on a tie */
    if (lower_is_closer) { /* else the nearest one fits: 10^k is at most the interval's width */
        low_fits = lower <= 4 * s;
        high_fits = 4 * s + 4 <= upper;
        if (low_fits != high_fits)
            nearest = s + high_fits;
    }
    return pick((ten_low_fits != ten_high_fits) & (s >= 10), 10 * (ten + ten_high_fits), nearest);
}

/* A decimal to be written: d.ddd * 10^leading. */
struct numeral {
    uint64_t digits[3]; /* one in a byte, the first in the lowest; zeros after the last */
    int count;          /* of digits, without zeros at the end */
    int leading;
};

/* The eight digits of a number below 10^8, each in its byte, the first in the lowest: two fours,
 * then four pairs, then eight, with a division by a product in every lane. */
static inline uint64_t spread(uint64_t number)
{
    uint64_t fours = number / 10000 + (number % 10000 << 32);
    uint64_t hundreds = (fours * 10486) >> 20 & 0x0000007f0000007fu;
    uint64_t pairs = hundreds + ((fours - 100 * hundreds) << 16);
    uint64_t ten = (pairs * 103) >> 10 & 0x000f000f000f000fu;

    return ten + ((pairs - 10 * ten) << 8);
}

/* How many digits of eight are left without the zeros that end them. */
static inline int count_digits(uint64_t eight)
{
    return eight != 0 ? 8 - (__builtin_ctzll(__builtin_bswap64(eight)) >> 3) : 0;
}

/* Take digits * 10^exponent apart.  A normal number has as many digits as its type may need or one
 * fewer, or two for a float; a subnormal one is filled up first. */
BOTH_TYPES struct numeral take_apart(uint64_t digits, int exponent, bool single)
{
    const uint64_t one = single ? 100000000u : 10000000000000000u,
                   least = one / (single ? 100 : 10);
    struct numeral numeral;
    uint64_t upper, lower = 0, first;

    for (; digits < least; exponent--)
        digits *= 10;
    if (single) {
        bool is_short = digits < one / 10;

        exponent -= is_short;
        digits = pick(is_short, 10 * digits, digits);
    }
    numeral.leading = exponent + (single ? DIGITS32_MAX : DIGITS_MAX) - 1 - (digits < one);
    upper = pick(digits < one, 10 * digits, digits);
    if (!single) {
        lower = spread(upper % 100000000);
        upper /= 100000000;
    }
    first = upper / 100000000;
    upper = spread(upper % 100000000);
    numeral.digits[0] = first | upper << 8;
    numeral.digits[1] = upper >> 56 | lower << 8;
    numeral.digits[2] = lower >> 56;
    numeral.count = 1 + (lower != 0 ? 8 + count_digits(lower) : count_digits(upper));
    return numeral;
}

/* Eight digits as characters. */
static inline void store(char *text, uint64_t eight)
{
    eight |= 0x3030303030303030u;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif
    memcpy(text, &eight, sizeof eight);
}

/* Write 1234000, 1.234 or 0.001234: the digits in place, the point over the one after it, and those
 * from there on once more.  What is written beyond the end does not count. */
BOTH_TYPES size_t write_plain(struct numeral numeral, bool single, char *text)
{
    bool is_small = numeral.leading < 0;
    int leading = is_small ? 0 : numeral.leading, zeros = leading - numeral.leading;
    int before = leading + !is_small; /* digits before the point */
    int whole = leading + 1;          /* and characters */
    int after = numeral.count + zeros - whole;
    char *tail = text + whole + 1 + (zeros - is_small);
    uint64_t a = numeral.digits[0], b = numeral.digits[1], c = numeral.digits[2];
    int shift = 8 * (before & 7);

    store(text, pick(is_small, 0, a));
    store(text + 8, b);
    text[whole] = '.';
    if (before >= 8) {
        a = before == 16 ? c : b;
        b = before == 16 ? 0 : c;
        c = 0;
    }
    store(tail, a >> shift | b << 1 << (63 - shift));
    store(tail + 8, b >> shift | c << 1 << (63 - shift));
    if (!single)
        store(tail + 16, c >> shift);
    whole += after > 0 ? after + 1 : 0;
    return (size_t)whole;
}

static size_t write_exponent(int exponent, char *text)
{
    unsigned size = (unsigned)(exponent < 0 ? -exponent : exponent);
    size_t length = 0;

    text[length++] = 'e';
    if (exponent < 0)
        text[length++] = '-';
    if (size >= 100)
        text[length++] = (char)('0' + size / 100);
    if (size >= 10)
        text[length++] = (char)('0' + size / 10 % 10);
    text[length++] = (char)('0' + size % 10);
    return length;
}

static size_t write_word(const char *word, char *text)
{
    size_t length = strlen(word);

    memcpy(text, word, length);
    return length;
}

/* A zero, or what is not finite. */
static __attribute__((noinline)) size_t write_special(bool negative, bool is_zero, bool is_nan,
                                                      char *text)
{
    if (is_zero)
        return write_word(negative ? "-0.0" : "0", text);
    return write_word(is_nan ? "\"NaN\"" : negative ? "\"-Infinity\"" : "\"Infinity\"", text);
}

/* What both types share, once their bits are apart. */
BOTH_TYPES size_t write_value(bool negative, uint64_t fraction, int exponent, bool single,
                              char *text)
{
    const int fraction_bits = single ? 23 : 52, exponent_max = single ? 0xff : 0x7ff;
    const int bias = exponent_max / 2 + fraction_bits;
    uint64_t c = fraction | (uint64_t)(exponent != 0) << fraction_bits;
    struct numeral numeral;
    uint64_t digits;
    size_t length;
    int leading;

    if (exponent == exponent_max || c == 0)
        return write_special(negative, c == 0, fraction != 0, text);
    digits = shortest(c, exponent + (exponent == 0) - bias, (fraction == 0) & (exponent > 1),
                      single, &leading);
    numeral = take_apart(digits, leading, single);
    leading = numeral.leading;
    *text = '-';
    text += negative;
    if (leading >= -5 && leading < 16)
        return negative + write_plain(numeral, single, text);
    numeral.leading = 0;
    length = write_plain(numeral, single, text);
    return negative + length + write_exponent(leading, text + length);
}

size_t shortest_float64(double value, char *text)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return write_value(bits >> 63, bits & 0xfffffffffffffu, (int)(bits >> 52 & 0x7ff), false, text);
}

/* The one float32 whose shortest digits do not come back, as `make sweep-float32` found: read by
 * way of float64 they are rounded twice, to its neighbour. */
#define ROUNDED_TWICE      0x15ae43fdu
#define ROUNDED_TWICE_TEXT "-7.0385307e-26"

size_t shortest_float32(float value, char *text)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) == ROUNDED_TWICE) {
        bool is_positive = bits >> 31 == 0;

        memcpy(text, &ROUNDED_TWICE_TEXT[is_positive], sizeof ROUNDED_TWICE_TEXT - is_positive);
        return sizeof ROUNDED_TWICE_TEXT - 1 - is_positive;
    }
    return write_value(bits >> 31, bits & 0x7fffffu, (int)(bits >> 23 & 0xff), true, text);
}
