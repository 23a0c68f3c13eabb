/* test_decimal_run.c - rows of numbers: each as decimal.h reads it alone, and where a row ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "codec/decimal_run.h"
#include "support/numbers.h"

enum { TEXT_BYTES = 65536, ROOM = 1000 };

/* Read `text`, which is put into a block that ends with its padding, by both functions; returns how
 * many numbers there were, with *length the bytes that they took. */
static size_t read_both(const char *text, size_t room, double *values, float *floats,
                        size_t *length)
{
    size_t bytes = strlen(text), count;
    char *copy = calloc(bytes + DECIMAL_PADDING, 1);
    const char *at = copy;

    assert_non_null(copy);
    memcpy(copy, text, bytes);
    count = decimal_run_float64(&at, values, room);
    *length = (size_t)(at - copy);
    at = copy;
    assert_int_equal(decimal_run_float32(&at, floats, room), count);
    assert_int_equal((size_t)(at - copy), *length);
    free(copy);
    return count;
}

/* Every number of a row of nothing else has the bits that decimal.h gives it. */
static void check_row(const char *row)
{
    static char padded[TEXT_BYTES + DECIMAL_PADDING];
    static double values[ROOM];
    static float floats[ROOM];
    size_t length, count = read_both(row, ROOM, values, floats, &length);
    const char *text = padded;

    if (length != strlen(row))
        fail_msg("%.60s: ends at byte %zu", row, length);
    assert_in_range(length, 1, TEXT_BYTES);
    memcpy(padded, row, length);
    memset(padded + length, 0, DECIMAL_PADDING);
    for (size_t i = 0; i < count; i++) {
        struct decimal decimal;
        const char *stop, *start = text + strspn(text, " \t\r\n");
        double want;
        float narrow;

        text = decimal_scan(start, &decimal, &stop);
        assert_non_null(text);
        want = decimal_to_double(&decimal);
        narrow = (float)want;
        if (memcmp(&want, &values[i], sizeof want) != 0 ||
            memcmp(&narrow, &floats[i], sizeof narrow) != 0)
            fail_msg("%.40s: got %a and %a, want %a", start, values[i], (double)floats[i], want);
        text += strspn(text, " \t\r\n");
        assert_int_equal(*text, i + 1 < count ? ',' : '\0');
        text++;
    }
}

static void rows_are_read_number_by_number(void **state)
{
    static const char *const rows[] = {
        "0",
        "-0,0,-0.0,0e5,-0e-5,0.000000000000000000,-0.0000000000000000000000000000",
        "1,-1,12,-123,1234567,12345678,-123456789,1234567812345678,12345678123456789",
        "1.5, -2.25,3.125, 4",
        "1,\n2,\t3,\r\n4,  5",
        "9007199254740992,9007199254740993,9007199254740994,9007199254740993.5",
        "9999999999999999999,18446744073709551615,18446744073709551616,99999999999999999999",
        "0.1,0.12,0.123,0.1234,0.12345,0.123456,0.1234567,0.12345678,0.123456789",
        "0.1234567812345678,0.12345678123456781,0.123456781234567812,0.1234567812345678123",
        "0.12345678123456781234,0.0012345678123456781,0.00012345678123456781,0.000012345678",
        "0.0001234567890123456789,0.00012345678901234567890,0.0000000000000000000001",
        "0.0000000123456789012345,0.00000000123456789012345,0.000000000000000000000001",
        "9.00719925474099300000,9007199254740.99300000,1.000000000000000000000000001",
        "1e0,1E5,-1.5e-5,1.7976931348623157e-308,4.9e-324,1e22,3.4028235e38,1e-999",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(rows[i]);
}

/* Digits before and after the point, signs, spaces and exponents at random. */
static void random_rows_are_read_number_by_number(void **state)
{
    static char text[TEXT_BYTES];
    uint64_t seed = 6;

    (void)state;
    for (int row = 0; row < 2000; row++) {
        int most = 1 + row % 26;
        size_t used = 0;

        for (int i = 0; i < 200; i++) {
            int before = 1 + (int)(number_random_bits(&seed) % (i % 4 == 0 ? 22 : 2));
            int after = (int)(number_random_bits(&seed) % (unsigned)most);

            used += (size_t)sprintf(text + used, "%s%s%d", i > 0 ? row % 3 == 0 ? ", " : "," : "",
                                    number_random_bits(&seed) % 2 ? "-" : "",
                                    (int)(number_random_bits(&seed) % (before > 1 ? 9 : 10)) +
                                        (before > 1));
            while (--before > 0)
                text[used++] = (char)('0' + number_random_bits(&seed) % 10);
            if (after > 0)
                text[used++] = '.';
            for (bool zeros = i % 3 == 0; after > 0; after--) {
                zeros = zeros && number_random_bits(&seed) % 4 != 0;
                text[used++] = (char)(zeros ? '0' : '0' + number_random_bits(&seed) % 10);
            }
            if (number_random_bits(&seed) % 16 == 0)
                used +=
                    (size_t)sprintf(text + used, "e%d", (int)(number_random_bits(&seed) % 30) - 20);
        }
        text[used] = '\0';
        check_row(text);
    }
}

/* Half way between two doubles, and a unit of the last digit beside it. */
static void halfway_points_are_read_number_by_number(void **state)
{
    uint64_t seed = 7;
    char text[128];

    (void)state;
    for (int i = 0; i < 100000; i++) { /* an odd number of 54 bits / 2^k has k decimals */
        uint64_t odd = number_random_bits(&seed) >> 10 | (uint64_t)1 << 53 | 1;
        int k = i % 5;
        unsigned long long whole = odd >> k, rest = odd & (((uint64_t)1 << k) - 1);

        for (int j = 0; j < k; j++)
            rest *= 5;
        if (k == 0)
            (void)sprintf(text, "%llu,%llu", whole, whole + 2);
        else
            (void)sprintf(text, "%llu.%0*llu,%llu.%0*llu", whole, k, rest, whole, k, rest - 1);
        check_row(text);
    }
}

static void rows_end_where_they_should(void **state)
{
    static const struct {
        const char *text;
        size_t room, count, length;
    } rows[] = {
        {"", 9, 0, 0},
        {"1,2,3", 0, 0, 0},
        {"1,2,3", 2, 2, 3},
        {"1,2,3", 3, 3, 5},
        {"1,2,3]", 9, 3, 5},
        {"1.5]", 9, 1, 3},
        {"1 ,2", 9, 1, 1},
        {"1, 2 ", 9, 2, 4},
        {" 1", 9, 0, 0},
        {"1,", 9, 1, 1},
        {"1,,2", 9, 1, 1},
        {"1,NaN", 9, 1, 1},
        {"1,-Infinity", 9, 1, 1},
        {"1,[2]", 9, 1, 1},
        {"1,\"2\"", 9, 1, 1},
        {"1,\v2", 9, 1, 1},
        {"1,01", 9, 1, 1},
        {"1,-00.5", 9, 1, 1},
        {"1,2.", 9, 1, 1},
        {"1,.5", 9, 1, 1},
        {"1,-", 9, 1, 1},
        {"1,--2", 9, 1, 1},
        {"1,+2", 9, 1, 1},
        {"1,2e", 9, 1, 1},
        {"1,2.5e+", 9, 1, 1},
        {"1,123456789012345678901.", 9, 1, 1},
        {"1,1e999", 9, 1, 1},
        {"1,1.5x", 9, 2, 5},
        {"1,2-3", 9, 2, 3},
        {"1,2.5.5", 9, 2, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double values[16];
        float floats[16];
        size_t length, count = read_both(rows[i].text, rows[i].room, values, floats, &length);

        if (count != rows[i].count || length != rows[i].length)
            fail_msg("\"%s\": %zu numbers up to byte %zu", rows[i].text, count, length);
    }
}

/* What is finite as a double and not as a float ends a row of floats only. */
static void floats_end_at_what_they_cannot_hold(void **state)
{
    static const char text[64] = "1,3.4028235677973362e38,-1e39";
    const char *at = text;
    double values[4];
    float floats[4];

    (void)state;
    assert_int_equal(decimal_run_float32(&at, floats, 4), 2);
    assert_ptr_equal(at, strchr(text, '-') - 1);
    at = text;
    assert_int_equal(decimal_run_float64(&at, values, 4), 3);
    assert_true(values[2] == -1e39);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_number_by_number),
        cmocka_unit_test(random_rows_are_read_number_by_number),
        cmocka_unit_test(halfway_points_are_read_number_by_number),
        cmocka_unit_test(rows_end_where_they_should),
        cmocka_unit_test(floats_end_at_what_they_cannot_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
