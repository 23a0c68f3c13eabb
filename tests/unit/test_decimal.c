/* test_decimal.c - decimals to binary: against strtod, and against roundings known beforehand. */
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

static uint64_t to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Read the whole of `text`, which has padding, and compare bit by bit. */
static void check_value(const char *text, double want)
{
    const char *stop = NULL, *after;
    struct decimal decimal;
    double got;

    after = decimal_scan(text, &decimal, &stop);
    if (after == NULL || *after != '\0')
        fail_msg("%.60s: not read to its end", text);
    got = decimal_to_double(&decimal);
    if (to_bits(got) != to_bits(want))
        fail_msg("%.900s: got %a, want %a", text, got, want);
}

static void check_as_strtod(const char *text)
{
    check_value(text, strtod(text, NULL));
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
        check_value(rows[i].text, rows[i].want);
}

/* The same number three ways: d.dde+e, ddde+e, and 0.00dde+e. */
static void check_forms(const char *digits, int exponent, double want)
{
    int count = (int)strlen(digits);
    char text[TEXT_BYTES] = "";

    (void)snprintf(text, sizeof text, "%c%s%se%d", digits[0], count > 1 ? "." : "", digits + 1,
                   exponent);
    check_value(text, want);
    memset(text, 0, sizeof text);
    (void)snprintf(text, sizeof text, "-%s0e%+d", digits, exponent - count);
    check_value(text, -want);
    memset(text, 0, sizeof text);
    (void)snprintf(text, sizeof text, "0.000000000000000000000%sE%d", digits, exponent + 22);
    check_value(text, want);
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

static void any_number_of_digits_is_read(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (size_t count = 1; count <= 800; count++) {
        char text[TEXT_BYTES] = "";
        size_t point = number_random_bits(&seed) % (count + 1), used = 0;

        if (point == 0)
            text[used++] = '0';
        for (size_t i = 0; i < count; i++) {
            uint64_t digit = number_random_bits(&seed) % 10;

            if (i == point)
                text[used++] = '.';
            if (i == 0 && point > 1 && digit == 0)
                digit = 7; /* no leading zero */
            text[used++] = (char)('0' + digit);
        }
        check_as_strtod(text);
        (void)snprintf(text + used, sizeof text - used, "e%d",
                       (int)(number_random_bits(&seed) % 700) - 350 - (int)point);
        check_as_strtod(text);
    }
}

static void every_power_of_ten_is_read(void **state)
{
    static const char *const digits[] = {"1",
                                         "-1.0",
                                         "9",
                                         "9007199254740993",
                                         "9223372036854775807",
                                         "9999999999999999999",
                                         "18446744073709551615",
                                         "99999999999999999999",
                                         "0.12345678901234567891",
                                         "1.00000000000000000000000001",
                                         "8.5"};

    (void)state;
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        for (int exponent = -400; exponent <= 400; exponent++) {
            char text[64] = "";

            (void)snprintf(text, sizeof text, "%se%d", digits[i], exponent);
            check_as_strtod(text);
        }
    }
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
        check_value(text, value);
        check_as_strtod(text);
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
        check_value(text, value);
        memset(text, 0, sizeof text);
        (void)snprintf(text, sizeof text, "%.*e", precision, value);
        check_as_strtod(text);
    }
}

/* Each text lies in a block that ends with its padding, so that ASan sees a read beyond. */
static void malformed_numbers_stop_where_they_break(void **state)
{
    static const struct {
        const char *text;
        int stop;
    } rows[] = {
        {"", 0},           {"-", 1},     {"--1", 1},
        {"+1", 0},         {".5", 0},    {"-.5", 1},
        {"01", 1},         {"-01", 2},   {"00", 1},
        {"00.5", 1},       {"1.", 2},    {"-1.", 3},
        {"1.e5", 2},       {"1..2", 2},  {"1e", 2},
        {"1E", 2},         {"1e+", 3},   {"1e-", 3},
        {"1e-x", 3},       {"1.5e", 4},  {"1e.5", 2},
        {"e5", 0},         {"x", 0},     {"-x", 1},
        {"-Infinity", 1},  {"1e+-5", 3}, {"0.", 2},
        {"1. 5", 2},       {"- 1", 1},   {"123456789012345678901.", 22},
        {"0e", 2},         {"1.0e+", 5}, {"1.123456789x", -11},
        {"0x1", -1},       {"1-", -1},   {"1e5.5", -3},
        {"12345678,", -8}, {"0]", -1},   {"1.12345678 ", -10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].text);
        char *text = calloc(length + DECIMAL_PADDING, 1);
        const char *stop = NULL, *after;
        struct decimal decimal;

        assert_non_null(text);
        memcpy(text, rows[i].text, length);
        after = decimal_scan(text, &decimal, &stop);
        if (rows[i].stop >= 0 && (after != NULL || stop != text + rows[i].stop))
            fail_msg("%s: stops at %td", text, after != NULL ? after - text : stop - text);
        if (rows[i].stop < 0 && after != text - rows[i].stop) /* a number, and more */
            fail_msg("%s: not a number up to %d", text, -rows[i].stop);
        free(text);
    }
}

static const struct {
    char text[64];
    enum decimal_kind kind;
    int64_t value;
} integers[] = {
    {"1", DECIMAL_INTEGER, 1},
    {"1.0", DECIMAL_INTEGER, 1},
    {"10e-1", DECIMAL_INTEGER, 1},
    {"0.1e1", DECIMAL_INTEGER, 1},
    {"-100", DECIMAL_INTEGER, -100},
    {"1e18", DECIMAL_INTEGER, 1000000000000000000},
    {"1e19", DECIMAL_HUGE, 0},
    {"9223372036854775807", DECIMAL_INTEGER, INT64_MAX},
    {"9223372036854775808", DECIMAL_HUGE, 0},
    {"-9223372036854775808", DECIMAL_INTEGER, INT64_MIN},
    {"-9223372036854775809", DECIMAL_HUGE, 0},
    {"922337203685477580.7e1", DECIMAL_INTEGER, INT64_MAX},
    {"18446744073709551615", DECIMAL_HUGE, 0},
    {"18446744073709551616", DECIMAL_HUGE, 0},
    {"1.5", DECIMAL_FRACTION, 0},
    {"1e-1", DECIMAL_FRACTION, 0},
    {"1e-999999999999", DECIMAL_FRACTION, 0},
    {"1e30", DECIMAL_HUGE, 0},
    {"-1e30", DECIMAL_HUGE, 0},
    {"1900000000000000001e1", DECIMAL_HUGE, 0}, /* ten times it wraps to a small one */
    {"1e999999999999", DECIMAL_HUGE, 0},
    {"0", DECIMAL_INTEGER, 0},
    {"0.0", DECIMAL_INTEGER, 0},
    {"-0", DECIMAL_INTEGER, 0},
    {"0e99", DECIMAL_INTEGER, 0},
    {"0e-99", DECIMAL_INTEGER, 0},
    {"7.00000000000000000000000000", DECIMAL_INTEGER, 7},
    {"7.00000000000000000000000001", DECIMAL_FRACTION, 0},
    {"1234567890123456789.000", DECIMAL_INTEGER, 1234567890123456789},
    {"0.00000000000000000000000000", DECIMAL_INTEGER, 0},
    {"0.00000000000000000000000001", DECIMAL_FRACTION, 0},
    {"300000000000000000000e-20", DECIMAL_INTEGER, 3},
    {"310000000000000000000e-20", DECIMAL_FRACTION, 0},
    {"123456789012345678901", DECIMAL_HUGE, 0},
    {"100000000000000000000", DECIMAL_HUGE, 0},
    {"123456789012345678.95", DECIMAL_FRACTION, 0},
    {"1234567890123456789.5", DECIMAL_FRACTION, 0},
    {"-12345678901234567890.5e-1", DECIMAL_FRACTION, 0},
};

static void integers_are_known_however_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        struct decimal decimal;
        const char *stop;
        int64_t value = 0;

        assert_non_null(decimal_scan(integers[i].text, &decimal, &stop));
        if (decimal_to_int64(&decimal, &value) != integers[i].kind || value != integers[i].value)
            fail_msg("%s: got kind %u, value %lld", integers[i].text,
                     (unsigned)decimal_to_int64(&decimal, &value), (long long)value);
    }
}

/* A number of 10^6 digits: by its value, in time. */
static void a_million_digits_are_read(void **state)
{
    enum { DIGITS = 1000000 };
    char *text = calloc(DIGITS + 64, 1);
    struct decimal decimal;
    const char *stop;

    (void)state;
    assert_non_null(text);
    memset(text, '9', DIGITS);
    assert_ptr_equal(decimal_scan(text, &decimal, &stop), text + DIGITS);
    assert_true(decimal_to_double(&decimal) == INFINITY);
    (void)snprintf(text + DIGITS, 64, "e-%d", DIGITS - 1);
    check_value(text, 10.0);
    memset(text + 1, '0', DIGITS - 1);
    text[1] = '.';
    text[DIGITS] = '\0';
    check_value(text, 9.0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(extremes_are_rounded),
        cmocka_unit_test(halfway_points_go_to_even),
        cmocka_unit_test(any_number_of_digits_is_read),
        cmocka_unit_test(every_power_of_ten_is_read),
        cmocka_unit_test(random_patterns_are_read_back),
        cmocka_unit_test(random_patterns_are_read_as_strtod_reads_them),
        cmocka_unit_test(malformed_numbers_stop_where_they_break),
        cmocka_unit_test(integers_are_known_however_written),
        cmocka_unit_test(a_million_digits_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
