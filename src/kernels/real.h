/* real.h - all that depends on the type of a kernel's elements, and where a tile has them. */
#ifndef KERNELS_REAL_H
#define KERNELS_REAL_H

#include "kernels/kernel.h"

#if REAL_BYTES == 4
#include "kernels/softmax32.h"
#else
#include "kernels/real64.h"
#endif

/* Whether vectors run along the classes of a tile's rows, and not along its positions. */
static inline bool has_long_rows(const struct kernel_tile *tile)
{
    return tile->class_stride == 1 && tile->classes >= KERNEL_ROW_CLASSES;
}

static inline const REAL *row_of(const struct kernel_tile *tile, size_t position)
{
    return (const REAL *)tile->x + position * tile->position_stride;
}

#endif
