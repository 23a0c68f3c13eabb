/* scan.c - the largest element of every row, and the sum of the exponentials of the others.
 *
 * Two kernels, chosen by shape alone: along the classes of one long row (scan_rows.c), or along the
 * positions of a tile, some classes at a time. */
#include <assert.h>
#include <math.h>

#include "kernels/table_internal.h"
#include "kernels/turned.h"

/* What is known so far of REALS positions; the lanes after the last position mean nothing. */
struct group {
    real_vec max;
    real_mask argmax;     /* neither means anything where there is a NaN */
    real_mask nans;       /* where there is one, if they are looked for */
    real_vec picked;      /* the label's element; 0 if it names no class */
    bool is_near, is_far; /* one of them is */
    struct sums near, far;
};

/* The labels of a tile in the lanes of positions; -1 if one names no class. */
static inline void narrow_labels(const struct kernel_tile *tile, real_index *labels)
{
    size_t count = tile->labels != NULL ? tile->positions : 0;

    for (size_t p = 0; p < count; p++)
        labels[p] = (uint64_t)tile->labels[p] <= REAL_INDEX_MAX ? (real_index)tile->labels[p] : -1;
    for (size_t p = count; p < KERNEL_TILE_POSITIONS; p++)
        labels[p] = -1;
}

INLINED void add_maxima(struct group *group, const struct turned *turned, size_t p,
                        const real_index *labels, bool looks)
{
    bool begins = turned->first == 0;
    real_vec max = begins ? real_all(-(REAL)INFINITY) : group->max;
    real_mask argmax = begins ? (real_mask){0} : group->argmax;
    real_mask nans = begins ? (real_mask){0} : group->nans;
    real_vec picked = begins ? real_all(0) : group->picked;
    real_mask at = (real_mask){0} + (real_index)turned->first, label;

    memcpy(&label, labels + p, sizeof label);
    _Pragma("GCC unroll 4") for (size_t i = 0; i < turned->count; i++)
    {
        real_vec x = real_load(&turned->x[i][p]), before = max;
        real_mask larger;

        nans |= looks ? x != x : (real_mask){0};
        max = real_max(x, max);
        larger = max != before; /* no lane's next maximum waits for it */
        argmax = (argmax & ~larger) | (at & larger);
        picked = real_select(at == label, x, picked);
        at += 1;
    }
    group->max = max;
    group->argmax = argmax;
    group->nans = nans;
    group->picked = picked;
}

/* Fill max, argmax and picked of REALS positions from `p` on. */
static inline void keep_maxima(struct group *group, size_t p, struct kernel_rows *rows)
{
    struct wide max = real_widen(real_select(group->nans, real_all((REAL)NAN), group->max));
    real_index index[REALS];
    ivec is_far = {0}, is_near = {0};

    wide_store(rows->max + p, max);
    wide_store(rows->picked + p, real_widen(group->picked));
    memcpy(index, &group->argmax, sizeof index);
    for (size_t l = 0; l < REALS; l++)
        rows->argmax[p + l] = (size_t)index[l];
    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        is_far |= far_lanes(max.part[i]);
        is_near |= ~far_lanes(max.part[i]);
    }
    group->is_near = any_lane(is_near);
    group->is_far = any_lane(is_far);
}

/* Classes after the last, for which there is room, add nothing. */
static inline void fill_missing(struct turned *turned)
{
    for (size_t i = turned->count; i % COLUMN_LEAST != 0; i++) {
        for (size_t p = 0; p < KERNEL_TILE_POSITIONS; p++)
            turned->x[i][p] = -(REAL)INFINITY;
    }
}

/* Add the exponentials of `count` classes of REALS positions but for the maxima's, which are *left
 * classes on. */
INLINED void add_columns(size_t count, const REAL *from, const struct origin *origin, bool far,
                         real_mask *left, struct sums *sums)
{
    real_vec x[COLUMN_STEP];

    UNROLLED for (size_t i = 0; i < count; i++)
    {
        x[i] = real_select(*left == 0, real_all(-(REAL)INFINITY),
                           real_load(from + i * KERNEL_TILE_POSITIONS));
        *left -= 1;
    }
    sums_add_columns(count, sums, x, origin, far);
}

/* Add the exponentials of REALS positions from `p` on. */
INLINED void add_sums(const struct group *group, const struct turned *turned, size_t p, bool far,
                      struct sums *to)
{
    struct sums sums = turned->first == 0 ? sums_zero() : *to;
    struct origin origin = origin_of(group->max, far);
    real_mask left = group->argmax - (real_index)turned->first;
    size_t i = 0;

    for (; i + COLUMN_LEAST < turned->count; i += COLUMN_STEP)
        add_columns(COLUMN_STEP, &turned->x[i][p], &origin, far, &left, &sums);
    if (i < turned->count)
        add_columns(COLUMN_LEAST, &turned->x[i][p], &origin, far, &left, &sums);
    *to = sums;
}

/* Fill rest and rest_low of REALS positions from `p` on, but for the scale. */
static inline void keep_sums(const struct group *group, size_t p, struct kernel_rows *rows)
{
    struct wide max = wide_load(rows->max + p);
    struct wide near = wide_all(0.0), far = wide_all(0.0);
    struct wide near_low = wide_all(0.0), far_low = wide_all(0.0);

    if (group->is_near)
        near = sums_value(&group->near, &near_low);
    if (group->is_far)
        far = sums_value(&group->far, &far_low);
    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        ivec lanes = far_lanes(max.part[i]);

        near.part[i] = vec_select(lanes, far.part[i], near.part[i]);
        near_low.part[i] = vec_select(lanes, far_low.part[i], near_low.part[i]);
    }
    wide_store(rows->rest + p, near);
    wide_store(rows->rest_low + p, near_low);
}

static inline void scan_maxima(const struct kernel_tile *tile, bool looks, struct turned *turned,
                               struct group *groups)
{
    real_index labels[KERNEL_TILE_POSITIONS];
    size_t c = 0;

    narrow_labels(tile, labels);
    do {
        turn(tile, c, turned);
        for (size_t p = 0; p < tile->positions; p += REALS) {
            if (looks)
                add_maxima(&groups[p / REALS], turned, p, labels, true);
            else
                add_maxima(&groups[p / REALS], turned, p, labels, false);
        }
        c += KERNEL_ROW_CLASSES;
    } while (c < tile->classes);
}

static inline void scan_sums(const struct kernel_tile *tile, struct turned *turned,
                             struct group *groups)
{
    size_t c = 0;

    do {
        if (tile->classes > KERNEL_ROW_CLASSES) /* else they are there */
            turn(tile, c, turned);
        fill_missing(turned);
        for (size_t p = 0; p < tile->positions; p += REALS) {
            struct group *group = &groups[p / REALS];

            if (group->is_near)
                add_sums(group, turned, p, false, &group->near);
            if (group->is_far)
                add_sums(group, turned, p, true, &group->far);
        }
        c += KERNEL_ROW_CLASSES;
    } while (c < tile->classes);
}

/* All maxima before all sums, so that no group of positions waits for its own. */
static void scan_along_positions(const struct kernel_tile *tile, bool sums,
                                 struct kernel_rows *rows)
{
    struct turned turned;
    struct group groups[KERNEL_TILE_POSITIONS / REALS];

    scan_maxima(tile, !sums, &turned, groups);
    for (size_t p = 0; p < tile->positions; p += REALS)
        keep_maxima(&groups[p / REALS], p, rows);
    if (!sums)
        return;
    scan_sums(tile, &turned, groups);
    for (size_t p = 0; p < tile->positions; p += REALS)
        keep_sums(&groups[p / REALS], p, rows);
}

/* The first NaN of a position, if there is one, instead of max and argmax. */
static void note_nan(const struct kernel_tile *tile, size_t position, struct kernel_rows *rows)
{
    const REAL *x = row_of(tile, position);
    size_t c = 0;

    while (c < tile->classes && !isnan(x[c * tile->class_stride]))
        c++;
    if (c == tile->classes)
        return;
    rows->max[position] = (double)NAN;
    rows->argmax[position] = c;
}

/* A NaN makes the sum one; even if it was left out itself, as the maximum is -inf then, and -inf
 * less -inf is NaN.  Where there are no sums it was looked for. */
static inline void note_nans(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    const double *found = sums ? rows->rest : rows->max;
    ivec is_nan = {0};

    for (size_t p = 0; p < tile->positions; p += LANES)
        is_nan |= vec_load(found + p) != vec_load(found + p);
    for (size_t p = 0; p < tile->positions && any_lane(is_nan); p++) {
        if (isnan(found[p]))
            note_nan(tile, p, rows);
    }
}

/* From what was added up to rest, of REALS positions. */
static inline void finish_rest(struct kernel_rows *rows, size_t p, bool is_empty)
{
    struct wide max = wide_load(rows->max + p);
    struct wide scale = sums_scale(max), rest = wide_load(rows->rest + p);
    struct wide low = wide_load(rows->rest_low + p);

    UNROLLED for (size_t i = 0; i < PARTS; i++)
    {
        ivec is_finite = max.part[i] - max.part[i] == 0.0;

        rest.part[i] *= scale.part[i];
        rest.part[i] =
            is_empty ? vec_all(0.0) : vec_select(is_finite, rest.part[i], vec_all((double)NAN));
        if (is_empty)
            low.part[i] = vec_all(0.0);
        low.part[i] = from_bits(bits_of(low.part[i]) & is_finite);
    }
    wide_store(rows->scale + p, scale);
    wide_store(rows->rest + p, rest);
    wide_store(rows->rest_low + p, low);
}

static inline void finish_log(struct kernel_rows *rows, size_t p)
{
    struct wide rest = wide_load(rows->rest + p), low = wide_load(rows->rest_low + p), log_rest;

    UNROLLED for (size_t i = 0; i < PARTS; i++) log_rest.part[i] =
        real_log1p(rest.part[i], low.part[i]);
    wide_store(rows->log_rest + p, log_rest);
}

static_assert(KERNEL_TILE_POSITIONS % REALS == 0, "the arrays of rows are whole vectors");

/* Step by step for all positions: one vector alone would wait for itself.  Lanes after
 * the last position are 0. */
void KERNEL(scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    if (has_long_rows(tile))
        KERNEL(scan_rows)(tile, sums, rows);
    else
        scan_along_positions(tile, sums, rows);
    for (size_t p = tile->positions; p % REALS != 0; p++)
        rows->max[p] = rows->rest[p] = rows->rest_low[p] = 0.0;
    note_nans(tile, sums, rows);
    if (!sums)
        return;
    for (size_t p = 0; p < tile->positions; p += REALS)
        finish_rest(rows, p, tile->classes == 0);
    for (size_t p = 0; p < tile->positions; p += REALS)
        finish_log(rows, p);
}
