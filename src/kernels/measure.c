/* measure.c - what measures need to know of every position beside its loss.
 *
 * Terms are computed as vectors and added one by one, in ascending order: none is negative. */
#include "kernels/sum.h"
#include "kernels/table_internal.h"
#include "kernels/terms.h"

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

static inline double entropy(enum kernel_stage stage, const struct kernel_tile *tile,
                             size_t position, const struct kernel_rows *rows)
{
    const REAL *x = row_of(tile, position);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        vec v = elements(tile, x, c, count), p = probabilities_of(stage, v, rows, position);
        vec term = p * surprise(stage, v, rows, position);
        double terms[LANES];

        vec_store(terms, from_bits(bits_of(term) & ~(p == 0.0))); /* 0 log 0 is 0 */
        for (size_t l = 0; l < count; l++)
            sum_add(&sum, terms[l]);
    }
    return sum_value(&sum);
}

void KERNEL(entropy)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found)
{
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = stage == KERNEL_LOGITS ? entropy(KERNEL_LOGITS, tile, p, rows)
                   : stage == KERNEL_LOGS ? entropy(KERNEL_LOGS, tile, p, rows)
                                          : entropy(KERNEL_PROBABILITIES, tile, p, rows);
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

static inline double squares_of_others(enum kernel_stage stage, const struct kernel_tile *tile,
                                       size_t position, const struct kernel_rows *rows,
                                       int64_t label)
{
    const REAL *x = row_of(tile, position);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        vec p = probabilities_of(stage, elements(tile, x, c, count), rows, position);
        double terms[LANES];

        vec_store(terms, p * p);
        for (size_t l = 0; l < count; l++) {
            if ((int64_t)(c + l) != label)
                sum_add(&sum, terms[l]);
        }
    }
    return sum_value(&sum);
}

void KERNEL(brier)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, const int64_t *labels, const double *picked,
                   double *found)
{
    KERNEL(complement)(tile, stage, rows, labels, picked, found);
    for (size_t p = 0; p < tile->positions; p++) {
        double others = stage == KERNEL_LOGITS
                            ? squares_of_others(KERNEL_LOGITS, tile, p, rows, labels[p])
                        : stage == KERNEL_LOGS
                            ? squares_of_others(KERNEL_LOGS, tile, p, rows, labels[p])
                            : squares_of_others(KERNEL_PROBABILITIES, tile, p, rows, labels[p]);

        found[p] = found[p] * found[p] + others;
    }
}

/* A NaN is larger than any number, and equal to a NaN; the lower index wins between equals. */
static size_t rank_of(const struct kernel_tile *tile, size_t position, size_t label)
{
    const REAL *x = row_of(tile, position);
    REAL y = x[label * tile->class_stride];
    size_t above = 0;

    for (size_t c = 0; c < tile->classes; c++) {
        REAL v = x[c * tile->class_stride];
        bool is_larger = y == y && !(v <= y), is_equal = v == y || (v != v && y != y);

        above += is_larger || (is_equal && c < label);
    }
    return above;
}

void KERNEL(rank)(const struct kernel_tile *tile, const int64_t *labels, size_t *found)
{
    for (size_t p = 0; p < tile->positions; p++) {
        bool names_one = labels[p] >= 0 && (uint64_t)labels[p] < tile->classes;

        found[p] = names_one ? rank_of(tile, p, (size_t)labels[p]) : tile->classes;
    }
}
