/* decimal_digits.h - eight digits at a time, in the lanes of a 64-bit word (after D. Lemire,
 * "Number parsing at a gigabyte per second", SPE 2021).  What is read may reach DECIMAL_PADDING
 * bytes beyond the digits. */
#ifndef CODEC_DECIMAL_DIGITS_H
#define CODEC_DECIMAL_DIGITS_H

#include <stdint.h>
#include <string.h>

/* Eight bytes less '0', the first one lowest. */
static inline uint64_t digits_load(const char *text)
{
    uint64_t bytes;

    memcpy(&bytes, text, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes ^ 0x3030303030303030u;
}

/* The top bit of every byte that is no digit, up to the first such byte at least: a carry out of a
 * byte only spoils those after it. */
static inline uint64_t digits_strangers(uint64_t loaded)
{
    return ((loaded + 0x7676767676767676u) | loaded) & 0x8080808080808080u;
}

/* The value of eight digits: pairs first, then all four of them by two products at once. */
static inline uint64_t digits_value(uint64_t loaded)
{
    const uint64_t mask = 0x000000ff000000ffu;
    uint64_t pairs = 10 * loaded + (loaded >> 8);

    return ((pairs & mask) * (100 + (1000000ull << 32)) +
            (pairs >> 16 & mask) * (1 + (10000ull << 32))) >>
           32;
}

/* Read digits from `text` on, as the lower ones of *digits, which wraps once more than 19 are
 * significant; the caller looks at that.  Returns the byte after them.  How many there are beyond a
 * multiple of eight decides no branch, because nobody could predict it. */
static inline const char *digits_read(const char *text, uint64_t *digits)
{
    static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};
    uint64_t value = *digits, loaded = digits_load(text), strangers;
    int first; /* the bit of the first byte that is no digit */

    while ((strangers = digits_strangers(loaded)) == 0) {
        value = 100000000 * value + digits_value(loaded);
        text += 8;
        loaded = digits_load(text);
    }
    first = __builtin_ctzll(strangers);
    *digits = value * tens[first >> 3] + digits_value(loaded << (63 - first) << 8);
    return text + (first >> 3);
}

#endif
