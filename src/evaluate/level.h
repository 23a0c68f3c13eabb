/* level.h - the kernel that evaluations run on. */
#ifndef EVALUATE_LEVEL_H
#define EVALUATE_LEVEL_H

#include "kernels/kernel.h"
#include "loss/tensor.h"

/* For LOSS_FLOAT32 or LOSS_FLOAT64, of the level in use. */
const struct kernel *level_kernel(enum loss_dtype dtype);

#endif
