/* gradient.c - the gradient of a weighted sum of negative log-probabilities.
 *
 * With p = softmax(x) and K the sum of all k, d/dx_c of sum_j k_j (-lp_j) is p_c K - k_c.  Near a
 * sure prediction that cancels, so it is taken as p_c (K - k_c) - k_c (1 - p_c), where 1 - p is
 * rest / (1 + rest) for the largest element. */
#include "kernels/table_internal.h"
#include "kernels/terms.h"

void KERNEL(label_gradient)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                            const double *factors, void *y)
{
    double missing[KERNEL_TILE_POSITIONS];

    KERNEL(softmax)(tile, rows, factors, y);
    KERNEL(complement)(tile, KERNEL_LOGITS, rows, missing);
    for (size_t p = 0; p < tile->positions; p++) {
        REAL *row = (REAL *)y + p * tile->position_stride;
        uint64_t label = (uint64_t)tile->labels[p];
        double k = factors[p], g;

        if (label >= tile->classes)
            continue;
        g = (k - k) - k * missing[p]; /* K - k is 0, unless it is infinite or NaN */
        row[label * tile->class_stride] = (REAL)(g == g ? g : __builtin_nan(""));
    }
}

/* The factors of LANES classes from `c` on; `is_uniform` if they are the same for all but the
 * label, which are then divided only once. */
INLINED vec slope_at(bool is_uniform, const struct kernel_tile *tile,
                     const struct kernel_slope *slope, const REAL *q, size_t c, size_t count)
{
    vec k = is_uniform ? vec_all(slope->factors.spread)
                       : factors_at(tile, &slope->factors, q, c, count);
    ivec is_label = lane_numbers() + (int64_t)c == slope->label;

    if (is_uniform)
        return vec_select(is_label, (k + slope->label_factor) / slope->divisor, k / slope->divisor);
    return vec_select(is_label, k + slope->label_factor, k) / slope->divisor;
}

INLINED struct sum sum_of_slopes(bool is_uniform, const struct kernel_tile *tile,
                                 const struct kernel_slope *slope, const REAL *q)
{
    struct vector_sum sums[VECTOR_SUMS];
    struct sum sum;

    UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++) sums[g] = vector_sum_zero();
    for (size_t c = 0; c < tile->classes; c += ROW_SUMS) {
        UNROLLED for (size_t g = 0; g < VECTOR_SUMS; g++)
        {
            size_t at = c + g * LANES, count = at < tile->classes ? classes_at(tile, at) : 0;

            if (count != 0)
                vector_sum_add(&sums[g],
                               first_lanes(slope_at(is_uniform, tile, slope, q, at, count), count));
        }
    }
    sum = vector_sums_fold(sums);
    if (!isfinite(sum.total))
        sum.lost = 0.0;
    return sum;
}

/* 1 - p of LANES classes from `c` on. */
static inline vec missing_at(vec p, size_t c, const struct kernel_rows *rows, size_t position,
                             double complement)
{
    ivec is_largest = lane_numbers() + (int64_t)c == (int64_t)rows->argmax[position];

    return vec_select(is_largest, vec_all(complement), 1.0 - p);
}

INLINED void gradient(bool is_uniform, const struct kernel_tile *tile, enum kernel_stage stage,
                      size_t position, const struct kernel_rows *rows,
                      const struct kernel_slope *slope, REAL *y)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, &slope->factors, position);
    struct sum sum = {0.0, 0.0};
    double complement = 0.0;

    if (stage == KERNEL_LOGITS) {
        sum = sum_of_slopes(is_uniform, tile, slope, q);
        complement = complement_of_largest(rows, position);
    }
    for (size_t c = 0; c < tile->classes; c += LANES) {
        size_t count = classes_at(tile, c);
        vec k = slope_at(is_uniform, tile, slope, q, c, count), v = elements(tile, x, c, count), g;

        if (stage == KERNEL_LOGITS) {
            vec p = probability_of(v, vec_all(rows->max[position]), vec_all(rows->rest[position]));

            g = p * ((sum.total - k) + sum.lost) - k * missing_at(p, c, rows, position, complement);
        } else if (stage == KERNEL_LOGS) {
            g = 0.0 - k;
        } else {
            g = from_bits(bits_of(0.0 - k / v) & ~(k == 0.0));
        }
        store_elements(tile, y, c, count, one_nan(g));
    }
}

void KERNEL(gradient)(const struct kernel_tile *tile, enum kernel_stage stage, size_t position,
                      const struct kernel_rows *rows, const struct kernel_slope *slope, void *y)
{
    REAL *row = (REAL *)y + position * tile->position_stride;

    if (slope->factors.weights == NULL && slope->factors.q == NULL)
        gradient(true, tile, stage, position, rows, slope, row);
    else
        gradient(false, tile, stage, position, rows, slope, row);
}
