/* outputs_internal.h - the functions that the table of outputs is made of. */
#ifndef EVALUATE_OUTPUTS_INTERNAL_H
#define EVALUATE_OUTPUTS_INTERNAL_H

#include "evaluate/plan_internal.h"

/* Write the gradient with respect to the tile's predictions, as plan->dtype. */
void gradient_write(const struct loss_plan *plan, const struct tile *tile, void *y);

/* Make single numbers out of what all blocks have found. */
void measure_accuracy(struct loss_plan *plan, const struct block *total);
void measure_top_k_accuracy(struct loss_plan *plan, const struct block *total);
void measure_perplexity(struct loss_plan *plan, const struct block *total);
void measure_entropy(struct loss_plan *plan, const struct block *total);
void measure_confidence(struct loss_plan *plan, const struct block *total);
void measure_brier(struct loss_plan *plan, const struct block *total);

/* Make tables out of what is known of every position, in the order of positions. */
void table_ece(struct loss_plan *plan, const struct block *total);
void table_per_class(struct loss_plan *plan, const struct block *total);
void table_confusion_matrix(struct loss_plan *plan, const struct block *total);

#endif
