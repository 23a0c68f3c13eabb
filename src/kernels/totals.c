/* totals.c - sums over the classes of every position: of its surprises, each with its own factor;
 * of its entropy; of the squares of its probabilities.
 *
 * Along the classes of long rows, in the order that vector_sum.h says; else along positions, in
 * ascending order.  Both keep what rounding loses: weighted sums may have terms of both signs. */
#include "kernels/table_internal.h"
#include "kernels/terms.h"
#include "kernels/turned.h"

enum quantity { WEIGHTED, ENTROPY, SQUARES };

/* What terms are made of beside the predictions. */
struct given {
    const struct kernel_rows *rows;
    const struct kernel_factors *factors; /* of what is weighted */
};

/* The numbers of one row in all lanes, or those of the positions from `p`
 * on; only logits have them. */
struct numbers {
    vec max, log_rest, rest;
};

INLINED struct numbers numbers_of(const struct kernel_rows *rows, size_t p, bool is_one)
{
    if (is_one)
        return (struct numbers){vec_all(rows->max[p]), vec_all(rows->log_rest[p]),
                                vec_all(rows->rest[p])};
    return (struct numbers){vec_load(rows->max + p), vec_load(rows->log_rest + p),
                            vec_load(rows->rest + p)};
}

/* The terms of the elements x, whose factors are k, but for what is no part of the sum. */
INLINED vec term_of(enum quantity quantity, enum kernel_stage stage, vec x,
                    const struct numbers *row, vec k)
{
    vec p, term;

    if (quantity == WEIGHTED) {
        term = k * surprise_of(stage, x, row->max, row->log_rest);
        if (stage == KERNEL_PROBABILITIES) /* 0 log 0 is 0 here */
            term = from_bits(bits_of(term) & ~((k == 0.0) & (x >= 0.0)));
        return term;
    }
    p = stage == KERNEL_LOGITS ? probability_of(x, row->max, row->rest)
        : stage == KERNEL_LOGS ? exp_full(x, vec_all(0.0))
                               : x;
    if (quantity == SQUARES)
        return p * p;
    return from_bits(bits_of(p * surprise_of(stage, x, row->max, row->log_rest)) & ~(p == 0.0));
}

INLINED double total_of_row(enum quantity quantity, enum kernel_stage stage,
                            const struct kernel_tile *tile, size_t p, const struct given *given)
{
    const REAL *x = row_of(tile, p);
    const REAL *q = quantity == WEIGHTED ? q_of(tile, given->factors, p) : NULL;
    struct numbers row = {0};
    struct vector_sum sums[VECTOR_SUMS];
    struct sum sum;

    if (stage == KERNEL_LOGITS)
        row = numbers_of(given->rows, p, true);
    UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++) sums[g] = vector_sum_zero();
    for (size_t c = 0; c < tile->classes; c += ROW_SUMS) {
        UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++)
        {
            size_t at = c + g * LANES, count = at < tile->classes ? classes_at(tile, at) : 0;
            vec k = vec_all(1.0), term;

            if (count == 0)
                break;
            if (quantity == WEIGHTED)
                k = factors_at(tile, given->factors, q, at, count);
            term = term_of(quantity, stage, elements(tile, x, at, count), &row, k);
            if (quantity == SQUARES)
                term = from_bits(bits_of(term) & (lane_numbers() + (int64_t)at != tile->labels[p]));
            vector_sum_add(&sums[g], first_lanes(term, count));
        }
    }
    sum = vector_sums_fold(sums);
    return sum_value(&sum);
}

/* The labels of LANES positions from `p` on; -1 for those that the tile does not have. */
static inline ivec labels_at(const struct kernel_tile *tile, size_t p)
{
    int64_t lanes[LANES];
    ivec found;

    for (size_t l = 0; l < LANES; l++)
        lanes[l] = p + l < tile->positions ? tile->labels[p + l] : -1;
    memcpy(&found, lanes, sizeof found);
    return found;
}

/* Add some classes of LANES positions from `p` on; q is turned too, or NULL. */
INLINED struct vector_sum add_turned(enum quantity quantity, enum kernel_stage stage,
                                     const struct kernel_tile *tile, const struct turned *turned,
                                     const struct turned *q, size_t p, const struct given *given)
{
    struct vector_sum sum = vector_sum_zero();
    struct numbers row = {0};
    ivec labels = {0};

    if (stage == KERNEL_LOGITS)
        row = numbers_of(given->rows, p, false);
    if (quantity == SQUARES)
        labels = labels_at(tile, p);
    for (size_t i = 0; i < turned->count; i++) {
        vec k = vec_all(1.0), term;

        if (quantity == WEIGHTED) {
            const struct kernel_factors *factors = given->factors;

            k = vec_all(factors->spread);
            if (q != NULL)
                k = widened(&q->x[i][p]) * factors->keep + factors->spread;
            if (factors->weights != NULL)
                k *= factors->weights[turned->first + i];
        }
        term = term_of(quantity, stage, widened(&turned->x[i][p]), &row, k);
        if (quantity == SQUARES)
            term = from_bits(bits_of(term) & (labels != (int64_t)(turned->first + i)));
        vector_sum_add(&sum, term);
    }
    return sum;
}

INLINED void totals_along_positions(enum quantity quantity, enum kernel_stage stage,
                                    const struct kernel_tile *tile, const struct given *given,
                                    double *found)
{
    struct turned turned, turned_q;
    struct kernel_tile q = *tile;
    struct sum sums[KERNEL_TILE_POSITIONS] = {{0.0, 0.0}};

    q.x = quantity == WEIGHTED ? given->factors->q : NULL;
    for (size_t c = 0; c < tile->classes; c += KERNEL_ROW_CLASSES) {
        turn(tile, c, &turned);
        if (q.x != NULL)
            turn(&q, c, &turned_q);
        for (size_t p = 0; p < tile->positions; p += LANES) {
            struct vector_sum sum = add_turned(quantity, stage, tile, &turned,
                                               q.x != NULL ? &turned_q : NULL, p, given);

            for (size_t l = 0; l < LANES; l++)
                sum_merge(&sums[p + l], &(struct sum){sum.total[l], sum.lost[l]});
        }
    }
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = sum_value(&sums[p]);
}

INLINED void totals_of_stage(enum quantity quantity, enum kernel_stage stage,
                             const struct kernel_tile *tile, const struct given *given,
                             double *found)
{
    if (!has_long_rows(tile)) {
        totals_along_positions(quantity, stage, tile, given, found);
        return;
    }
    for (size_t p = 0; p < tile->positions; p++)
        found[p] = total_of_row(quantity, stage, tile, p, given);
}

INLINED void totals(enum quantity quantity, enum kernel_stage stage, const struct kernel_tile *tile,
                    const struct given *given, double *found)
{
    if (stage == KERNEL_LOGITS)
        totals_of_stage(quantity, KERNEL_LOGITS, tile, given, found);
    else if (stage == KERNEL_LOGS)
        totals_of_stage(quantity, KERNEL_LOGS, tile, given, found);
    else
        totals_of_stage(quantity, KERNEL_PROBABILITIES, tile, given, found);
}

void KERNEL(weigh)(const struct kernel_tile *tile, enum kernel_stage stage,
                   const struct kernel_rows *rows, const struct kernel_factors *factors,
                   double *found)
{
    totals(WEIGHTED, stage, tile, &(struct given){.rows = rows, .factors = factors}, found);
}

void KERNEL(entropy)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found)
{
    totals(ENTROPY, stage, tile, &(struct given){.rows = rows}, found);
}

void KERNEL(squares)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found)
{
    totals(SQUARES, stage, tile, &(struct given){.rows = rows}, found);
}
