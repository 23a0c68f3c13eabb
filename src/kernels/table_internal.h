/* table_internal.h - what the files of one kernel share; compiled for each type and level.
 *
 * REAL is float or double, TYPE float32 or float64, LEVEL the name of the level and VECTOR_BYTES the
 * width of its vectors. */
#ifndef KERNELS_TABLE_INTERNAL_H
#define KERNELS_TABLE_INTERNAL_H

#include "kernels/real.h"

/* The name of something of this type and level: scan_float32_v3. */
#define KERNEL(name)                    KERNEL_NAME(name, TYPE, LEVEL)
#define KERNEL_NAME(name, type, level)  KERNEL_PASTE(name, type, level)
#define KERNEL_PASTE(name, type, level) name##_##type##_##level

void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows);
void KERNEL(softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y);
void KERNEL(log_softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y);
void KERNEL(exp)(const struct kernel_tile *tile, void *y);
void KERNEL(log)(const struct kernel_tile *tile, void *y);
double KERNEL(weigh_logits)(const struct kernel_tile *tile, size_t position,
                            const struct kernel_rows *rows, const struct kernel_factors *factors);
double KERNEL(weigh_logs)(const struct kernel_tile *tile, size_t position,
                          const struct kernel_factors *factors);
double KERNEL(weigh_probabilities)(const struct kernel_tile *tile, size_t position,
                                   const struct kernel_factors *factors);

#endif
