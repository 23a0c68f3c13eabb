/* write.c - softmax, log-softmax, exp and log of every element of a tile.
 *
 * Elementwise, so vectors may run either way: along the classes of long rows, else along positions. */
#include <assert.h>

#include "kernels/table_internal.h"
#include "kernels/terms.h"
#include "kernels/turned.h"

enum operation { SOFTMAX, LOG_SOFTMAX, EXP, LOG };

/* The row's numbers, in all lanes or one position's in each. */
struct row_lanes {
    struct wide max, log_rest;
    struct softmax_row softmax;
};

static inline struct row_lanes row_lanes(struct wide max, struct wide rest, struct wide low,
                                         struct wide log_rest, struct wide factor)
{
    return (struct row_lanes){max, log_rest, softmax_row(max, rest, low, factor)};
}

/* What there is to know of the rows, but for elementwise operations; factors may be NULL. */
struct known {
    const struct kernel_rows *rows;
    const double *factors;
};

/* Of one position, in all lanes. */
static inline struct row_lanes lanes_of_position(const struct known *known, size_t p)
{
    const struct kernel_rows *rows = known->rows;

    if (rows == NULL)
        return (struct row_lanes){0};
    return row_lanes(wide_all(rows->max[p]), wide_all(rows->rest[p]), wide_all(rows->rest_low[p]),
                     wide_all(rows->log_rest[p]),
                     wide_all(known->factors != NULL ? known->factors[p] : 1.0));
}

/* Of the positions from `p` on. */
static inline struct row_lanes lanes_of_positions(const struct known *known, size_t p)
{
    const struct kernel_rows *rows = known->rows;

    if (rows == NULL)
        return (struct row_lanes){0};
    return row_lanes(wide_load(rows->max + p), wide_load(rows->rest + p),
                     wide_load(rows->rest_low + p), wide_load(rows->log_rest + p),
                     known->factors != NULL ? wide_load(known->factors + p) : wide_all(1.0));
}

/* The operation on one vector. */
static inline real_vec apply(enum operation operation, real_vec x, const struct row_lanes *row)
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

static inline void write_row(enum operation operation, const struct kernel_tile *tile, size_t p,
                             const struct known *known, REAL *y)
{
    const REAL *x = row_of(tile, p);
    struct row_lanes row = lanes_of_position(known, p);
    size_t c = 0;

    y += p * tile->position_stride;
    for (; c + REALS <= tile->classes; c += REALS)
        real_store(y + c, apply(operation, real_load(x + c), &row));
    if (c < tile->classes)
        real_scatter(y + c, 1, tile->classes - c,
                     apply(operation, real_gather(x + c, 1, tile->classes - c, 0), &row));
}

/* Positions that lie side by side, class by class: those of each at a distance of `stride`. */
static inline void write_columns(enum operation operation, const struct kernel_tile *tile,
                                 const struct known *known, const REAL *x, REAL *y, size_t stride)
{
    struct row_lanes rows[KERNEL_TILE_POSITIONS / REALS];
    size_t whole = tile->positions - tile->positions % REALS, left = tile->positions - whole;

    for (size_t p = 0; p < tile->positions; p += REALS)
        rows[p / REALS] = lanes_of_positions(known, p);
    for (size_t c = 0; c < tile->classes; c++, x += stride, y += stride) {
        for (size_t p = 0; p < whole; p += REALS)
            real_store(y + p, apply(operation, real_load(x + p), &rows[p / REALS]));
        if (left != 0)
            real_scatter(
                y + whole, 1, left,
                apply(operation, real_gather(x + whole, 1, left, 0), &rows[whole / REALS]));
    }
}

static inline void write_tile(enum operation operation, const struct kernel_tile *tile,
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
