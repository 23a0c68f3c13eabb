/* decimal.h - JSON numbers to binary, correctly rounded (to nearest, ties to even).
 *
 * A number is first scanned into up to 19 significant digits and a power of ten, then converted: by
 * one exact multiplication or division where both operands are exact (W. D. Clinger, PLDI 1990),
 * else by a 128-bit product (Eisel and Lemire, 2021), else, for the few that are too close to call,
 * by strtod.  The text must end in NUL and be readable for DECIMAL_PADDING bytes from there on,
 * because digits are read eight at a time. */
#ifndef CODEC_DECIMAL_H
#define CODEC_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DECIMAL_PADDING = 8,
    DECIMAL_DIGITS_MAX = 19, /* as many as always fit 64 bits */
};

/* A scanned number: (-1)^negative * digits * 10^exponent, plus more digits if `cut`. */
struct decimal {
    uint64_t digits;
    int64_t exponent; /* clamped to less than +-10^10, far beyond any double */
    bool negative;
    bool cut;          /* a nonzero digit came after the 19th */
    const char *start; /* the text, for the slow path */
};

/* Scan the number at `text` by the grammar of RFC 8259.  Returns the byte after it, or NULL if
 * there is none; *stop is then the byte that does not fit. */
const char *decimal_scan(const char *text, struct decimal *decimal, const char **stop);

/* The nearest double; infinite if the number is too large for one. */
double decimal_to_double(const struct decimal *decimal);

/* Whether a number is an integer, however it is written (1, 1.0, 10e-1). */
enum decimal_kind {
    DECIMAL_INTEGER,  /* *value is it */
    DECIMAL_HUGE,     /* an integer or not, but outside int64 */
    DECIMAL_FRACTION, /* not an integer */
};
enum decimal_kind decimal_to_int64(const struct decimal *decimal, int64_t *value);

#endif
