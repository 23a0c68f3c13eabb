/* test_decimal_rounding.c - which double a decimal becomes: roundings known beforehand, points half
 * way between two doubles, and random ones read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "codec/shortest.h"
#include "support/decimals.h"
#include "support/numbers.h"

#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED
#endif
#ifdef SANITIZED /* they make it a minute */
enum { RANDOM_PATTERNS = 500000 };
#else
enum { RANDOM_PATTERNS = 10000000 };
#endif

enum { TEXT_BYTES = 2048, PRINTED_PATTERNS = 300000 };

static double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static void extremes_are_rounded(void **state)
{
    static const struct {
        char text[64];
        double want;
    } rows[] = {
        {"0", 0.0},
        {"-0", -0.0},
        {"-0.0", -0.0},
        {"0e999999999999", 0.0},
        {"-0.000e-5", -0.0},
        {"0.1", 0x1.999999999999ap-4},
        {"1e0", 1.0},
        {"1E+2", 100.0},
        {"9007199254740993", 0x1p53},
        {"9007199254740993.000000000000000000001", 0x1.0000000000001p53},
        {"9007199254740995", 0x1.0000000000002p53},
        {"9223372036854775808", 0x1p63},
        {"18446744073709551615", 0x1p64},
        {"18446744073709551616", 0x1p64},
        {"1e22", 1e22},
        {"1e23", 0x1.52d02c7e14af6p76},
        {"5e-324", 0x1p-1074},
        {"4.9406564584124654e-324", 0x1p-1074},
        {"2.4703282292062328e-324", 0x1p-1074},
        {"2.4703282292062327e-324", 0.0},
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},
        {"2.2250738585072012e-308", 0x1p-1022},
        {"2.2250738585072014e-308", 0x1p-1022},
        {"1.7976931348623157e308", DBL_MAX},
        {"1.7976931348623158e308", DBL_MAX},
        {"1.7976931348623159e308", INFINITY},
        {"-1.7976931348623159e+308", -INFINITY},
        {"1e309", INFINITY},
        {"-1e99999999999999999999", -INFINITY},
        {"1e-99999999999999999999", 0.0},
        {"-1e-400", -0.0},
        {"17.5", 17.5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_decimal(rows[i].text, rows[i].want);
}

/* The same number three ways: d.dde+e, ddde+e, and 0.00dde+e. */
static void check_forms(const char *digits, int exponent, double want)
{
    int count = (int)strlen(digits);
    char text[TEXT_BYTES] = "";

    (void)snprintf(text, sizeof text, "%c%s%se%d", digits[0], count > 1 ? "." : "", digits + 1,
                   exponent);
    check_decimal(text, want);
    memset(text, 0, sizeof text);
    (void)snprintf(text, sizeof text, "-%s0e%+d", digits, exponent - count);
    check_decimal(text, -want);
    memset(text, 0, sizeof text);
    (void)snprintf(text, sizeof text, "0.000000000000000000000%sE%d", digits, exponent + 22);
    check_decimal(text, want);
}

/* The point half way between a double and the next larger one, written in full: it goes to the even
 * one, and a hair below or above it to the nearer one.  A long double holds it exactly. */
static void check_halfway(uint64_t bits)
{
    double lower = from_bits(bits), upper = from_bits(bits + 1);
    long double half = (long double)lower / 2;
    char text[TEXT_BYTES], *e;
    int exponent;
    size_t count;

    half += isinf(upper) ? 0x1p1023L : (long double)upper / 2;
    (void)snprintf(text, sizeof text, "%.800Le", half);
    e = strchr(text, 'e');
    exponent = atoi(e + 1);
    text[1] = text[0]; /* over the point */
    count = (size_t)(e - text);
    while (text[count - 1] == '0')
        count--;
    text[count] = '\0';
    assert_in_range(count, 2, 800);
    check_forms(text + 1, exponent, bits % 2 == 0 ? lower : upper);
    memset(text + count, '0', 20);
    count += 20;
    text[count] = '\0';
    text[count - 1] = '1';
    check_forms(text + 1, exponent, upper);
    text[count - 1] = '0';
    for (size_t i = count; text[--i]-- == '0';) /* a hair below: borrow over the zeros */
        text[i] = '9';
    if (text[1] == '0') /* it was a power of ten: 1e23 is such a point */
        check_forms(text + 2, exponent - 1, lower);
    else
        check_forms(text + 1, exponent, lower);
}

static void halfway_points_go_to_even(void **state)
{
    static const uint64_t patterns[] = {
        0,                  /* to the smallest subnormal */
        1,                  /* and the next */
        0xffffffffffffe,    /* the largest subnormals */
        0xfffffffffffff,    /* to the smallest normal number */
        0x10000000000000,   /* and the next */
        0x3ff0000000000000, /* 1 */
        0x3fefffffffffffff, /* below it */
        0x4340000000000000, /* 2^53 */
        0x43e0000000000000, /* 2^63 */
        0x44b52d02c7e14af6, /* near 1e23 */
        0x44b52d02c7e14af7,
        0x7feffffffffffffe, /* the largest */
        0x7fefffffffffffff, /* and where infinity begins */
    };
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        check_halfway(patterns[i]);
    for (int i = 0; i < 2000; i++)
        check_halfway(number_random_bits(&seed) % 0x7fefffffffffffff);
    for (int i = 0; i < 2000; i++) /* where digits and powers of ten are small */
        check_halfway(0x3fa0000000000000 + number_random_bits(&seed) % 0x800000000000000);
    for (int i = 0; i < 200; i++)
        check_halfway(number_random_bits(&seed) % 0x10000000000000);
}

/* Ten million, written by our own writer, because printf takes four times as long. */
static void random_patterns_are_read_as_strtod_reads_them(void **state)
{
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < RANDOM_PATTERNS; i++) {
        double value = from_bits(number_random_bits(&seed));
        char text[SHORTEST_BYTES_MAX + DECIMAL_PADDING];

        if (!isfinite(value))
            continue;
        memset(text + shortest_float64(value, text), 0, DECIMAL_PADDING);
        check_decimal(text, value);
        check_decimal_as_strtod(text);
    }
}

static void random_patterns_are_read_back(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < PRINTED_PATTERNS; i++) {
        double value = from_bits(number_random_bits(&seed));
        int precision = (int)(number_random_bits(&seed) % 25);
        char text[64] = "";

        if (!isfinite(value))
            continue;
        (void)snprintf(text, sizeof text, "%.17g", value);
        check_decimal(text, value);
        memset(text, 0, sizeof text);
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        check_decimal_as_strtod(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_rounded),
        cmocka_unit_test(halfway_points_go_to_even),
        cmocka_unit_test(random_patterns_are_read_back),
        cmocka_unit_test(random_patterns_are_read_as_strtod_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
