/* specification.h - what kernel.h promises of sums, in scalars, one operation at a time. */
#ifndef SUPPORT_SPECIFICATION_H
#define SUPPORT_SPECIFICATION_H

#include <stdbool.h>
#include <stddef.h>

/* `rest` of a finite row, and in *low what its rounding has lost; float64 if `is_wide` or of
 * float32 values, in the promised order of additions. */
double specification_rest(bool is_wide, const double *x, size_t classes, bool along_classes,
                          double *low);

/* log1p(s + low) as scan has it, of a finite s >= 0. */
double specification_log1p(bool is_wide, double s, double low);

/* Of float32's exponentials: q(r) of real32.h, and y / ln 2 to a whole number. */
float specification_curve(float r);
float specification_whole(float y);

/* softmax of x in a row of that maximum, and of those `scale` and `rest` of struct kernel_rows. */
float specification_softmax(float x, float max, double scale, double rest);

#endif
