/* turned.h - a copy of some classes of a tile in which positions lie side by side,
 * for what is computed along positions: rows of few classes are turned, and what lies
 * far apart comes together. */
#ifndef KERNELS_TURNED_H
#define KERNELS_TURNED_H

#include "kernels/real.h"

/* At a stride of a power of two, as tiles may have, classes would drive
 * each other out of the cache. */
struct turned {
    size_t first, count; /* classes */
    REAL x[KERNEL_ROW_CLASSES][KERNEL_TILE_POSITIONS];
};

/* Positions side by side; fetches what comes next, of the same positions or of the same classes. */
static inline void turn_columns(const struct kernel_tile *tile, struct turned *turned)
{
    size_t ahead = tile->classes > KERNEL_ROW_CLASSES ? KERNEL_ROW_CLASSES * tile->class_stride
                                                      : (size_t)KERNEL_TILE_POSITIONS;

    for (size_t i = 0; i < turned->count; i++) {
        const REAL *x = row_of(tile, 0) + (turned->first + i) * tile->class_stride;

        if (tile->positions == KERNEL_TILE_POSITIONS) /* in a few instructions */
            memcpy(turned->x[i], x, sizeof turned->x[i]);
        else
            memcpy(turned->x[i], x, tile->positions * sizeof(REAL));
        UNROLLED for (size_t l = 0; l < KERNEL_TILE_POSITIONS; l += LINE)
            FETCH_EARLY(x, ahead + l, 3);
    }
}

/* The classes from `first` on, as many as there is room for; where rows are turned that is all.
 * What is beyond the last position is 0, up to a whole vector. */
static inline void turn(const struct kernel_tile *tile, size_t first, struct turned *turned)
{
    turned->first = first;
    turned->count = tile->classes - first;
    if (turned->count > KERNEL_ROW_CLASSES)
        turned->count = KERNEL_ROW_CLASSES;
    if (tile->position_stride == 1)
        turn_columns(tile, turned);
    else
        transpose(tile->x, tile->position_stride, tile->positions, tile->classes, turned->x[0],
                  KERNEL_TILE_POSITIONS);
    for (size_t p = tile->positions; p % REALS != 0; p++) {
        for (size_t i = 0; i < turned->count; i++)
            turned->x[i][p] = 0;
    }
}

/* Whole rows of few classes, as they were turned, to their place in y, which
 * is laid out as the tile. */
static inline void turn_back(const struct turned *turned, const struct kernel_tile *tile, REAL *y)
{
    transpose(turned->x[0], KERNEL_TILE_POSITIONS, tile->classes, tile->positions, y,
              tile->position_stride);
}

#endif
