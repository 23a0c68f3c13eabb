/* plan.c - an evaluation after its checks: run the blocks, reduce what they found. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "evaluate/convert.h"
#include "evaluate/plan_internal.h"

/* About this many predictions a tile of whole rows: the passes over it find it in the second-level
 * cache, and what is done once for a tile is done for several rows.  Where positions lie side by
 * side a tile has as many of them as it may, or lines of memory would come again for each. */
enum { TILE_ELEMENTS = 16 * 1024 };

size_t loss_plan_blocks(const struct loss_plan *plan)
{
    return plan->blocks;
}

/* Set *tile to the largest one that begins at position `first` and does not reach `end`, within one
 * batch item where positions lie side by side. */
static void tile_begin(const struct loss_plan *plan, size_t first, size_t end, struct tile *tile)
{
    const struct layout *layout = &plan->layout;
    size_t room = KERNEL_TILE_POSITIONS;
    struct kernel_tile *kernel = &tile->kernel;

    *kernel = (struct kernel_tile){.positions = end - first, .classes = layout->classes};
    tile->first = first;
    if (layout->inner == 1) {
        kernel->position_stride = layout->classes;
        kernel->class_stride = 1;
        tile->offset = first * layout->classes;
        if (layout->classes > TILE_ELEMENTS / KERNEL_TILE_POSITIONS)
            room = TILE_ELEMENTS / layout->classes;
    } else {
        size_t n = first / layout->inner, i = first % layout->inner;

        kernel->position_stride = 1;
        kernel->class_stride = layout->inner;
        tile->offset = n * layout->classes * layout->inner + i;
        if (kernel->positions > layout->inner - i)
            kernel->positions = layout->inner - i;
    }
    if (kernel->positions > room)
        kernel->positions = room != 0 ? room : 1;
    kernel->x = (const char *)plan->x + tile->offset * loss_dtype_bytes(plan->dtype);
    kernel->labels = plan->labels != NULL ? plan->labels + first : NULL;
}

/* Take the losses of a tile into the block's sums, and keep those that are wanted. */
static void keep_losses(const struct loss_plan *plan, const struct tile *tile,
                        struct kernel_sums *sums)
{
    size_t positions = tile->kernel.positions;

    plan->kernel->add(tile->losses, positions, sums);
    for (size_t p = 0; p < positions && plan->parts[LOSS_PART_LOSSES] != NULL; p++)
        loss_dtype_store(plan->result_dtype, plan->parts[LOSS_PART_LOSSES], tile->first + p,
                         tile->losses[p] + 0.0); /* no -0 */
    if (plan->exact_losses != NULL)
        memcpy(plan->exact_losses + tile->first, tile->losses, positions * sizeof(double));
}

void loss_plan_run(struct loss_plan *plan, size_t block_index)
{
    struct tile tile;
    struct kernel_sums losses = {.total = {0.0}};
    struct block *block = &plan->found[block_index];
    size_t first = block_index * plan->block_positions, end = first + plan->block_positions;

    assert(block_index < plan->blocks);
    if (end > plan->layout.positions)
        end = plan->layout.positions;
    for (; first < end; first += tile.kernel.positions) {
        tile_begin(plan, first, end, &tile);
        plan->kernel->scan(&tile.kernel, plan->stage == KERNEL_LOGITS, &tile.rows);
        position_losses(plan, &tile, block);
        keep_losses(plan, &tile, &losses);
        measures_add(plan, &tile, block);
        outputs_write(plan, &tile);
    }
    for (size_t i = 0; i < KERNEL_SUMS; i++)
        sum_merge(&block->loss, &(struct sum){losses.total[i], losses.lost[i]});
}

static enum loss_status fail_negative(const struct loss_plan *plan, const struct block *block,
                                      struct loss_error *error)
{
    const struct layout *layout = &plan->layout;
    size_t n = block->negative_position / layout->inner,
           i = block->negative_position % layout->inner;
    size_t index = (n * layout->classes + block->negative_class) * layout->inner + i;
    const char *stage = loss_stage_name(plan->request->stage);
    char where[120], place[120];
    double value;

    convert_to_float64(plan->dtype, (const char *)plan->x + index * loss_dtype_bytes(plan->dtype),
                       1, &value);
    (void)loss_tensor_pointer(&plan->request->predictions, stage, index, where, sizeof where);
    (void)loss_tensor_place(&plan->request->predictions, stage, index, place, sizeof place);
    return loss_fail(error, LOSS_VALUE_OUT_OF_RANGE, where,
                     "%s is %g, but a probability cannot be negative", place, value);
}

/* Add what one more block found; the order of blocks decides the last bits. */
static void block_merge(struct block *total, const struct block *block)
{
    sum_merge(&total->loss, &block->loss);
    sum_merge(&total->surprise, &block->surprise);
    sum_merge(&total->entropy, &block->entropy);
    sum_merge(&total->confidence, &block->confidence);
    sum_merge(&total->brier, &block->brier);
    total->correct += block->correct;
    total->in_top_k += block->in_top_k;
}

/* Whether the class of every label that counts has weight 0. */
static bool labels_weigh_nothing(const struct loss_plan *plan)
{
    for (size_t r = 0; r < plan->layout.positions; r++) {
        if (position_counts(plan, r) && plan->weights[plan->labels[r]] != 0.0)
            return false;
    }
    return true;
}

/* PyTorch divides by the weights what labels add and what smoothing adds, each for itself: where
 * the former is 0, 0 / 0 is NaN beside whatever there is of the latter. */
static double mean_of(const struct loss_plan *plan, const struct loss_result *result)
{
    if (result->weight_sum == 0.0 && plan->labels != NULL && plan->weights != NULL &&
        labels_weigh_nothing(plan))
        return (double)NAN;
    return result->loss_sum / result->weight_sum;
}

/* The loss as a tensor of its dtype; a single number lives in the plan. */
static void reduce(struct loss_plan *plan, struct loss_result *result)
{
    result->loss = plan->layout.placement;
    result->loss.dtype = plan->result_dtype;
    result->loss.data = plan->parts[LOSS_PART_LOSSES];
    if (plan->request->reduction == LOSS_REDUCTION_NONE)
        return;
    result->loss.rank = 0;
    result->loss.data = &plan->scalar;
    loss_dtype_store(plan->result_dtype, &plan->scalar, 0,
                     plan->request->reduction == LOSS_REDUCTION_SUM ? result->loss_sum
                                                                    : mean_of(plan, result));
}

enum loss_status loss_plan_finish(struct loss_plan *plan, struct loss_result *result,
                                  struct loss_error *error)
{
    struct block total = {.has_negative = false};

    *result = (struct loss_result){
        .dtype = plan->result_dtype,
        .weight_sum = plan->weight_sum,
        .classes = plan->layout.classes,
        .count = plan->layout.positions - plan->ignored,
        .ignored = plan->ignored,
        .has_correct = plan->labels != NULL,
    };
    for (size_t b = 0; b < plan->blocks; b++) {
        if (plan->found[b].has_negative)
            return fail_negative(plan, &plan->found[b], error);
        block_merge(&total, &plan->found[b]);
    }
    result->correct = total.correct;
    result->loss_sum = convert_one_nan(sum_value(&total.loss) + 0.0); /* no -0 */
    result->weight_sum = convert_one_nan(result->weight_sum);
    reduce(plan, result);
    outputs_finish(plan, &total, result);
    return LOSS_OK;
}

enum loss_status loss_evaluate(const struct loss_request *request, struct loss_arena *arena,
                               struct loss_result *result, struct loss_error *error)
{
    struct loss_plan *plan;
    enum loss_status status = loss_plan_new(request, arena, &plan, error);

    if (status != LOSS_OK)
        return status;
    for (size_t b = 0; b < plan->blocks; b++)
        loss_plan_run(plan, b);
    return loss_plan_finish(plan, result, error);
}
