/* bench_json.h - what bench_json.c and sweep_float32.c compare lossd with. */
#ifndef BENCH_BENCH_JSON_H
#define BENCH_BENCH_JSON_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { OTHERS_PADDING = 64 }; /* readable bytes that simdjson wants after a body */

/* The implementation that simdjson was compiled for. */
const char *others_simdjson_level(void);

/* Read the numbers of "logits", rows of rows, into floats if `single`, else doubles;
 * return how many there were, 0 for a fault.  The last one only goes from one number
 * to the next, with no JSON. */
size_t others_simdjson(const char *body, size_t length, bool single, void *values);
size_t others_jansson(const char *body, size_t length, bool single, void *values);
size_t others_strtod(const char *body, size_t length, bool single, void *values);

/* Write values with a comma after each; return the bytes. */
size_t others_to_chars(const void *values, size_t count, bool single, char *text, size_t size);
size_t others_printf(const void *values, size_t count, bool single, char *text, size_t size);

/* Write one value with std::to_chars, shortest, as d.ddde+xx (without an exponent it writes
 * integers in full, which is longer); returns the bytes. */
size_t others_scientific32(float value, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
