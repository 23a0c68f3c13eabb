/* layout.h - what a request's shapes mean, and whether its tensors fit together. */
#ifndef EVALUATE_LAYOUT_H
#define EVALUATE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernel.h"
#include "loss/evaluation.h"

/* Predictions as (batch, classes, inner): element (n, c, i) at (n * classes + c) * inner + i.  A
 * position is a pair (n, i), numbered n * inner + i. */
struct layout {
    size_t batch;
    size_t classes;
    size_t inner; /* d1*..*dk; 1 for (C) and (N,C), 0 if N is */
    size_t positions;
    size_t elements;
    bool has_probabilities;       /* targets are class probabilities */
    struct loss_tensor placement; /* shape of the positions; no data */
};

/* Check shapes, dtypes and options, the first fault in PyTorch's order, and fill *layout. */
enum loss_status layout_check(const struct loss_request *request, struct layout *layout,
                              struct loss_error *error);

/* Count the index targets (widened to int64) that equal ignore_index, into *ignored; the first
 * other one outside 0..C-1 is LOSS_TARGET_OUT_OF_RANGE. */
enum loss_status layout_check_labels(const struct loss_request *request,
                                     const struct layout *layout, const struct kernel *kernel,
                                     const int64_t *labels, size_t *ignored,
                                     struct loss_error *error);

#endif
