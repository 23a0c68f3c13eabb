/* test_powers.c - the table of powers of ten, worked out again with 32-bit limbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "codec/powers.h"

/* 5^342 has 795 bits, and 2^(795 + 127) is the largest number that is divided. */
enum { LIMBS = 32, BITS = 32 * LIMBS };

/* An integer, lowest limb first. */
struct big {
    uint32_t limbs[LIMBS];
};

static void multiply(struct big *big, uint32_t factor)
{
    uint64_t carry = 0;

    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)big->limbs[i] * factor;
        big->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    assert_int_equal(carry, 0);
}

static bool bit(const struct big *big, int index)
{
    return index >= 0 && (big->limbs[index / 32] >> index % 32 & 1) != 0;
}

static int bit_length(const struct big *big)
{
    int length = BITS;

    while (length > 0 && !bit(big, length - 1))
        length--;
    return length;
}

/* big = 2 * big + low */
static void shift_in(struct big *big, bool low)
{
    for (int i = LIMBS - 1; i > 0; i--)
        big->limbs[i] = big->limbs[i] << 1 | big->limbs[i - 1] >> 31;
    big->limbs[0] = big->limbs[0] << 1 | low;
}

static bool is_at_least(const struct big *a, const struct big *b)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] > b->limbs[i];
    }
    return true;
}

static void subtract(struct big *a, const struct big *b)
{
    uint64_t borrow = 0;

    for (int i = 0; i < LIMBS; i++) {
        uint64_t difference = (uint64_t)a->limbs[i] - b->limbs[i] - borrow;

        a->limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
}

static struct big power_of_five(int exponent)
{
    struct big big = {{1}};

    for (int i = 0; i < exponent; i++)
        multiply(&big, 5);
    return big;
}

/* The `index`-th bit of a 128-bit significand, counted from the top, goes to its place. */
static void put_bit(struct power *power, int index, bool value)
{
    uint64_t mask = (uint64_t)value << (63 - index % 64);

    if (index < 64)
        power->high |= mask;
    else
        power->low |= mask;
}

/* The leading 128 bits of 5^q; whether there are others. */
static struct power leading_bits(int q, bool *more)
{
    struct big big = power_of_five(q);
    struct power power = {0, 0};
    int length = bit_length(&big);

    for (int i = 0; i < 128; i++)
        put_bit(&power, i, bit(&big, length - 1 - i));
    *more = false;
    for (int i = length - 129; i >= 0; i--)
        *more |= bit(&big, i);
    return power;
}

/* The leading 128 bits of 1 / 5^q, by long division of a power of two, bit by bit: 5^q has `length`
 * bits, so 2^length / 5^q begins with a 1, and what follows are the bits of the remainders. */
static struct power leading_bits_of_inverse(int q)
{
    struct big divisor = power_of_five(q), remainder = {{1}};
    struct power power = {0, 0};
    int length = bit_length(&divisor);

    for (int i = 0; i < length - 1; i++)
        shift_in(&remainder, false);
    for (int i = 0; i < 128; i++) {
        bool fits;

        shift_in(&remainder, false);
        fits = is_at_least(&remainder, &divisor);
        if (fits)
            subtract(&remainder, &divisor);
        put_bit(&power, i, fits);
    }
    return power;
}

static void check_row(int q, struct power want)
{
    struct power got = powers[q - POWERS_LOWEST];

    assert_true(want.high >> 63 == 1);
    if (got.high != want.high || got.low != want.low)
        fail_msg("5^%d: got %016llx %016llx, want %016llx %016llx", q, (unsigned long long)got.high,
                 (unsigned long long)got.low, (unsigned long long)want.high,
                 (unsigned long long)want.low);
}

static void positive_powers_are_exact_or_cut_off(void **state)
{
    (void)state;
    for (int q = 0; q <= POWERS_HIGHEST; q++) {
        bool more;
        struct power want = leading_bits(q, &more);

        assert_int_equal(more, q > 55); /* what the reading algorithm relies on */
        check_row(q, want);
    }
}

static void negative_powers_are_rounded_up_or_cut_off(void **state)
{
    (void)state;
    for (int q = POWERS_LOWEST; q < 0; q++) {
        struct power want = leading_bits_of_inverse(-q);

        if (q >= -27) {
            want.low++;
            want.high += want.low == 0;
        }
        check_row(q, want);
    }
}

/* A few rows everybody knows. */
static void known_rows_are_there(void **state)
{
    (void)state;
    check_row(0, (struct power){0x8000000000000000, 0});
    check_row(1, (struct power){0xa000000000000000, 0});
    check_row(3, (struct power){0xfa00000000000000, 0});
    check_row(-1, (struct power){0xcccccccccccccccc, 0xcccccccccccccccd});
    assert_int_equal(sizeof powers / sizeof powers[0], 342 + 1 + 324);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positive_powers_are_exact_or_cut_off),
        cmocka_unit_test(negative_powers_are_rounded_up_or_cut_off),
        cmocka_unit_test(known_rows_are_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
