/* scan.c - the largest element of every row, and the sum of the exponentials of the others.
 *
 * Two kernels, chosen by shape alone: along the classes of one long row (scan_rows.c), or along the
 * positions of a tile, which is transposed first if they do not lie side by side. */
#include <math.h>

#include "kernels/table_internal.h"

/* Where REALS positions from `first` on are: element c of them at x + c * stride. */
struct columns {
    const REAL *x;
    size_t stride, classes;
    size_t first, count; /* of the lanes, how many there are; the others are not read */
};

static inline real_vec column(const struct columns *columns, size_t c)
{
    const REAL *x = columns->x + c * columns->stride;

    return columns->count == REALS ? real_load(x) : real_gather(x, 1, columns->count, 0);
}

/* Correct max and argmax where there is a NaN. */
static void note_nans(const struct columns *columns, struct kernel_rows *rows)
{
    for (size_t l = 0; l < columns->count; l++) {
        for (size_t c = 0; c < columns->classes; c++) {
            if (!isnan(columns->x[c * columns->stride + l]))
                continue;
            rows->argmax[columns->first + l] = c;
            rows->max[columns->first + l] = (double)NAN;
            break;
        }
    }
}

/* Fill max and argmax; both also as lanes, which mean nothing where there is a NaN. */
static inline real_vec scan_maxima(const struct columns *columns, real_mask *argmax_out,
                                   struct kernel_rows *rows)
{
    real_vec max = real_all(-(REAL)INFINITY);
    real_mask argmax = {0}, is_nan = {0}, at = {0};
    real_index index[REALS];

    for (size_t c = 0; c < columns->classes; c++) {
        real_vec x = column(columns, c);
        real_mask larger = x > max;

        is_nan |= x != x;
        max = real_select(larger, x, max);
        argmax = (argmax & ~larger) | (at & larger);
        at += 1;
    }
    wide_store(rows->max + columns->first, real_widen(max));
    memcpy(index, &argmax, sizeof index);
    for (size_t l = 0; l < REALS; l++)
        rows->argmax[columns->first + l] = (size_t)index[l];
    if (any_lane((ivec)is_nan))
        note_nans(columns, rows);
    *argmax_out = argmax;
    return max;
}

/* Add up the exponentials of all classes but the one whose maximum it is. */
INLINED struct wide sum_of_columns(const struct columns *columns, real_vec max, real_mask argmax,
                                   bool far, struct wide *low)
{
    struct sums sums = sums_zero();
    struct origin origin = origin_of(max, far);
    real_mask at = {0};

    for (size_t c = 0; c < columns->classes; c += COLUMN_STEP) {
        real_vec x[COLUMN_STEP];
        real_mask counts[COLUMN_STEP];

        UNROLLED for (size_t i = 0; i < COLUMN_STEP; i++)
        {
            bool is_class = c + i < columns->classes; /* the last one twice, once without effect */

            x[i] = column(columns, is_class ? c + i : c);
            counts[i] = is_class ? at != argmax : (real_mask){0};
            at += 1;
        }
        sums_add_columns(&sums, x, counts, &origin, far);
    }
    return sums_value(&sums, low);
}

static void scan_columns(const struct columns *columns, bool wants_sums, struct kernel_rows *rows)
{
    real_mask argmax;
    real_vec max = scan_maxima(columns, &argmax, rows);
    struct wide maxima, near = wide_all(0.0), far = wide_all(0.0);
    struct wide near_low = wide_all(0.0), far_low = wide_all(0.0);
    ivec is_far = {0}, is_near = {0};

    if (!wants_sums)
        return;
    maxima = wide_load(rows->max + columns->first);
    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        is_far |= far_lanes(maxima.part[i]);
        is_near |= ~far_lanes(maxima.part[i]);
    }
    if (any_lane(is_near))
        near = sum_of_columns(columns, max, argmax, false, &near_low);
    if (any_lane(is_far))
        far = sum_of_columns(columns, max, argmax, true, &far_low);
    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        ivec lanes = far_lanes(maxima.part[i]);

        near.part[i] = vec_select(lanes, far.part[i], near.part[i]);
        near_low.part[i] = vec_select(lanes, far_low.part[i], near_low.part[i]);
    }
    wide_store(rows->rest + columns->first, near);
    wide_store(rows->rest_low + columns->first, near_low);
}

/* Of rows one after the other: by squares, the last of which overlaps the one before. */
static inline void turn_rows(const struct kernel_tile *tile, REAL turned[][KERNEL_TILE_POSITIONS])
{
    size_t p = 0, last = tile->classes - SQUARE;

    for (; tile->classes >= SQUARE && p + SQUARE <= tile->positions; p += SQUARE) {
        for (size_t c = 0; c < tile->classes; c += SQUARE) {
            size_t at = c < last ? c : last;

            turn_square(row_of(tile, p) + at, tile->position_stride, &turned[at][p],
                        KERNEL_TILE_POSITIONS);
        }
    }
    for (; p < tile->positions; p++) {
        for (size_t c = 0; c < tile->classes; c++)
            turned[c][p] = row_of(tile, p)[c];
    }
}

/* Put a tile of few classes where its positions lie side by side and its classes not far apart: at a
 * stride of a power of two they would drive each other out of the cache between two passes. */
static inline void turn(const struct kernel_tile *tile, REAL turned[][KERNEL_TILE_POSITIONS])
{
    if (tile->position_stride == 1) {
        for (size_t c = 0; c < tile->classes; c++) {
            const REAL *x = row_of(tile, 0) + c * tile->class_stride;

            if (tile->positions == KERNEL_TILE_POSITIONS) /* in a few instructions */
                memcpy(turned[c], x, sizeof turned[c]);
            else
                memcpy(turned[c], x, tile->positions * sizeof(REAL));
            UNROLLED for (size_t l = 0; l < KERNEL_TILE_POSITIONS; l += LINE)
                FETCH_EARLY(x, KERNEL_TILE_POSITIONS + l, 3);
        }
        return;
    }
    turn_rows(tile, turned);
}

static void scan_along_positions(const struct kernel_tile *tile, bool sums,
                                 struct kernel_rows *rows)
{
    REAL turned[KERNEL_ROW_CLASSES][KERNEL_TILE_POSITIONS];
    bool turns = tile->classes <= KERNEL_ROW_CLASSES;

    if (turns)
        turn(tile, turned);
    for (size_t p = 0; p < tile->positions; p += REALS) {
        size_t left = tile->positions - p;
        struct columns columns = {.x = turns ? &turned[0][p] : row_of(tile, p),
                                  .stride =
                                      turns ? (size_t)KERNEL_TILE_POSITIONS : tile->class_stride,
                                  .classes = tile->classes,
                                  .first = p,
                                  .count = left < REALS ? left : REALS};

        scan_columns(&columns, sums, rows);
    }
}

/* From what was added up to rest and log_rest, of REALS positions; the arrays have room for them. */
static inline void finish(struct kernel_rows *rows, size_t p, bool is_empty)
{
    struct wide max = wide_load(rows->max + p);
    struct wide rest = sums_rest(wide_load(rows->rest + p), max), log_rest;
    struct wide low = wide_load(rows->rest_low + p);

    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        ivec is_finite = max.part[i] - max.part[i] == 0.0;

        rest.part[i] =
            is_empty ? vec_all(0.0) : vec_select(is_finite, rest.part[i], vec_all((double)NAN));
        if (is_empty)
            low.part[i] = vec_all(0.0);
        low.part[i] = from_bits(bits_of(low.part[i]) & is_finite);
        log_rest.part[i] = real_log1p(rest.part[i], low.part[i]);
    }
    wide_store(rows->rest + p, rest);
    wide_store(rows->rest_low + p, low);
    wide_store(rows->log_rest + p, log_rest);
}

void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    if (tile->class_stride == 1 && tile->classes >= KERNEL_ROW_CLASSES)
        KERNEL(scan_rows)(tile, sums, rows);
    else
        scan_along_positions(tile, sums, rows);
    if (!sums)
        return;
    for (size_t p = tile->positions; p % REALS != 0; p++)
        rows->max[p] = rows->rest[p] = rows->rest_low[p] = 0.0;
    for (size_t p = 0; p < tile->positions; p += REALS)
        finish(rows, p, tile->classes == 0);
}
