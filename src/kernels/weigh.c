/* weigh.c - sums over the classes of one position, each class with its own factor.
 *
 * These sums may have terms of both signs. */
#include "kernels/table_internal.h"
#include "kernels/terms.h"

/* The terms of LANES classes from `c` on; q is the position's first factor or NULL. */
INLINED vec terms_at(enum kernel_stage stage, const struct kernel_tile *tile, size_t position,
                     const struct kernel_rows *rows, const struct kernel_factors *factors,
                     const REAL *q, size_t c)
{
    size_t count = classes_at(tile, c);
    vec k = factors_at(tile, factors, q, c, count);
    vec v = elements(tile, row_of(tile, position), c, count), term;

    if (stage == KERNEL_LOGITS)
        term = k * ((rows->max[position] - v) + rows->log_rest[position]);
    else if (stage == KERNEL_LOGS)
        term = k * -v;
    else /* 0 * log 0 is 0 here */
        term = from_bits(bits_of(-k * log_full(v)) & ~((k == 0.0) & (v >= 0.0)));
    return first_lanes(term, count);
}

INLINED double weigh(enum kernel_stage stage, const struct kernel_tile *tile, size_t position,
                     const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    const REAL *q = q_of(tile, factors, position);
    struct vector_sum sums[VECTOR_SUMS];
    struct sum sum;

    UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++) sums[g] = vector_sum_zero();
    for (size_t c = 0; c < tile->classes; c += ROW_SUMS) {
        UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++)
        {
            if (c + g * LANES < tile->classes)
                vector_sum_add(&sums[g],
                               terms_at(stage, tile, position, rows, factors, q, c + g * LANES));
        }
    }
    sum = vector_sums_fold(sums);
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
