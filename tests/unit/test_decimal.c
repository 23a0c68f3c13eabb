/* test_decimal.c - decimals as they are written: any number of digits, every power of ten,
 * integers, and where a malformed one breaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "support/decimals.h"
#include "support/numbers.h"

enum { TEXT_BYTES = 2048 };

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
        check_decimal_as_strtod(text);
        (void)snprintf(text + used, sizeof text - used, "e%d",
                       (int)(number_random_bits(&seed) % 700) - 350 - (int)point);
        check_decimal_as_strtod(text);
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
            check_decimal_as_strtod(text);
        }
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
    check_decimal(text, 10.0);
    memset(text + 1, '0', DIGITS - 1);
    text[1] = '.';
    text[DIGITS] = '\0';
    check_decimal(text, 9.0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_digits_is_read),
        cmocka_unit_test(every_power_of_ten_is_read),
        cmocka_unit_test(malformed_numbers_stop_where_they_break),
        cmocka_unit_test(integers_are_known_however_written),
        cmocka_unit_test(a_million_digits_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
