/* weigh.c - sums over the classes of one position, each class with its own factor.
 *
 * The terms are computed as vectors and added one by one, in ascending order, compensated: these sums
 * may have terms of both signs. */
#include "kernels/sum.h"
#include "kernels/table_internal.h"
#include "kernels/terms.h"

static inline double weigh(enum kernel_stage stage, const struct kernel_tile *tile, size_t position,
                           const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, factors, position);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        vec k = factors_at(tile, factors, q, c, count), v = elements(tile, x, c, count), term;
        double terms[LANES];

        if (stage == KERNEL_LOGITS)
            term = k * ((rows->max[position] - v) + rows->log_rest[position]);
        else if (stage == KERNEL_LOGS)
            term = k * -v;
        else /* 0 * log 0 is 0 here */
            term = from_bits(bits_of(-k * log_full(v)) & ~((k == 0.0) & (v >= 0.0)));
        vec_store(terms, term);
        for (size_t l = 0; l < count; l++)
            sum_add(&sum, terms[l]);
    }
    return sum_value(&sum);
}

double KERNEL(weigh)(const struct kernel_tile *tile, enum kernel_stage stage, size_t position,
                     const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    switch (stage) {
    case KERNEL_LOGITS: return weigh(KERNEL_LOGITS, tile, position, rows, factors);
    case KERNEL_LOGS: return weigh(KERNEL_LOGS, tile, position, rows, factors);
    case KERNEL_PROBABILITIES: break;
    }
    return weigh(KERNEL_PROBABILITIES, tile, position, rows, factors);
}
