/* test_shortest.c - doubles and floats written: exact texts, and that no shorter one reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/shortest.h"
#include "support/numbers.h"

enum { RANDOM_PATTERNS = 300000 };

/* Write a value into a block of just the promised room, and end it with a NUL here. */
static const char *write64(double value, char *text)
{
    char *room = malloc(SHORTEST_BYTES_MAX);
    size_t length;

    assert_non_null(room);
    length = shortest_float64(value, room);
    assert_in_range(length, 1, SHORTEST_BYTES_MAX);
    memcpy(text, room, length);
    text[length] = '\0';
    free(room);
    return text;
}

static const char *write32(float value, char *text)
{
    char *room = malloc(SHORTEST_BYTES_MAX);
    size_t length;

    assert_non_null(room);
    length = shortest_float32(value, room);
    assert_in_range(length, 1, SHORTEST_BYTES_MAX);
    memcpy(text, room, length);
    text[length] = '\0';
    free(room);
    return text;
}

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0.0, "0"},
    {-0.0, "-0.0"},
    {1.0, "1"},
    {-1.0, "-1"},
    {0.1, "0.1"},
    {-2.5, "-2.5"},
    {100.0, "100"},
    {1234000.0, "1234000"},
    {0.001234, "0.001234"},
    {1.234e-7, "1.234e-7"},
    {1e-5, "0.00001"},
    {-1.2345678901234567e-5, "-0.000012345678901234568"},
    {0x1.4f8b588e368efp-17, "9.999999999999997e-6"},
    {9.999e-6, "9.999e-6"},
    {1e-6, "1e-6"},
    {1e15, "1000000000000000"},
    {9999999999999998.0, "9999999999999998"},
    {-1e16, "-1e16"},
    {1e16, "1e16"},
    {12345678901234568.0, "1.2345678901234568e16"},
    {9007199254740991.0, "9007199254740991"},
    {9007199254740993.0, "9007199254740992"},
    {123456789012345.67, "123456789012345.67"},
    {0x1p-44, "5.684341886080802e-14"},
    {0x1p-1074, "5e-324"},
    {0x1p-1073, "1e-323"},
    {0x1.8p-1073, "1.5e-323"},
    {0x1p-1022, "2.2250738585072014e-308"},
    {0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
    {-0x1.8p-1022, "-3.337610787760802e-308"},
    {DBL_MAX, "1.7976931348623157e308"},
    {0x1p-1, "0.5"},
    {0x1p63, "9.223372036854776e18"},
    {0x1p1023, "8.98846567431158e307"},
    {1e23, "1e23"},
    {0x1.52d02c7e14af7p76, "1.0000000000000001e23"},
    {2e-323, "2e-323"},
    {5e-5, "0.00005"},
    {1.0 / 3.0, "0.3333333333333333"},
    {INFINITY, "\"Infinity\""},
    {-INFINITY, "\"-Infinity\""},
    {NAN, "\"NaN\""},
    {-NAN, "\"NaN\""},
};

static void doubles_have_exact_texts(void **state)
{
    char text[SHORTEST_BYTES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        assert_string_equal(write64(doubles[i].value, text), doubles[i].text);
}

static void floats_have_exact_texts(void **state)
{
    static const struct {
        float value;
        const char *text;
    } rows[] = {
        {0.0f, "0"},
        {-0.0f, "-0.0"},
        {0.1f, "0.1"},
        {1e-5f, "0.00001"},
        {9.999999e-6f, "9.999999e-6"},
        {16777216.0f, "16777216"},
        {1e15f, "1000000000000000"},
        {1e16f, "1e16"},
        {FLT_MAX, "3.4028235e38"},
        {0x1.5c87fap-84f, "7.0385307e-26"}, /* 7.038531e-26 is its neighbour, by way of float64 */
        {-0x1.5c87fap-84f, "-7.0385307e-26"},
        {-FLT_MIN, "-1.1754944e-38"},
        {0x1p-149f, "1e-45"},
        {0x1p-148f, "3e-45"},
        {0x1p-44f, "5.684342e-14"},
        {33554432.0f, "33554432"},
        {8589934592.0f, "8589935000"},
        {1.0f / 3.0f, "0.33333334"},
        {INFINITY, "\"Infinity\""},
        {-INFINITY, "\"-Infinity\""},
        {NAN, "\"NaN\""},
    };
    char text[SHORTEST_BYTES_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(write32(rows[i].value, text), rows[i].text);
}

/* The significant digits of a decimal text, without point, sign, zeros at the ends or exponent. */
static size_t significant(const char *text, char *digits)
{
    size_t count = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '1' || (*text == '0' && count > 0))
            digits[count++] = *text;
    }
    while (count > 0 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    return count;
}

/* A reading as wide as the written value was. */
static double read_back(const char *text, bool single)
{
    return single ? (double)strtof(text, NULL) : strtod(text, NULL);
}

/* `text` reads back; printf's nearest decimal of one digit fewer does not; and if that of as many
 * digits does, it is this one. */
static void check_shortest(double value, bool single, const char *text)
{
    char digits[40], other_digits[40], other[64];
    size_t count = significant(text, digits);
    double back = read_back(text, single);

    if (memcmp(&back, &value, sizeof value) != 0)
        fail_msg("%a is written as %s, which is %a", value, text, back);
    if (count > 1) {
        (void)snprintf(other, sizeof other, "%.*e", (int)count - 2, value);
        if (read_back(other, single) == value)
            fail_msg("%a is written as %s, but %s is shorter", value, text, other);
    }
    (void)snprintf(other, sizeof other, "%.*e", (int)count - 1, value);
    (void)significant(other, other_digits);
    if (read_back(other, single) == value && strcmp(digits, other_digits) != 0)
        fail_msg("%a is written as %s, but %s is nearer", value, text, other);
}

static void random_doubles_read_back_and_are_shortest(void **state)
{
    char text[SHORTEST_BYTES_MAX + 1];
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < RANDOM_PATTERNS; i++) {
        uint64_t bits = number_random_bits(&seed);
        double value;

        if (i % 8 == 1) /* few bits: integers, halves, powers of two */
            bits &= 0xffff000000000000u;
        if (i % 8 == 2) /* from 1e-6 to 1e17, where there is no exponent */
            bits = (bits & 0x800fffffffffffffu) | (uint64_t)(1023 - 20 + i / 8 % 77) << 52;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value != 0.0)
            check_shortest(value, false, write64(value, text));
    }
}

static void random_floats_read_back_and_are_shortest(void **state)
{
    char text[SHORTEST_BYTES_MAX + 1];
    uint64_t seed = 5;

    (void)state;
    for (int i = 0; i < RANDOM_PATTERNS; i++) {
        uint32_t bits = (uint32_t)number_random_bits(&seed);
        float value;

        if (i % 8 == 1)
            bits &= 0xffff0000u;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value) && value != 0.0f)
            check_shortest((double)value, true, write32(value, text));
    }
}

/* Where the interval below is half as wide as the one above. */
static void powers_of_two_read_back(void **state)
{
    char text[SHORTEST_BYTES_MAX + 1];

    (void)state;
    for (int exponent = -1074; exponent <= 1023; exponent++) {
        double value = ldexp(1.0, exponent);

        if (strtod(write64(value, text), NULL) != value)
            fail_msg("2^%d is written as %s", exponent, text);
        if (exponent < -149 || exponent > 127)
            continue;
        if (strtof(write32((float)value, text), NULL) != (float)value)
            fail_msg("2^%d as a float is written as %s", exponent, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_have_exact_texts),
        cmocka_unit_test(floats_have_exact_texts),
        cmocka_unit_test(random_doubles_read_back_and_are_shortest),
        cmocka_unit_test(random_floats_read_back_and_are_shortest),
        cmocka_unit_test(powers_of_two_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
