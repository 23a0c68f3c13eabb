/* plan_internal.h - the state of an evaluation, shared by the files of this room. */
#ifndef EVALUATE_PLAN_INTERNAL_H
#define EVALUATE_PLAN_INTERNAL_H

#include "evaluate/layout.h"
#include "kernels/kernel.h"
#include "kernels/sum.h"
#include "loss/evaluation.h"

/* What one block found in the positions that count.  Written by the thread that runs the block,
 * read by loss_plan_finish.  The sums of measures that nobody wants stay 0. */
struct block {
    struct sum loss;
    size_t correct;
    struct sum surprise; /* - log p of the label */
    struct sum entropy, confidence, brier;
    size_t in_top_k;
    bool has_negative; /* a probability below 0 in a row that counts: the first one, */
    size_t negative_position;
    size_t negative_class;
};

struct loss_plan {
    const struct loss_request *request;
    struct layout layout;
    enum kernel_stage stage;
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
    void *parts[LOSS_PART_COUNT]; /* NULL where not wanted; see outputs.c for their types */
    enum loss_part written[LOSS_PART_COUNT]; /* those that are filled tile by tile, */
    size_t written_count;                    /* so many */
    double *exact_losses;                    /* one per position; NULL if nobody wants them */
    double *confidences;                     /* likewise */
    size_t block_positions;                  /* positions of a block but the last */
    size_t blocks;
    struct block *found; /* one per block */
    double scalar;       /* room for a reduced loss of any dtype */
};

/* Some positions, and what is known of them. */
struct tile {
    struct kernel_tile kernel;
    size_t first;  /* of all positions */
    size_t offset; /* of its first element in the predictions */
    struct kernel_rows rows;
    double losses[KERNEL_TILE_POSITIONS];    /* before reduction; 0 where ignored */
    double surprises[KERNEL_TILE_POSITIONS]; /* - log p of the labels, of index targets */
};

static inline bool position_counts(const struct loss_plan *plan, size_t r)
{
    return plan->labels == NULL || plan->labels[r] != plan->request->ignore_index;
}

/* The class probabilities of a tile, which lie as its predictions do. */
static inline const void *q_at(const struct loss_plan *plan, const struct tile *tile)
{
    return (const char *)plan->q + tile->offset * loss_dtype_bytes(plan->dtype);
}

/* Fill the losses and surprises of a tile whose rows are known.  Counts what is correct, and
 * notes a negative probability, in *block. */
void position_losses(const struct loss_plan *plan, struct tile *tile, struct block *block);

/* Take the tile into the sums of the measures that are wanted. */
void measures_add(const struct loss_plan *plan, const struct tile *tile, struct block *block);

/* Whether the outputs wanted can be made of this request. */
enum loss_status outputs_check(const struct loss_plan *plan, struct loss_error *error);

/* Take the memory of the wanted outputs. */
enum loss_status outputs_prepare(struct loss_plan *plan, struct loss_arena *arena,
                                 struct loss_error *error);

/* Write the wanted outputs of a tile. */
void outputs_write(const struct loss_plan *plan, const struct tile *tile);

/* Finish the wanted outputs and hand them over, narrowed to the predictions' dtype. */
void outputs_finish(struct loss_plan *plan, const struct block *total, struct loss_result *result);

#endif
