/* table_internal.h - what the files of one kernel share; compiled for each type and level.
 *
 * REAL is float or double, TYPE float32 or float64, LEVEL the name of the level and VECTOR_BYTES
 * the width of its vectors. */
#ifndef KERNELS_TABLE_INTERNAL_H
#define KERNELS_TABLE_INTERNAL_H

#include "kernels/real.h"

/* The name of something of this type and level: scan_float32_v3. */
#define KERNEL(name)                    KERNEL_NAME(name, TYPE, LEVEL)
#define KERNEL_NAME(name, type, level)  KERNEL_PASTE(name, type, level)
#define KERNEL_PASTE(name, type, level) name##_##type##_##level

void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows);
/* What scan does where rows are long; `rest` is not finished yet, and the first NaN not found. */
void KERNEL(scan_rows)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows);
void KERNEL(softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                     const double *factors, void *y);
void KERNEL(log_softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y);
void KERNEL(exp)(const struct kernel_tile *tile, void *y);
void KERNEL(log)(const struct kernel_tile *tile, void *y);
size_t KERNEL(count_labels)(const int64_t *labels, size_t count, size_t classes, int64_t ignored,
                            size_t *bad);
size_t KERNEL(weigh_labels)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                            int64_t ignored, const double *factors, const double *surprises,
                            double *found);
void KERNEL(add)(const double *numbers, size_t count, struct kernel_sums *sums);
void KERNEL(surprise)(const struct kernel_tile *tile, enum kernel_stage stage,
                      const struct kernel_rows *rows, double *found);
void KERNEL(weigh)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, const struct kernel_factors *factors,
                   double *found);
void KERNEL(gradient)(const struct kernel_tile *tile, enum kernel_stage stage, size_t position,
                      const struct kernel_rows *rows, const struct kernel_slope *slope, void *y);
void KERNEL(label_gradient)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                            const double *factors, void *y);
void KERNEL(entropy)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found);
void KERNEL(confidence)(const struct kernel_tile *tile, enum kernel_stage stage,
                        const struct kernel_rows *rows, double *found);
void KERNEL(brier)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, double *found);
void KERNEL(rank)(const struct kernel_tile *tile, size_t *found);

/* sum_{c != y} p_c^2 of every position, y being its label. */
void KERNEL(squares)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found);

/* 1 - p of every position's label, to the last digit where it is close to 0. */
void KERNEL(complement)(const struct kernel_tile *tile, enum kernel_stage stage,
                        const struct kernel_rows *rows, double *found);

#endif
