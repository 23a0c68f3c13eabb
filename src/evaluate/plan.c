/* plan.c - an evaluation in steps: check and prepare, run the blocks, reduce. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "evaluate/convert.h"
#include "evaluate/level.h"
#include "evaluate/plan_internal.h"

enum {
    BLOCK_ELEMENTS =
        64 * 1024,            /* about this many predictions a block: a fraction of a millisecond */
    TILE_ELEMENTS = 4 * 1024, /* and a tile: the passes over it find it in the first-level cache */
};

/* The dtype of a loss over class probabilities: the widest of what takes part; two different half
 * types meet in float32; integer weights do not count. */
static enum loss_dtype promote(enum loss_dtype a, enum loss_dtype b)
{
    if (!loss_dtype_is_floating(b) || a == b)
        return a;
    if (a == LOSS_FLOAT64 || b == LOSS_FLOAT64)
        return LOSS_FLOAT64;
    return LOSS_FLOAT32;
}

/* Elements as `dtype`, which is float32 or float64: in place if they are that already. */
static const void *operand(const struct loss_tensor *tensor, enum loss_dtype dtype,
                           struct loss_arena *arena)
{
    size_t elements = loss_tensor_elements(tensor);
    void *widened;

    if (tensor->dtype == dtype)
        return tensor->data != NULL ? tensor->data : "";
    widened = loss_arena_take(arena, elements, loss_dtype_bytes(dtype));
    if (widened == NULL)
        return NULL;
    if (dtype == LOSS_FLOAT64)
        convert_to_float64(tensor->dtype, tensor->data, elements, widened);
    else
        convert_to_float32(tensor->dtype, tensor->data, elements, widened);
    return widened;
}

/* The class indices as int64: in place if they are that already. */
static const int64_t *label_operand(const struct loss_tensor *targets, struct loss_arena *arena)
{
    static const int64_t none;
    size_t elements = loss_tensor_elements(targets);
    int64_t *widened;

    if (targets->dtype == LOSS_INT64)
        return targets->data != NULL ? targets->data : &none;
    widened = loss_arena_take(arena, elements, sizeof *widened);
    if (widened != NULL)
        convert_to_int64(targets->dtype, targets->data, elements, widened);
    return widened;
}

static enum loss_status prepare_weights(struct loss_plan *plan, struct loss_arena *arena,
                                        struct loss_error *error)
{
    const struct loss_tensor *weights = plan->request->weights;
    double *widened;

    if (weights == NULL)
        return LOSS_OK;
    widened = loss_arena_take(arena, plan->layout.classes, sizeof *widened);
    if (widened == NULL)
        return loss_fail_memory(error);
    convert_to_float64(weights->dtype, weights->data, plan->layout.classes, widened);
    plan->weights = widened;
    return LOSS_OK;
}

/* Labels checked, and the divisor of the mean: the weights of the labels that count. */
static enum loss_status prepare_labels(struct loss_plan *plan, struct loss_arena *arena,
                                       struct loss_error *error)
{
    const struct loss_request *request = plan->request;
    struct sum weights = {0.0, 0.0};
    enum loss_status status;

    plan->labels = label_operand(&request->targets, arena);
    if (plan->labels == NULL)
        return loss_fail_memory(error);
    status = layout_check_labels(request, &plan->layout, plan->labels, &plan->ignored, error);
    if (status != LOSS_OK)
        return status;
    plan->weight_sum = (double)(plan->layout.positions - plan->ignored);
    if (plan->weights == NULL)
        return LOSS_OK;
    for (size_t r = 0; r < plan->layout.positions; r++) {
        if (plan->labels[r] != request->ignore_index)
            sum_add(&weights, plan->weights[plan->labels[r]]);
    }
    plan->weight_sum = sum_value(&weights);
    return LOSS_OK;
}

static enum loss_status prepare_probabilities(struct loss_plan *plan, struct loss_arena *arena,
                                              struct loss_error *error)
{
    const struct loss_request *request = plan->request;

    plan->q = operand(&request->targets, plan->dtype, arena);
    if (plan->q == NULL)
        return loss_fail_memory(error);
    plan->weight_sum = plan->layout.elements != 0 ? (double)plan->layout.positions : 0.0;
    return LOSS_OK;
}

/* Cut the positions into blocks: full tiles where classes are few, by the shape alone. */
static enum loss_status prepare_blocks(struct loss_plan *plan, struct loss_arena *arena,
                                       struct loss_error *error)
{
    size_t classes = plan->layout.classes != 0 ? plan->layout.classes : 1;
    size_t positions = BLOCK_ELEMENTS / classes;

    if (positions >= KERNEL_TILE_POSITIONS)
        positions -= positions % KERNEL_TILE_POSITIONS;
    plan->block_positions = positions != 0 ? positions : 1;
    plan->blocks = (plan->layout.positions + plan->block_positions - 1) / plan->block_positions;
    plan->found = loss_arena_take(arena, plan->blocks, sizeof *plan->found);
    if (plan->found == NULL)
        return loss_fail_memory(error);
    memset(plan->found, 0, plan->blocks * sizeof *plan->found);
    return LOSS_OK;
}

enum loss_status loss_plan_new(const struct loss_request *request, struct loss_arena *arena,
                               struct loss_plan **plan_out, struct loss_error *error)
{
    struct loss_plan *plan = loss_arena_take(arena, 1, sizeof *plan);
    enum loss_dtype widest = request->predictions.dtype;
    enum loss_status status;

    if (plan == NULL)
        return loss_fail_memory(error);
    *plan = (struct loss_plan){.request = request};
    if ((status = layout_check(request, &plan->layout, error)) != LOSS_OK)
        return status;
    plan->result_dtype = widest;
    if (plan->layout.has_probabilities) {
        widest = plan->result_dtype = promote(widest, request->targets.dtype);
        if (request->weights != NULL)
            plan->result_dtype = promote(widest, request->weights->dtype);
    }
    /* A float64 result wants float64 arithmetic, whoever asked for it. */
    plan->dtype = plan->result_dtype == LOSS_FLOAT64 ? LOSS_FLOAT64 : LOSS_FLOAT32;
    plan->kernel = level_kernel(plan->dtype);
    plan->keep = 1.0 - request->label_smoothing;
    if (request->label_smoothing > 0.0)
        plan->spread = request->label_smoothing / (double)plan->layout.classes;
    if ((status = prepare_weights(plan, arena, error)) != LOSS_OK)
        return status;
    status = plan->layout.has_probabilities ? prepare_probabilities(plan, arena, error)
                                            : prepare_labels(plan, arena, error);
    if (status != LOSS_OK)
        return status;
    plan->x = operand(&request->predictions, plan->dtype, arena);
    if (plan->x == NULL)
        return loss_fail_memory(error);
    if ((status = outputs_prepare(plan, arena, error)) != LOSS_OK)
        return status;
    if ((status = prepare_blocks(plan, arena, error)) != LOSS_OK)
        return status;
    *plan_out = plan;
    return LOSS_OK;
}

size_t loss_plan_blocks(const struct loss_plan *plan)
{
    return plan->blocks;
}

/* The largest tile that begins at position `first` and does not reach `end`, within one batch item
 * where positions lie side by side.  Writes the offset of its first element. */
static struct kernel_tile tile_at(const struct loss_plan *plan, size_t first, size_t end,
                                  size_t *offset)
{
    const struct layout *layout = &plan->layout;
    size_t room = layout->classes != 0 ? TILE_ELEMENTS / layout->classes : TILE_ELEMENTS;
    struct kernel_tile tile = {.positions = end - first, .classes = layout->classes};

    if (layout->inner == 1) {
        tile.position_stride = layout->classes;
        tile.class_stride = 1;
        *offset = first * layout->classes;
    } else {
        size_t n = first / layout->inner, i = first % layout->inner;

        tile.position_stride = 1;
        tile.class_stride = layout->inner;
        *offset = n * layout->classes * layout->inner + i;
        if (tile.positions > layout->inner - i)
            tile.positions = layout->inner - i;
    }
    if (room > KERNEL_TILE_POSITIONS)
        room = KERNEL_TILE_POSITIONS;
    if (tile.positions > room)
        tile.positions = room != 0 ? room : 1;
    tile.x = (const char *)plan->x + *offset * loss_dtype_bytes(plan->dtype);
    return tile;
}

void loss_plan_run(struct loss_plan *plan, size_t block_index)
{
    struct kernel_rows rows;
    double losses[KERNEL_TILE_POSITIONS];
    struct block *block = &plan->found[block_index];
    size_t first = block_index * plan->block_positions, end = first + plan->block_positions, offset;

    assert(block_index < plan->blocks);
    if (end > plan->layout.positions)
        end = plan->layout.positions;
    while (first < end) {
        struct kernel_tile tile = tile_at(plan, first, end, &offset);

        plan->kernel->scan(&tile, plan->request->stage == LOSS_STAGE_LOGITS, &rows);
        position_losses(plan, &tile, first, &rows, losses, block);
        for (size_t p = 0; p < tile.positions; p++) {
            sum_add(&block->loss, losses[p]);
            if (plan->losses != NULL)
                convert_store(plan->result_dtype, plan->losses, first + p,
                              losses[p] + 0.0); /* no -0 */
        }
        outputs_write(plan, &tile, first, offset, &rows);
        first += tile.positions;
    }
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

/* The loss as a tensor of its dtype; a single number lives in the plan. */
static void reduce(struct loss_plan *plan, struct loss_result *result)
{
    result->loss = plan->layout.placement;
    result->loss.dtype = plan->result_dtype;
    result->loss.data = plan->losses;
    if (plan->request->reduction == LOSS_REDUCTION_NONE)
        return;
    result->loss.rank = 0;
    result->loss.data = &plan->scalar;
    convert_store(plan->result_dtype, &plan->scalar, 0,
                  plan->request->reduction == LOSS_REDUCTION_SUM
                      ? result->loss_sum
                      : result->loss_sum / result->weight_sum);
}

enum loss_status loss_plan_finish(struct loss_plan *plan, struct loss_result *result,
                                  struct loss_error *error)
{
    struct sum total = {0.0, 0.0};

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
        sum_merge(&total, &plan->found[b].loss);
        result->correct += plan->found[b].correct;
    }
    result->loss_sum = sum_value(&total) + 0.0; /* no -0 */
    if (isnan(result->loss_sum))
        result->loss_sum = (double)NAN; /* one NaN for all, as in convert_store */
    if (isnan(result->weight_sum))
        result->weight_sum = (double)NAN;
    reduce(plan, result);
    outputs_finish(plan, result);
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
