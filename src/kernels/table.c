/* table.c - the table of one kernel, and its functions that have no arithmetic. */
#include "kernels/table_internal.h"

static size_t find_negative(const struct kernel_tile *tile, size_t position)
{
    const REAL *x = row_of(tile, position);

    for (size_t c = 0; c < tile->classes; c++) {
        if (x[c * tile->class_stride] < 0)
            return c;
    }
    return tile->classes;
}

extern const struct kernel KERNEL(kernel);

const struct kernel KERNEL(kernel) = {
    .scan = KERNEL(scan),
    .softmax = KERNEL(softmax),
    .log_softmax = KERNEL(log_softmax),
    .exp = KERNEL(exp),
    .log = KERNEL(log),
    .count_labels = KERNEL(count_labels),
    .surprise = KERNEL(surprise),
    .weigh_labels = KERNEL(weigh_labels),
    .add = KERNEL(add),
    .weigh = KERNEL(weigh),
    .gradient = KERNEL(gradient),
    .label_gradient = KERNEL(label_gradient),
    .entropy = KERNEL(entropy),
    .confidence = KERNEL(confidence),
    .brier = KERNEL(brier),
    .rank = KERNEL(rank),
    .find_negative = find_negative,
};
