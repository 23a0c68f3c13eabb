/* powers.h - 128-bit significands of the powers of ten, for reading and writing decimals. */
#ifndef CODEC_POWERS_H
#define CODEC_POWERS_H

#include <stdint.h>

enum { POWERS_LOWEST = -342, POWERS_HIGHEST = 324, POWERS_EXACT = 22 };

__extension__ typedef unsigned __int128 uint128; /* C11 has no name for it */

struct power {
    uint64_t high;
    uint64_t low;
};

/* Row q - POWERS_LOWEST: the leading 128 bits of 5^q, top bit set; 10^q has the same ones.  Exact
 * for 0..55; rounded up for -27..-1; cut off elsewhere. */
extern const struct power powers[POWERS_HIGHEST - POWERS_LOWEST + 1];

/* 1, 10, ... 10^POWERS_EXACT, the last one that is exact in a double. */
extern const double powers_exact[POWERS_EXACT + 1];

/* The leading 128 bits of digits times a power; `mask` are those of *high that will be dropped:
 * only if all of them are set can the power's lower half carry into the rest, and is taken. */
static inline void powers_multiply(uint64_t digits, const struct power *power, uint64_t mask,
                                   uint64_t *high, uint64_t *low)
{
    uint128 product = (uint128)digits * power->high;

    *high = (uint64_t)(product >> 64);
    *low = (uint64_t)product;
    if ((*high & mask) == mask) {
        uint64_t carry = (uint64_t)((uint128)digits * power->low >> 64);

        *low += carry;
        *high += *low < carry;
    }
}

#endif
