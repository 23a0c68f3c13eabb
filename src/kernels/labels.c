/* labels.c - what the labels of positions make of numbers that positions have, and their sums.
 *
 * Labels have plain loops, of which compilers make vectors at every level. */
#include <assert.h>

#include "kernels/table_internal.h"
#include "kernels/terms.h"

size_t KERNEL(count_labels)(const int64_t *labels, size_t count, size_t classes, int64_t ignored,
                            size_t *bad)
{
    size_t found = 0, wrong = 0;

    for (size_t p = 0; p < count; p++) {
        size_t is_ignored = labels[p] == ignored;

        found += is_ignored;
        wrong += ((uint64_t)labels[p] >= classes) & ~is_ignored;
    }
    *bad = wrong;
    return found;
}

size_t KERNEL(weigh_labels)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                            int64_t ignored, const double *factors, const double *surprises,
                            double *found)
{
    const uint64_t *labels = (const uint64_t *)tile->labels;
    size_t positions = tile->positions, correct = 0;

    for (size_t p = 0; p < positions; p++)
        found[p] = factors[p] * surprises[p];
    for (size_t p = 0; p < positions; p++) { /* apart, or there would be a branch */
        size_t counts = labels[p] != (uint64_t)ignored;

        found[p] = counts ? found[p] : 0.0;
        correct += counts & (rows->argmax[p] == labels[p]);
    }
    return correct;
}

static_assert(KERNEL_SUMS % LANES == 0, "a vector of numbers has a vector of sums");

void KERNEL(add)(const double *numbers, size_t count, struct kernel_sums *sums)
{
    for (size_t p = 0; p < count; p += LANES) {
        size_t at = p % KERNEL_SUMS, lanes = count - p < LANES ? count - p : LANES;
        struct vector_sum sum = {vec_load(sums->total + at), vec_load(sums->lost + at)};

        vector_sum_add(&sum, first_lanes(vec_load(numbers + p), lanes));
        vec_store(sums->total + at, sum.total);
        vec_store(sums->lost + at, sum.lost);
    }
}
