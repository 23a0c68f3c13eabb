/* decimals.h - texts of numbers, and the doubles that codec/decimal.h must make of them. */
#ifndef SUPPORT_DECIMALS_H
#define SUPPORT_DECIMALS_H

/* Read the whole of `text`, which has padding, and compare bit by bit, with a wanted value or with
 * the C library's; fails the test if they differ. */
void check_decimal(const char *text, double want);
void check_decimal_as_strtod(const char *text);

#endif
