/* weigh.c - sums over the classes of one position, each class with its own factor; and single elements.
 *
 * The terms are computed as vectors and added one by one, in ascending order, compensated: these sums
 * may have terms of both signs. */
#include <math.h>

#include "kernels/sum.h"
#include "kernels/table_internal.h"

/* LANES elements of a position from class `c` on, the missing ones 0; x is its first class. */
static inline vec elements(const struct kernel_tile *tile, const REAL *x, size_t c, size_t count)
{
    double lanes[LANES];

    for (size_t l = 0; l < LANES; l++)
        lanes[l] = l < count ? (double)x[(c + l) * tile->class_stride] : 0.0;
    return vec_load(lanes);
}

/* The factors k of LANES classes from `c` on; q is the position's first or NULL. */
static inline vec factors_at(const struct kernel_tile *tile, const struct kernel_factors *factors,
                             const REAL *q, size_t c, size_t count)
{
    vec k = vec_all(1.0);
    double weights[LANES] = {0};

    if (q != NULL)
        k = elements(tile, q, c, count) * factors->keep + factors->spread;
    if (factors->weights == NULL)
        return k;
    memcpy(weights, factors->weights + c, count * sizeof weights[0]);
    return k * vec_load(weights);
}

enum stage { LOGITS, LOGS, PROBABILITIES };

static inline double weigh(enum stage stage, const struct kernel_tile *tile, size_t position,
                           const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    const REAL *x = row_of(tile, position);
    const REAL *q =
        factors->q != NULL ? (const REAL *)factors->q + position * tile->position_stride : NULL;
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = tile->classes - c < LANES ? tile->classes - c : LANES;
        vec k = factors_at(tile, factors, q, c, count), v = elements(tile, x, c, count), term;
        double terms[LANES];

        if (stage == LOGITS)
            term = k * ((rows->max[position] - v) + rows->log_rest[position]);
        else if (stage == LOGS)
            term = k * -v;
        else /* 0 * log 0 is 0 here */
            term = from_bits(bits_of(-k * log_full(v)) & ~((k == 0.0) & (v >= 0.0)));
        vec_store(terms, term);
        for (size_t l = 0; l < count; l++)
            sum_add(&sum, terms[l]);
    }
    return sum_value(&sum);
}

double KERNEL(weigh_logits)(const struct kernel_tile *tile, size_t position,
                            const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    return weigh(LOGITS, tile, position, rows, factors);
}

double KERNEL(weigh_logs)(const struct kernel_tile *tile, size_t position,
                          const struct kernel_factors *factors)
{
    return weigh(LOGS, tile, position, NULL, factors);
}

double KERNEL(weigh_probabilities)(const struct kernel_tile *tile, size_t position,
                                   const struct kernel_factors *factors)
{
    return weigh(PROBABILITIES, tile, position, NULL, factors);
}
