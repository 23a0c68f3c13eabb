/* measure.c - what measures need to know of every position beside its loss. */
#include "kernels/table_internal.h"
#include "kernels/terms.h"

enum { RANK_STEPS_MAX = 1 << 20 }; /* how far a lane may count */

/* - log p of LANES elements x of a position; for logits a sum of two terms >= 0. */
static inline vec surprise(enum kernel_stage stage, vec x, const struct kernel_rows *rows,
                           size_t position)
{
    if (stage == KERNEL_LOGITS)
        return (rows->max[position] - x) + rows->log_rest[position];
    return stage == KERNEL_LOGS ? -x : -log_full(x);
}

void KERNEL(surprise)(const struct kernel_tile *tile, enum kernel_stage stage,
                      const struct kernel_rows *rows, const double *picked, double *found)
{
    for (size_t p = 0; p < tile->positions; p += LANES) {
        vec x = vec_load(picked + p);

        if (stage == KERNEL_LOGITS)
            vec_store(found + p, (vec_load(rows->max + p) - x) + vec_load(rows->log_rest + p));
        else
            vec_store(found + p, stage == KERNEL_LOGS ? -x : -log_full(x));
    }
    for (size_t p = 0; p < tile->positions && stage == KERNEL_PROBABILITIES; p++)
        found[p] = isnan(rows->max[p]) ? (double)NAN : found[p];
}

/* What is added up over the classes, of LANES of them from `c` on. */
enum quantity { ENTROPY, SQUARES };

INLINED vec terms_at(enum quantity quantity, enum kernel_stage stage,
                     const struct kernel_tile *tile, size_t position,
                     const struct kernel_rows *rows, int64_t label, size_t c)
{
    size_t count = classes_at(tile, c);
    vec x = elements(tile, row_of(tile, position), c, count);
    vec p = probabilities_of(stage, x, rows, position), term;

    if (quantity == ENTROPY) /* 0 log 0 is 0 */
        term = from_bits(bits_of(p * surprise(stage, x, rows, position)) & ~(p == 0.0));
    else /* of the others than the label */
        term = from_bits(bits_of(p * p) & (lane_numbers() + (int64_t)c != label));
    return first_lanes(term, count);
}

INLINED double total_of(enum quantity quantity, enum kernel_stage stage,
                        const struct kernel_tile *tile, size_t position,
                        const struct kernel_rows *rows, int64_t label)
{
    struct vector_sum sums[VECTOR_SUMS];
    struct sum sum;

    UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++) sums[g] = vector_sum_zero();
    for (size_t c = 0; c < tile->classes; c += ROW_SUMS) {
        UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++)
        {
            if (c + g * LANES < tile->classes)
                vector_sum_add(&sums[g], terms_at(quantity, stage, tile, position, rows, label,
                                                  c + g * LANES));
        }
    }
    sum = vector_sums_fold(sums);
    return sum_value(&sum);
}

static double total(enum quantity quantity, enum kernel_stage stage, const struct kernel_tile *tile,
                    size_t position, const struct kernel_rows *rows, int64_t label)
{
    switch (stage) {
    case KERNEL_LOGITS: return total_of(quantity, KERNEL_LOGITS, tile, position, rows, label);
    case KERNEL_LOGS: return total_of(quantity, KERNEL_LOGS, tile, position, rows, label);
    case KERNEL_PROBABILITIES: break;
    }
    return total_of(quantity, KERNEL_PROBABILITIES, tile, position, rows, label);
}

void KERNEL(entropy)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found)
{
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = total(ENTROPY, stage, tile, p, rows, -1);
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
                        const struct kernel_rows *rows, const int64_t *labels, const double *picked,
                        double *found)
{
    for (size_t p = 0; p < tile->positions && stage == KERNEL_LOGITS; p += LANES) {
        vec y = exp_from(vec_load(picked + p), vec_load(rows->max + p));

        vec_store(found + p, 1.0 - y / (1.0 + vec_load(rows->rest + p)));
    }
    for (size_t p = 0; p < tile->positions; p++) {
        if (stage != KERNEL_LOGITS)
            found[p] = 1.0 - (stage == KERNEL_LOGS ? kernel_exp(picked[p]) : picked[p]);
        else if ((int64_t)rows->argmax[p] == labels[p]) /* close to 0, perhaps: no difference */
            found[p] = complement_of_largest(rows, p);
    }
}

void KERNEL(brier)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, const int64_t *labels, const double *picked,
                   double *found)
{
    KERNEL(complement)(tile, stage, rows, labels, picked, found);
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = found[p] * found[p] + total(SQUARES, stage, tile, p, rows, labels[p]);
}

/* Whether v is before y in the order of ranks, or, if `or_equal`, no more than equal: a NaN is larger than
 * any number, and equal to a NaN. */
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

void KERNEL(rank)(const struct kernel_tile *tile, const int64_t *labels, size_t *found)
{
    for (size_t p = 0; p < tile->positions; p++) {
        bool names_one = labels[p] >= 0 && (uint64_t)labels[p] < tile->classes;

        found[p] = names_one ? rank_of(tile, p, (size_t)labels[p]) : tile->classes;
    }
}
