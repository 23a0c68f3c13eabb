/* shortest.h - binary floating point to the shortest decimal that reads back to the same value, and
 * of those the nearest (R. Giulietti, "The Schubfach way to render doubles", 2020). */
#ifndef CODEC_SHORTEST_H
#define CODEC_SHORTEST_H

#include <stddef.h>

/* Twice the longest text, "-1.2345678901234567e-308": whole words are written, and what is
 * beyond the end does not count. */
enum { SHORTEST_BYTES_MAX = 48 };

/* Write the JSON text of a value to `text`, which has SHORTEST_BYTES_MAX bytes of room; returns its
 * length, no NUL.  Digits stand as 0.001234 or 1234000 from 1e-5 up to below 1e16, else as
 * 1.234e-7.  An integer has no point, but for -0.0.  What is not finite is one of the strings
 * "NaN", "Infinity", "-Infinity", quotes included. */
size_t shortest_float64(double value, char *text);
size_t shortest_float32(float value, char *text);

#endif
