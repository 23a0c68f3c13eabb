/* vector_sum.h - sums over the classes of one position that keep what
 * rounding loses, LANES at a time.
 *
 * Class c is added to partial sum c mod ROW_SUMS, in ascending order, and at the end number l
 * + 8 to number l, l + 4 to l, l + 2 to l, and 1 to 0: so the bits do not depend on LANES.
 * What additions lose comes by two-sum (D. E. Knuth, TAOCP 2, 4.2.2); it means nothing once a
 * total is infinite or NaN. */
#ifndef KERNELS_VECTOR_SUM_H
#define KERNELS_VECTOR_SUM_H

#include "kernels/lanes.h"
#include "kernels/sum.h"

enum { VECTOR_SUMS = ROW_SUMS / LANES };

struct vector_sum {
    vec total, lost;
};

static inline struct vector_sum vector_sum_zero(void)
{
    return (struct vector_sum){vec_all(0.0), vec_all(0.0)};
}

static inline void vector_sum_add(struct vector_sum *sum, vec term)
{
    vec total = sum->total + term, added = total - sum->total;

    sum->lost += (sum->total - (total - added)) + (term - added);
    sum->total = total;
}

/* The sum of VECTOR_SUMS of them. */
static inline struct sum vector_sums_fold(const struct vector_sum *sums)
{
    double totals[ROW_SUMS], lost[ROW_SUMS];

    for (size_t g = 0; g < VECTOR_SUMS; g++) {
        vec_store(totals + g * LANES, sums[g].total);
        vec_store(lost + g * LANES, sums[g].lost);
    }
    for (size_t half = ROW_SUMS / 2; half != 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            double total = totals[l] + totals[half + l], added = total - totals[l];

            lost[l] +=
                lost[half + l] + ((totals[l] - (total - added)) + (totals[half + l] - added));
            totals[l] = total;
        }
    }
    return (struct sum){totals[0], lost[0]};
}

#endif
