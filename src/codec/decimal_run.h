/* decimal_run.h - a row of JSON numbers to binary: what decimal.h does for
 * one, as fast as it goes. */
#ifndef CODEC_DECIMAL_RUN_H
#define CODEC_DECIMAL_RUN_H

#include <stddef.h>

/* Read numbers with commas between them, the first one at *text, at most `room`, into `values`;
 * *text is then the byte after the last one.  It ends before a comma that no number follows,
 * and before whatever wants a closer look: a malformed number, one beyond the range of the
 * type.  Returns how many were read.  The text must end as decimal.h says.  A float32 is
 * rounded by way of float64. */
size_t decimal_run_float32(const char **text, float *values, size_t room);
size_t decimal_run_float64(const char **text, double *values, size_t room);

#endif
