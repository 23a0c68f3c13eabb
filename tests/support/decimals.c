/* decimals.c - texts of numbers, and the doubles that must be made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "support/decimals.h"

static uint64_t to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

void check_decimal(const char *text, double want)
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

void check_decimal_as_strtod(const char *text)
{
    check_decimal(text, strtod(text, NULL));
}
