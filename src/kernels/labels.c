/* labels.c - what the labels of positions make of numbers that positions have, and their sums.
 *
 * Plain loops, of which compilers make vectors at every level. */
#include "kernels/table_internal.h"

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

void KERNEL(add)(const double *numbers, size_t count, struct kernel_sums *sums)
{
    for (size_t p = 0; p < count; p += KERNEL_SUMS) {
        size_t end = count - p < KERNEL_SUMS ? count - p : KERNEL_SUMS;

        for (size_t l = 0; l < end; l++) {
            double total = sums->total[l] + numbers[p + l], added = total - sums->total[l];

            sums->lost[l] += (sums->total[l] - (total - added)) + (numbers[p + l] - added);
            sums->total[l] = total;
        }
    }
}
