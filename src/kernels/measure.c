/* measure.c - what measures need to know of every position beside its loss. */
#include "kernels/table_internal.h"
#include "kernels/terms.h"

enum { RANK_STEPS_MAX = 1 << 20 }; /* how far a lane may count */

void KERNEL(surprise)(const struct kernel_tile *tile, enum kernel_stage stage,
                      const struct kernel_rows *rows, double *found)
{
    for (size_t p = 0; p < tile->positions; p += LANES) {
        vec max = vec_all(0.0), log_rest = vec_all(0.0);

        if (stage == KERNEL_LOGITS) {
            max = vec_load(rows->max + p);
            log_rest = vec_load(rows->log_rest + p);
        }
        vec_store(found + p, surprise_of(stage, vec_load(rows->picked + p), max, log_rest));
    }
    for (size_t p = 0; p < tile->positions && stage == KERNEL_PROBABILITIES; p++)
        found[p] = isnan(rows->max[p]) ? (double)NAN : found[p];
}

void KERNEL(confidence)(const struct kernel_tile *tile, enum kernel_stage stage,
                        const struct kernel_rows *rows, double *found)
{
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = stage == KERNEL_LOGITS ? 1.0 / (1.0 + rows->rest[p])
                   : stage == KERNEL_LOGS ? kernel_exp(rows->max[p])
                                          : rows->max[p];
}

void KERNEL(complement)(const struct kernel_tile *tile, enum kernel_stage stage,
                        const struct kernel_rows *rows, double *found)
{
    for (size_t p = 0; p < tile->positions && stage == KERNEL_LOGITS; p += LANES) {
        vec_store(found + p,
                  1.0 - probability_of(vec_load(rows->picked + p), vec_load(rows->max + p),
                                       vec_load(rows->rest + p)));
    }
    for (size_t p = 0; p < tile->positions; p++) {
        if (stage != KERNEL_LOGITS)
            found[p] = 1.0 - (stage == KERNEL_LOGS ? kernel_exp(rows->picked[p]) : rows->picked[p]);
        else if ((int64_t)rows->argmax[p] ==
                 tile->labels[p]) /* close to 0, perhaps: no difference */
            found[p] = complement_of_largest(rows, p);
    }
}

void KERNEL(brier)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, double *found)
{
    double missing[KERNEL_TILE_POSITIONS];

    KERNEL(complement)(tile, stage, rows, missing);
    KERNEL(squares)(tile, stage, rows, found);
    for (size_t p = 0; p < tile->positions; p++)
        found[p] += missing[p] * missing[p];
}

/* Whether v is before y in the order of ranks, or, if `or_equal`, no more than equal: a NaN is
 * larger than any number, and equal to a NaN. */
static inline bool is_above(REAL v, REAL y, bool or_equal)
{
    if (isnan(y))
        return or_equal && isnan(v);
    return or_equal ? !(v < y) : !(v <= y);
}

static inline real_mask lanes_above(real_vec v, REAL y, bool or_equal)
{
    if (isnan(y))
        return or_equal ? v != v : (real_mask){0};
    return or_equal ? ~(v < y) : ~(v <= y);
}

/* How many of the classes from `c` up to `end` are above y; x is the position's first class. */
INLINED size_t count_above(const REAL *x, size_t stride, size_t c, size_t end, REAL y,
                           bool or_equal)
{
    size_t above = 0;

    while (stride == 1 && end - c >= REALS) {
        size_t steps = (end - c) / REALS;
        real_mask counted = {0};
        real_index lanes[REALS];

        for (size_t i = 0; i < steps && i < RANK_STEPS_MAX; i++, c += REALS)
            counted -= lanes_above(real_load(x + c), y, or_equal);
        memcpy(lanes, &counted, sizeof lanes);
        for (size_t l = 0; l < REALS; l++)
            above += (size_t)lanes[l];
    }
    for (; c < end; c++)
        above += is_above(x[c * stride], y, or_equal);
    return above;
}

/* The lower index wins between equals. */
static size_t rank_of(const struct kernel_tile *tile, size_t position, size_t label)
{
    const REAL *x = row_of(tile, position);
    size_t stride = tile->class_stride;
    REAL y = x[label * stride];

    return count_above(x, stride, 0, label, y, true) +
           count_above(x, stride, label + 1, tile->classes, y, false);
}

void KERNEL(rank)(const struct kernel_tile *tile, size_t *found)
{
    for (size_t p = 0; p < tile->positions; p++) {
        uint64_t label = (uint64_t)tile->labels[p];

        found[p] = label < tile->classes ? rank_of(tile, p, label) : tile->classes;
    }
}
