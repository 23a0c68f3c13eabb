/* scan_rows.c - the largest element of long rows, and the sum of the exponentials of the others:
 * along the classes of one row after the other. */
#include <assert.h>
#include <math.h>

#include "kernels/table_internal.h"

enum {
    CHAINS = 4,                         /* vectors looked at together */
    AHEAD_MAX = 512 * 1024 / REAL_BYTES /* elements that a second-level cache has room for */
};

static_assert(CHAINS * REALS <= KERNEL_ROW_CLASSES, "a row has a whole block");

/* Where a block of a row is looked at, CHAINS vectors: the last one overlaps the one before. */
static inline const REAL *block_at(const REAL *x, size_t count, size_t block)
{
    size_t c = block * CHAINS * REALS;

    return x + (c + CHAINS * REALS <= count ? c : count - CHAINS * REALS);
}

/* The first element of a block that is equal to `max`; there is one, unless all are NaN. */
static inline size_t index_in_block(const REAL *block, REAL max)
{
    real_mask first = (real_mask){0} + REAL_INDEX_MAX, lanes;
    real_index at[REALS];

    for (size_t l = 0; l < REALS; l++)
        at[l] = (real_index)l;
    memcpy(&lanes, at, sizeof lanes);
    UNROLLED for (size_t g = 0; g < CHAINS; g++)
    {
        real_mask is_max = real_load(block + g * REALS) == max;

        first = lesser(first, numbers_where(is_max, lanes + (real_index)(g * REALS)));
    }
    return least_lane(first);
}

/* The largest of x[0 .. count-1], count >= CHAINS * REALS, and where it is first.  If there is a
 * NaN the largest is one, if it is looked for; else neither means anything. */
INLINED double max_of_row(const REAL *x, size_t count, bool looks, size_t *argmax)
{
    real_vec max = real_all(-(REAL)INFINITY);
    real_mask where = {0}, number = {0}, nans = {0};
    const REAL *from;
    REAL largest;

    for (size_t block = 0; block * CHAINS * REALS < count; block++) {
        real_vec v[CHAINS], before = max;
        real_mask larger;

        from = block_at(x, count, block);
        UNROLLED for (size_t g = 0; g < CHAINS; g++) v[g] = real_load(from + g * REALS);
        UNROLLED for (size_t g = 0; g < CHAINS && looks; g++) nans |= v[g] != v[g];
        max = real_max(real_max(real_max(v[0], v[1]), real_max(v[2], v[3])), max);
        larger = max != before; /* the next maximum does not wait for it */
        where = (larger & number) | (~larger & where);
        number += 1;
    }
    largest = largest_lane(max);
    from = block_at(x, count, least_lane(numbers_where(max == largest, where)));
    *argmax = (size_t)(from - x) + index_in_block(from, largest);
    return looks && any_lane((ivec)nans) ? (double)NAN : (double)largest;
}

static double max_of_some_row(const REAL *x, size_t count, size_t *argmax)
{
    return max_of_row(x, count, true, argmax);
}

/* Where its sum will be NaN if there is one, looking costs nothing. */
static double max_of_summed_row(const REAL *x, size_t count, size_t *argmax)
{
    return max_of_row(x, count, false, argmax);
}

/* The first `count` elements, but for number `skipped`, and for what is missing -inf. */
static inline void copy_block(REAL *block, const REAL *from, size_t count, size_t skipped)
{
    real_index end = count < ROW_STEP ? (real_index)count : ROW_STEP;
    real_index skip = skipped < ROW_STEP ? (real_index)skipped : ROW_STEP;

    for (real_index l = 0; l < ROW_STEP; l++)
        block[l] = l < end && l != skip ? from[l] : -(REAL)INFINITY;
}

/* Begin a step at class c of the classes whose exponentials are added up; `block` is where it finds
 * them if they are not to be taken as they are. */
INLINED void begin_step(const REAL *x, size_t c, size_t count, size_t argmax, size_t ahead,
                        const struct origin *origin, bool far, REAL *block, struct step *step)
{
    const REAL *from = x + c;

    if (argmax - c < ROW_STEP || count - c < ROW_STEP) {
        copy_block(block, from, count - c, argmax - c);
        from = block;
    }
    step_begin(step, from, origin, far);
    UNROLLED for (size_t l = 0; l < ROW_STEP; l += LINE) FETCH_EARLY(x, c + l + ahead, 2);
}

/* Add up the exponentials of all classes but the one whose maximum it is. */
INLINED double sum_of_row(const REAL *x, size_t count, REAL max, size_t argmax, size_t ahead,
                          bool far, double *low)
{
    struct sums sums[GROUPS];
    struct origin origin = origin_of(real_all(max), far);
    struct step step, next;
    REAL block[ROW_STEP];

    UNROLLED for (size_t g = 0; g < GROUPS; g++) sums[g] = sums_zero();
    if (STEPS_AHEAD) {
        begin_step(x, 0, count, argmax, ahead, &origin, far, block, &step);
        for (size_t c = ROW_STEP; c < count; c += ROW_STEP) {
            begin_step(x, c, count, argmax, ahead, &origin, far, block, &next);
            step_end(&step, &origin, far, sums);
            step = next;
        }
        step_end(&step, &origin, far, sums);
    } else {
        for (size_t c = 0; c < count; c += ROW_STEP) {
            begin_step(x, c, count, argmax, ahead, &origin, far, block, &step);
            step_end(&step, &origin, far, sums);
        }
    }
    return sums_fold(sums, low);
}

static double sum_of_near_row(const REAL *x, size_t count, REAL max, size_t argmax, size_t ahead,
                              double *low)
{
    return sum_of_row(x, count, max, argmax, ahead, false, low);
}

static double sum_of_far_row(const REAL *x, size_t count, REAL max, size_t argmax, size_t ahead,
                             double *low)
{
    return sum_of_row(x, count, max, argmax, ahead, true, low);
}

static void pick(const struct kernel_tile *tile, double *picked)
{
    memset(picked, 0, KERNEL_TILE_POSITIONS * sizeof *picked);
    for (size_t p = 0; p < tile->positions && tile->labels != NULL; p++) {
        uint64_t label = (uint64_t)tile->labels[p];

        if (label < tile->classes)
            picked[p] = (double)row_of(tile, p)[label];
    }
}

/* All maxima before all sums, so that no row waits for its own. */
void KERNEL(scan_rows)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows)
{
    size_t ahead =
        tile->positions * tile->classes; /* the next tile, or as much as there is room for */

    ahead = ahead < AHEAD_MAX ? ahead : AHEAD_MAX;
    for (size_t p = 0; p < tile->positions; p++)
        rows->max[p] = (sums ? max_of_summed_row : max_of_some_row)(row_of(tile, p), tile->classes,
                                                                    &rows->argmax[p]);
    pick(tile, rows->picked);
    for (size_t p = 0; p < tile->positions && sums; p++) {
        rows->rest[p] = (is_far(rows->max[p]) ? sum_of_far_row : sum_of_near_row)(
            row_of(tile, p), tile->classes, (REAL)rows->max[p], rows->argmax[p], ahead,
            &rows->rest_low[p]);
    }
}
