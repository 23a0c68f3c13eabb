/* test_convert.c - widening every 16-bit pattern, and rounding against a search over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "evaluate/convert.h"
#include "support/numbers.h"

enum { PATTERNS = 65536, RANDOM_VALUES = 4000 };

/* A 16-bit format: its numbers by definition, and the patterns of infinity. */
static const struct half {
    enum loss_dtype dtype;
    double (*number)(uint16_t bits);
    unsigned infinity;
    int fraction_bits, exponent_min, exponent_max;
} halves[] = {
    {LOSS_FLOAT16, number_from_float16, 0x7c00, 10, -14, 15},
    {LOSS_BFLOAT16, number_from_bfloat16, 0x7f80, 7, -126, 127},
};

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && !signbit(a) == !signbit(b));
}

static void every_16_bit_pattern_widens(void **state)
{
    static uint16_t patterns[PATTERNS];
    static double wide[PATTERNS];
    static float single[PATTERNS];

    (void)state;
    for (unsigned i = 0; i < PATTERNS; i++)
        patterns[i] = (uint16_t)i;
    for (size_t h = 0; h < 2; h++) {
        convert_to_float64(halves[h].dtype, patterns, PATTERNS, wide);
        convert_to_float32(halves[h].dtype, patterns, PATTERNS, single);
        for (unsigned i = 0; i < PATTERNS; i++) {
            double want = halves[h].number((uint16_t)i);

            if (!same_number(wide[i], want) || !same_number((double)single[i], want))
                fail_msg("%s %#x: got %g and %g, want %g", loss_dtype_name(halves[h].dtype), i,
                         wide[i], (double)single[i], want);
        }
    }
}

/* Some known by heart, so that a mistake in number_from_* does not go unseen. */
static void known_patterns_have_their_values(void **state)
{
    (void)state;
    assert_true(number_from_float16(0x3c00) == 1.0 && number_from_bfloat16(0x3f80) == 1.0);
    assert_true(number_from_float16(0xc000) == -2.0 && number_from_bfloat16(0xc000) == -2.0);
    assert_true(number_from_float16(0x7bff) == 65504.0 && number_from_float16(1) == 0x1p-24);
    assert_true(number_from_bfloat16(0x7f7f) == 0x1.fep127 && number_from_bfloat16(1) == 0x1p-133);
    assert_true(isinf(number_from_float16(0x7c00)) && isnan(number_from_float16(0x7c01)));
    assert_true(isinf(number_from_bfloat16(0xff80)) && isnan(number_from_bfloat16(0xff81)));
}

static uint16_t store(const struct half *half, double value)
{
    uint16_t stored[3] = {0xabcd, 0, 0xabcd};

    loss_dtype_store(half->dtype, stored, 1, value);
    assert_int_equal(stored[0], 0xabcd); /* the neighbours stay */
    assert_int_equal(stored[2], 0xabcd);
    return stored[1];
}

/* The nearest of all numbers of the format, the even pattern of two, by trying each.  Infinity
 * stands where the next number would, one step above the largest. */
static uint16_t search_nearest(const struct half *half, double value)
{
    double best = INFINITY, beyond = ldexp(1.0, half->exponent_max + 1);
    unsigned nearest = 0;

    for (unsigned bits = 0; bits <= half->infinity; bits++) {
        double number = bits == half->infinity ? beyond : half->number((uint16_t)bits);
        double distance = fabs(fabs(value) - number);

        if (distance < best || (distance == best && bits % 2 == 0)) {
            best = distance;
            nearest = bits;
        }
    }
    return (uint16_t)(nearest | (signbit(value) ? 0x8000u : 0));
}

static void check_rounding(const struct half *half, double value)
{
    uint16_t got = store(half, value), want = search_nearest(half, value);

    if (got != want)
        fail_msg("%.17g as %s: got %#x, want %#x", value, loss_dtype_name(half->dtype), got, want);
}

/* Magnitudes from below the smallest subnormal to above the largest number. */
static void random_numbers_round_to_the_nearest(void **state)
{
    uint64_t random = 16;

    (void)state;
    for (size_t h = 0; h < 2; h++) {
        int lowest = halves[h].exponent_min - halves[h].fraction_bits - 3;
        int range = halves[h].exponent_max + 3 - lowest;

        for (int i = 0; i < RANDOM_VALUES; i++) {
            int exponent = lowest + (int)(number_random(&random) * range);
            double sign = number_random(&random) < 0.5 ? -1.0 : 1.0;

            check_rounding(&halves[h], sign * ldexp(1.0 + number_random(&random), exponent));
        }
    }
}

/* Each number stays itself; half way to the next goes to even, a little beside it does not. */
static void halfway_goes_to_even(void **state)
{
    (void)state;
    for (size_t h = 0; h < 2; h++) {
        const struct half *half = &halves[h];

        for (unsigned bits = 0; bits < half->infinity; bits++) {
            double low = half->number((uint16_t)bits);
            double high = bits + 1 == half->infinity ? ldexp(1.0, half->exponent_max + 1)
                                                     : half->number((uint16_t)(bits + 1));
            double middle = low + (high - low) / 2.0;

            assert_int_equal(store(half, low), bits);
            assert_int_equal(store(half, -low), bits | 0x8000);
            assert_int_equal(store(half, middle), bits + bits % 2);
            assert_int_equal(store(half, nextafter(middle, 0.0)), bits);
            assert_int_equal(store(half, nextafter(middle, INFINITY)), bits + 1);
        }
    }
}

static void special_numbers_keep_their_kind(void **state)
{
    (void)state;
    for (size_t h = 0; h < 2; h++) {
        const struct half *half = &halves[h];

        assert_int_equal(store(half, INFINITY), half->infinity);
        assert_int_equal(store(half, -INFINITY), half->infinity | 0x8000);
        assert_int_equal(store(half, 1e300), half->infinity);
        assert_int_equal(store(half, 5e-324), 0);
        assert_int_equal(store(half, -5e-324), 0x8000);
        assert_true(isnan(half->number(store(half, NAN))));
        assert_true(isnan(half->number(store(half, -(double)NAN))));
    }
}

static void integers_of_every_width_keep_their_value(void **state)
{
    static const int64_t i64[3] = {INT64_MIN, -1, INT64_MAX};
    static const int32_t i32[3] = {INT32_MIN, -1, INT32_MAX};
    static const int16_t i16[3] = {INT16_MIN, -1, INT16_MAX};
    static const int8_t i8[3] = {INT8_MIN, -1, INT8_MAX};
    static const uint8_t u8[3] = {0, 1, UINT8_MAX};
    static const struct {
        enum loss_dtype dtype;
        const void *from;
        int64_t want[3];
    } rows[] = {
        {LOSS_INT64, i64, {INT64_MIN, -1, INT64_MAX}},
        {LOSS_INT32, i32, {INT32_MIN, -1, INT32_MAX}},
        {LOSS_INT16, i16, {INT16_MIN, -1, INT16_MAX}},
        {LOSS_INT8, i8, {INT8_MIN, -1, INT8_MAX}},
        {LOSS_UINT8, u8, {0, 1, UINT8_MAX}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t to[3];
        double wide[3];

        convert_to_int64(rows[i].dtype, rows[i].from, 3, to);
        convert_to_float64(rows[i].dtype, rows[i].from, 3, wide);
        assert_memory_equal(to, rows[i].want, sizeof to);
        for (int j = 0; j < 3; j++)
            assert_true(wide[j] == (double)rows[i].want[j]);
    }
}

/* In place, from either width to each narrower one: as storing each element alone. */
static void narrowing_in_place_overwrites_nothing_unread(void **state)
{
    enum { COUNT = 100 };
    static const enum loss_dtype narrower[] = {LOSS_FLOAT64, LOSS_FLOAT32, LOSS_FLOAT16,
                                               LOSS_BFLOAT16};

    (void)state;
    for (size_t from = 0; from < 2; from++) {
        for (size_t to = from; to < 4; to++) {
            double values[COUNT], data[COUNT], want[COUNT];
            uint64_t random = 7;

            for (size_t i = 0; i < COUNT; i++) {
                values[i] = (double)(float)(number_random(&random) * 100.0 - 50.0);
                loss_dtype_store(narrower[from], data, i, values[i]);
                loss_dtype_store(narrower[to], want, i, values[i]);
            }
            convert_narrow(narrower[from], narrower[to], data, COUNT);
            assert_memory_equal(data, want, COUNT * loss_dtype_bytes(narrower[to]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_16_bit_pattern_widens),
        cmocka_unit_test(known_patterns_have_their_values),
        cmocka_unit_test(random_numbers_round_to_the_nearest),
        cmocka_unit_test(halfway_goes_to_even),
        cmocka_unit_test(special_numbers_keep_their_kind),
        cmocka_unit_test(integers_of_every_width_keep_their_value),
        cmocka_unit_test(narrowing_in_place_overwrites_nothing_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
