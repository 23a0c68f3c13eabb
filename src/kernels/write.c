/* write.c - softmax, log-softmax, exp and log of every element of a tile.
 *
 * Elementwise, so vectors may run either way: along whichever of classes and positions lies side by
 * side. */
#include <assert.h>

#include "kernels/table_internal.h"

enum operation { SOFTMAX, LOG_SOFTMAX, EXP, LOG };

/* Which NaN comes out of an addition depends on the order of its operands, which compilers choose: so
 * one NaN for all. */
static inline vec one_nan(vec y)
{
    return vec_select(y == y, y, vec_all(__builtin_nan("")));
}

/* The operation on one vector; the row's numbers as lanes, for SOFTMAX and LOG_SOFTMAX. */
static inline vec apply(enum operation operation, vec x, vec max, vec rest, vec log_rest)
{
    switch (operation) {
    case SOFTMAX:
        return one_nan(real_exp_shifted(x, max) /
                       (1.0 + rest)); /* NaN by its rest where the row is */
    case LOG_SOFTMAX: return one_nan((x - max) - log_rest);
    case EXP: return one_nan(exp_full(x, vec_all(0.0)));
    case LOG: break;
    }
    return one_nan(log_full(x));
}

static inline void write_row(enum operation operation, const struct kernel_tile *tile, size_t p,
                             const struct kernel_rows *rows, REAL *y)
{
    const REAL *x = row_of(tile, p);
    vec max = vec_all(rows != NULL ? rows->max[p] : 0.0);
    vec rest = vec_all(rows != NULL ? rows->rest[p] : 0.0);
    vec log_rest = vec_all(rows != NULL ? rows->log_rest[p] : 0.0);
    size_t c = 0;

    y += p * tile->position_stride;
    for (; c + LANES <= tile->classes; c += LANES)
        real_store(y + c, apply(operation, real_load(x + c), max, rest, log_rest));
    if (c < tile->classes)
        real_scatter(
            y + c, 1, tile->classes - c,
            apply(operation, real_gather(x + c, 1, tile->classes - c, 0.0), max, rest, log_rest));
}

/* LANES positions that lie side by side, from `p` on; fewer at the end of the tile. */
static inline void write_columns(enum operation operation, const struct kernel_tile *tile, size_t p,
                                 const struct kernel_rows *rows, REAL *y)
{
    const REAL *x = row_of(tile, p);
    size_t count = tile->positions - p < LANES ? tile->positions - p : LANES;
    vec max = {0}, rest = {0}, log_rest = {0};

    if (rows != NULL) {
        max = vec_load(rows->max + p);
        rest = vec_load(rows->rest + p);
        log_rest = vec_load(rows->log_rest + p);
    }
    for (size_t c = 0; c < tile->classes; c++) {
        size_t at = c * tile->class_stride;

        if (count == LANES)
            real_store(y + p + at, apply(operation, real_load(x + at), max, rest, log_rest));
        else
            real_scatter(y + p + at, 1, count,
                         apply(operation, real_gather(x + at, 1, count, 0.0), max, rest, log_rest));
    }
}

static inline void write_tile(enum operation operation, const struct kernel_tile *tile,
                              const struct kernel_rows *rows, void *y)
{
    if (tile->class_stride == 1) {
        for (size_t p = 0; p < tile->positions; p++)
            write_row(operation, tile, p, rows, y);
        return;
    }
    assert(tile->position_stride == 1); /* one of the two is */
    for (size_t p = 0; p < tile->positions; p += LANES)
        write_columns(operation, tile, p, rows, y);
}

void KERNEL(softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y)
{
    write_tile(SOFTMAX, tile, rows, y);
}

void KERNEL(log_softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y)
{
    write_tile(LOG_SOFTMAX, tile, rows, y);
}

void KERNEL(exp)(const struct kernel_tile *tile, void *y)
{
    write_tile(EXP, tile, NULL, y);
}

void KERNEL(log)(const struct kernel_tile *tile, void *y)
{
    write_tile(LOG, tile, NULL, y);
}
