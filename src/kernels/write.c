/* write.c - softmax, log-softmax, exp and log of every element of a tile.
 *
 * Elementwise, so vectors may run either way: along the classes of long
 * rows, else along positions. */
#include <assert.h>

#include "kernels/table_internal.h"
#include "kernels/terms.h"
#include "kernels/turned.h"

enum operation { SOFTMAX, LOG_SOFTMAX, EXP, LOG };

/* What there is to know of the rows, but for elementwise operations; factors may be NULL. */
struct known {
    const struct kernel_rows *rows;
    const double *factors;
};

/* What of it the operation needs. */
struct row_lanes {
    struct wide max, log_rest;
    struct softmax_row softmax;
};

/* One position's number in all lanes, or those of the positions from `p` on. */
INLINED struct wide lanes_of(const double *numbers, size_t p, bool is_one)
{
    return is_one ? wide_all(numbers[p]) : wide_load(numbers + p);
}

/* Not by value: gcc 12 copies such a structure word by word. */
INLINED void fill_lanes(enum operation operation, const struct known *known, size_t p, bool is_one,
                        struct row_lanes *lanes)
{
    const struct kernel_rows *rows = known->rows;

    if (operation == SOFTMAX) {
        lanes->softmax = softmax_row(
            lanes_of(rows->max, p, is_one), lanes_of(rows->scale, p, is_one),
            lanes_of(rows->rest, p, is_one), lanes_of(rows->rest_low, p, is_one),
            known->factors != NULL ? lanes_of(known->factors, p, is_one) : wide_all(1.0));
    } else if (operation == LOG_SOFTMAX) {
        lanes->max = lanes_of(rows->max, p, is_one);
        lanes->log_rest = lanes_of(rows->log_rest, p, is_one);
    }
}

/* The operation on one vector. */
INLINED real_vec apply(enum operation operation, real_vec x, const struct row_lanes *row)
{
    struct wide y = real_widen(x);

    if (operation == SOFTMAX) /* NaN by its rest where the row is */
        y = softmax_of(x, &row->softmax);
    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        if (operation == LOG_SOFTMAX)
            y.part[i] = (y.part[i] - row->max.part[i]) - row->log_rest.part[i];
        else if (operation == EXP)
            y.part[i] = exp_full(y.part[i], vec_all(0.0));
        else if (operation == LOG)
            y.part[i] = log_full(y.part[i]);
        y.part[i] = one_nan(y.part[i]);
    }
    return real_narrow(y);
}

static_assert(REALS <= KERNEL_ROW_CLASSES, "a long row has a whole vector");

/* Of a long row; y is elsewhere, as some of x is looked at twice. */
INLINED void write_row(enum operation operation, const struct kernel_tile *tile, size_t p,
                       const struct known *known, REAL *y)
{
    const REAL *x = row_of(tile, p);
    struct row_lanes row;
    size_t c = 0;

    fill_lanes(operation, known, p, true, &row);
    y += p * tile->position_stride;
    for (; c + REALS <= tile->classes; c += REALS)
        real_store(y + c, apply(operation, real_load(x + c), &row));
    if (c < tile->classes) { /* a whole vector again */
        c = tile->classes - REALS;
        real_store(y + c, apply(operation, real_load(x + c), &row));
    }
}

/* Positions that lie side by side, class by class: those of each at a distance of `stride`. */
INLINED void write_columns(enum operation operation, const struct kernel_tile *tile,
                           const struct known *known, const REAL *x, REAL *y, size_t stride)
{
    struct row_lanes rows[KERNEL_TILE_POSITIONS / REALS];
    size_t whole = tile->positions - tile->positions % REALS, left = tile->positions - whole;

    for (size_t p = 0; p < tile->positions; p += REALS)
        fill_lanes(operation, known, p, false, &rows[p / REALS]);
    for (size_t c = 0; c < tile->classes; c++, x += stride, y += stride) {
        for (size_t p = 0; p < whole; p += REALS)
            real_store(y + p, apply(operation, real_load(x + p), &rows[p / REALS]));
        if (left != 0)
            real_store_some(
                y + whole, left,
                apply(operation, real_load_some(x + whole, left), &rows[whole / REALS]));
    }
}

INLINED void write_tile(enum operation operation, const struct kernel_tile *tile,
                        struct known known, void *y)
{
    struct turned turned;

    if (has_long_rows(tile)) {
        for (size_t p = 0; p < tile->positions; p++)
            write_row(operation, tile, p, &known, y);
    } else if (tile->class_stride == 1) {
        turn(tile, 0, &turned);
        write_columns(operation, tile, &known, turned.x[0], turned.x[0], KERNEL_TILE_POSITIONS);
        turn_back(&turned, tile, y);
    } else {
        assert(tile->position_stride == 1); /* one of the two is */
        write_columns(operation, tile, &known, row_of(tile, 0), y, tile->class_stride);
    }
}

void KERNEL(softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                     const double *factors, void *y)
{
    write_tile(SOFTMAX, tile, (struct known){rows, factors}, y);
}

void KERNEL(log_softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y)
{
    write_tile(LOG_SOFTMAX, tile, (struct known){rows, NULL}, y);
}

void KERNEL(exp)(const struct kernel_tile *tile, void *y)
{
    write_tile(EXP, tile, (struct known){NULL, NULL}, y);
}

void KERNEL(log)(const struct kernel_tile *tile, void *y)
{
    write_tile(LOG, tile, (struct known){NULL, NULL}, y);
}
