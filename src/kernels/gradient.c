/* gradient.c - the gradient of a weighted sum of negative log-probabilities.
 *
 * With p = softmax(x) and K the sum of all k, d/dx_c of sum_j k_j (-lp_j) is p_c K - k_c.  Near a sure
 * prediction that cancels, so it is taken as p_c (K - k_c) - k_c (1 - p_c), where 1 - p is
 * rest / (1 + rest) for the largest element. */
#include "kernels/sum.h"
#include "kernels/table_internal.h"
#include "kernels/terms.h"

void KERNEL(label_gradient)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                            const int64_t *labels, const double *picked, const double *factors,
                            void *y)
{
    double missing[KERNEL_TILE_POSITIONS];

    KERNEL(softmax)(tile, rows, factors, y);
    KERNEL(complement)(tile, KERNEL_LOGITS, rows, labels, picked, missing);
    for (size_t p = 0; p < tile->positions; p++) {
        REAL *row = (REAL *)y + p * tile->position_stride;
        double k = factors[p], g;

        if (labels[p] < 0 || (uint64_t)labels[p] >= tile->classes)
            continue;
        g = (k - k) - k * missing[p]; /* K - k is 0, unless it is infinite or NaN */
        row[(size_t)labels[p] * tile->class_stride] = (REAL)(g == g ? g : __builtin_nan(""));
    }
}

/* The factors of LANES classes from `c` on. */
static inline vec slope_at(const struct kernel_tile *tile, const struct kernel_slope *slope,
                           const REAL *q, size_t c, size_t count)
{
    vec k = factors_at(tile, &slope->factors, q, c, count);

    if (slope->label >= 0 && (uint64_t)slope->label - c < count) {
        double lanes[LANES];

        vec_store(lanes, k);
        lanes[(size_t)slope->label - c] += slope->label_factor;
        k = vec_load(lanes);
    }
    return k / slope->divisor;
}

static struct sum sum_of_slopes(const struct kernel_tile *tile, const struct kernel_slope *slope,
                                const REAL *q)
{
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        double lanes[LANES];

        vec_store(lanes, slope_at(tile, slope, q, c, count));
        for (size_t l = 0; l < count; l++)
            sum_add(&sum, lanes[l]);
    }
    if (!isfinite(sum.total))
        sum.lost = 0.0;
    return sum;
}

/* 1 - p of LANES classes from `c` on. */
static inline vec missing_at(vec p, size_t c, const struct kernel_rows *rows, size_t position)
{
    vec missing = 1.0 - p;

    if (rows->argmax[position] - c < LANES) {
        double lanes[LANES];

        vec_store(lanes, missing);
        lanes[rows->argmax[position] - c] = complement_of_largest(rows, position);
        missing = vec_load(lanes);
    }
    return missing;
}

void KERNEL(gradient)(const struct kernel_tile *tile, enum kernel_stage stage, size_t position,
                      const struct kernel_rows *rows, const struct kernel_slope *slope, void *y)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, &slope->factors, position);
    REAL *row = (REAL *)y + position * tile->position_stride;
    struct sum sum = {0.0, 0.0};

    if (stage == KERNEL_LOGITS)
        sum = sum_of_slopes(tile, slope, q);
    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        vec k = slope_at(tile, slope, q, c, count), v = elements(tile, x, c, count), g;
        double lanes[LANES];

        if (stage == KERNEL_LOGITS) {
            vec p = probabilities_of(KERNEL_LOGITS, v, rows, position);

            g = p * ((sum.total - k) + sum.lost) - k * missing_at(p, c, rows, position);
        } else if (stage == KERNEL_LOGS) {
            g = 0.0 - k;
        } else {
            g = from_bits(bits_of(0.0 - k / v) & ~(k == 0.0));
        }
        vec_store(lanes, one_nan(g));
        for (size_t l = 0; l < count; l++)
            row[(c + l) * tile->class_stride] = (REAL)lanes[l];
    }
}
