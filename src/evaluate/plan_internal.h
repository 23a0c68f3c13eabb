/* plan_internal.h - the state of an evaluation, shared by the files of this room. */
#ifndef EVALUATE_PLAN_INTERNAL_H
#define EVALUATE_PLAN_INTERNAL_H

#include "evaluate/layout.h"
#include "kernels/kernel.h"
#include "kernels/sum.h"
#include "loss/evaluation.h"

/* What one block found.  Written by the thread that runs the block, read by loss_plan_finish. */
struct block {
    struct sum loss;
    size_t correct;
    bool has_negative; /* a probability below 0 in a row that counts: the first one, */
    size_t negative_position;
    size_t negative_class;
};

struct loss_plan {
    const struct loss_request *request;
    struct layout layout;
    const struct kernel *kernel; /* for `dtype` */
    enum loss_dtype dtype;       /* of the arithmetic's operands: float32 or float64 */
    const void *x;               /* predictions, as dtype */
    const void *q;               /* class probabilities, as dtype, or NULL */
    const int64_t *labels;       /* class indices, or NULL */
    const double *weights;       /* C of them, or NULL */
    double keep, spread;         /* 1 - e and e/C */
    size_t ignored;
    double weight_sum;
    enum loss_dtype result_dtype;
    void *losses; /* one per position, as result_dtype; NULL if nobody wants them */
    void *outputs[LOSS_OUTPUT_COUNT]; /* NULL where not wanted; predictions' shape as dtype */
    size_t block_positions;           /* positions of a block but the last */
    size_t blocks;
    struct block *found; /* one per block */
    double scalar;       /* room for a reduced loss of any dtype */
};

/* The losses of a tile that begins at position `first`, before reduction; 0 where ignored.  Counts
 * what is correct, and notes a negative probability, in *block. */
void position_losses(const struct loss_plan *plan, const struct kernel_tile *tile, size_t first,
                     const struct kernel_rows *rows, double *losses, struct block *block);

/* Write the wanted outputs of a tile that begins at position `first`, whose first element has offset
 * `offset` in the predictions. */
void outputs_write(const struct loss_plan *plan, const struct kernel_tile *tile, size_t first,
                   size_t offset, const struct kernel_rows *rows);

/* Take the memory of the wanted outputs. */
enum loss_status outputs_prepare(struct loss_plan *plan, struct loss_arena *arena,
                                 struct loss_error *error);

/* Hand the outputs over, narrowed to the predictions' dtype. */
void outputs_finish(const struct loss_plan *plan, struct loss_result *result);

#endif
