/* scan.c - the largest element of every row, and the sum of the exponentials of the others.
 *
 * Two kernels, chosen by shape alone: along the classes of one long row, or along the positions of a
 * tile, which is transposed first if they do not lie side by side. */
#include <math.h>

#include "kernels/table_internal.h"

enum {
    ROW_SUMS = 16, /* partial sums of a row: class c goes to number c mod 16 */
    GROUPS = ROW_SUMS / REALS,
    CHAINS = 4 /* vectors looked at together */
};

/* ---- along the classes ------------------------------------------------------------------------- */

/* The largest element of x[0 .. count-1], count >= REALS; or NaN if there is one. */
static double max_of_row(const REAL *x, size_t count)
{
    real_vec max[CHAINS];
    real_mask is_nan = {0};
    REAL lanes[CHAINS * REALS], largest;
    real_index nans[REALS];
    bool has_nan = false;

    UNROLLED for (size_t g = 0; g < CHAINS; g++) max[g] = real_all(-(REAL)INFINITY);
    for (size_t c = 0; c < count; c += CHAINS * REALS) {
        UNROLLED for (size_t g = 0; g < CHAINS; g++)
        {
            /* At the end of the row some are looked at twice, which changes no maximum. */
            size_t at = c + g * REALS, last = count - REALS;
            real_vec v = real_load(x + (at < last ? at : last));

            is_nan |= v != v;
            max[g] = real_select(v > max[g], v, max[g]);
        }
    }
    memcpy(lanes, max, sizeof lanes);
    memcpy(nans, &is_nan, sizeof nans);
    largest = lanes[0];
    for (size_t l = 1; l < CHAINS * REALS; l++)
        largest = lanes[l] > largest ? lanes[l] : largest;
    for (size_t l = 0; l < REALS; l++)
        has_nan |= nans[l] != 0;
    return has_nan ? (double)NAN : (double)largest;
}

/* The first element equal to `max`, a NaN being equal to a NaN; the row has one. */
static size_t index_of(const REAL *x, size_t count, double max)
{
    bool seeks_nan = isnan(max);
    size_t c = 0;

    for (; c + CHAINS * REALS <= count; c += CHAINS * REALS) {
        real_mask found = {0};
        int64_t words[VECTOR_BYTES / 8], any = 0;

        UNROLLED for (size_t g = 0; g < CHAINS; g++)
        {
            real_vec v = real_load(x + c + g * REALS);

            found |= seeks_nan ? v != v : v == (REAL)max;
        }
        memcpy(words, &found, sizeof words);
        UNROLLED for (size_t w = 0; w < VECTOR_BYTES / 8; w++) any |= words[w];
        if (any != 0)
            break;
    }
    while (c < count && (seeks_nan ? x[c] == x[c] : x[c] != (REAL)max))
        c++;
    return c < count ? c : 0;
}

/* Add up the partial sums: the upper half of them to the lower one, until one is left. */
static double fold(double *totals, double *lost)
{
    for (size_t half = ROW_SUMS / 2; half != 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            double total = totals[l] + totals[half + l], added = total - totals[l];

            lost[l] +=
                lost[half + l] + ((totals[l] - (total - added)) + (totals[half + l] - added));
            totals[l] = total;
        }
    }
    return totals[0] + lost[0];
}

/* Sum of exp(x - max) over all classes but the one whose maximum it is. */
static double sum_of_row(const REAL *x, size_t count, REAL max_value, size_t argmax)
{
    struct sums sums[GROUPS];
    double totals[ROW_SUMS], lost[ROW_SUMS];
    real_vec max = real_all(max_value);

    UNROLLED for (size_t g = 0; g < GROUPS; g++) sums[g] = sums_zero();
    for (size_t c = 0; c < count; c += ROW_SUMS) {
        const REAL *from = x + c;
        REAL block[ROW_SUMS];

        if (argmax - c < ROW_SUMS || count - c < ROW_SUMS) {
            for (size_t l = 0; l < ROW_SUMS; l++)
                block[l] = c + l < count && c + l != argmax ? x[c + l] : -(REAL)INFINITY;
            from = block;
        }
        UNROLLED for (size_t g = 0; g < GROUPS; g++)
            sums_add(&sums[g], exp_shifted(real_load(from + g * REALS), max));
    }
    UNROLLED for (size_t g = 0; g < GROUPS; g++)
    {
        struct wide lanes_lost, lanes = sums_value(&sums[g], &lanes_lost);

        wide_store(totals + g * REALS, lanes);
        wide_store(lost + g * REALS, lanes_lost);
    }
    return fold(totals, lost);
}

static void scan_along_classes(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        double max = max_of_row(x, tile->classes);

        rows->max[p] = max;
        rows->argmax[p] = index_of(x, tile->classes, max);
        if (sums)
            rows->rest[p] = isfinite(max) ? sum_of_row(x, tile->classes, (REAL)max, rows->argmax[p])
                                          : (double)NAN;
    }
}

/* ---- along the positions ----------------------------------------------------------------------- */

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

/* Fill max and argmax; both also as lanes, which mean nothing where there is a NaN. */
static inline real_vec scan_maxima(const struct columns *columns, real_mask *argmax_out,
                                   struct kernel_rows *rows)
{
    real_vec max = real_all(-(REAL)INFINITY);
    real_mask argmax = {0}, is_nan = {0}, at = {0};
    real_index index[REALS], nan[REALS];

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
    memcpy(nan, &is_nan, sizeof nan);
    for (size_t l = 0; l < columns->count; l++) {
        rows->argmax[columns->first + l] = (size_t)index[l];
        if (nan[l] == 0)
            continue;
        size_t c = 0;
        while (columns->x[c * columns->stride + l] == columns->x[c * columns->stride + l])
            c++;
        rows->argmax[columns->first + l] = c;
        rows->max[columns->first + l] = (double)NAN;
    }
    *argmax_out = argmax;
    return max;
}

static void scan_columns(const struct columns *columns, bool wants_sums, struct kernel_rows *rows)
{
    struct sums sums = sums_zero();
    struct wide total, lost;
    real_mask argmax, at = {0};
    real_vec max = scan_maxima(columns, &argmax, rows);

    if (!wants_sums)
        return;
    for (size_t c = 0; c < columns->classes; c++) {
        sums_add(&sums, exps_keep(at != argmax, exp_shifted(column(columns, c), max)));
        at += 1;
    }
    total = sums_value(&sums, &lost);
    UNROLLED for (size_t i = 0; i < PARTS; i++) total.part[i] += lost.part[i];
    wide_store(rows->rest + columns->first, total);
    for (size_t l = columns->first; l < columns->first + columns->count; l++) {
        if (!isfinite(rows->max[l]) && columns->classes != 0)
            rows->rest[l] = (double)NAN;
    }
}

/* Transpose a tile of few classes, so that its positions lie side by side. */
static inline void turn(const struct kernel_tile *tile, REAL turned[][KERNEL_TILE_POSITIONS])
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);

        for (size_t c = 0; c < tile->classes; c++)
            turned[c][p] = x[c];
    }
}

static void scan_along_positions(const struct kernel_tile *tile, bool sums,
                                 struct kernel_rows *rows)
{
    REAL turned[KERNEL_ROW_CLASSES][KERNEL_TILE_POSITIONS];
    bool lies_apart = tile->position_stride != 1;

    if (lies_apart)
        turn(tile, turned);
    for (size_t p = 0; p < tile->positions; p += REALS) {
        size_t left = tile->positions - p;
        struct columns columns = {.x = lies_apart ? &turned[0][p] : row_of(tile, p),
                                  .stride = lies_apart ? (size_t)KERNEL_TILE_POSITIONS
                                                       : tile->class_stride,
                                  .classes = tile->classes,
                                  .first = p,
                                  .count = left < REALS ? left : REALS};

        scan_columns(&columns, sums, rows);
    }
}

/* ---- both -------------------------------------------------------------------------------------- */

void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    if (tile->class_stride == 1 && tile->classes >= KERNEL_ROW_CLASSES)
        scan_along_classes(tile, sums, rows);
    else
        scan_along_positions(tile, sums, rows);
    for (size_t p = 0; p < tile->positions && sums; p += LANES) {
        if (tile->positions - p < LANES) { /* the arrays have room for whole vectors */
            size_t bytes = (p + LANES - tile->positions) * sizeof(double);

            memset(rows->rest + tile->positions, 0, bytes);
            memset(rows->max + tile->positions, 0, bytes);
        }
        vec_store(rows->log_rest + p, log1p_full(vec_load(rows->rest + p)));
    }
}
