/* prepare.c - a plan before its first block: everything checked but the predictions'
 * values, and all memory taken. */
#include <string.h>

#include "evaluate/convert.h"
#include "evaluate/level.h"
#include "evaluate/plan_internal.h"

/* About this many predictions a block: a fraction of a millisecond.  Where positions lie side by
 * side it is a tile of them at least. */
enum { BLOCK_ELEMENTS = 64 * 1024 };

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
    status = layout_check_labels(request, &plan->layout, plan->kernel, plan->labels, &plan->ignored,
                                 error);
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
    else if (plan->layout.inner != 1)
        positions = KERNEL_TILE_POSITIONS;
    plan->block_positions = positions != 0 ? positions : 1;
    plan->blocks = (plan->layout.positions + plan->block_positions - 1) / plan->block_positions;
    plan->found = loss_arena_take(arena, plan->blocks, sizeof *plan->found);
    if (plan->found == NULL)
        return loss_fail_memory(error);
    memset(plan->found, 0, plan->blocks * sizeof *plan->found);
    return LOSS_OK;
}

static const enum kernel_stage stages[LOSS_STAGE_COUNT] = {
    [LOSS_STAGE_LOGITS] = KERNEL_LOGITS,
    [LOSS_STAGE_PROBABILITIES] = KERNEL_PROBABILITIES,
    [LOSS_STAGE_LOG_PROBABILITIES] = KERNEL_LOGS,
};

enum loss_status loss_plan_new(const struct loss_request *request, struct loss_arena *arena,
                               struct loss_plan **plan_out, struct loss_error *error)
{
    struct loss_plan *plan = loss_arena_take(arena, 1, sizeof *plan);
    enum loss_dtype widest = request->predictions.dtype;
    enum loss_status status;

    if (plan == NULL)
        return loss_fail_memory(error);
    *plan = (struct loss_plan){.request = request, .stage = stages[request->stage]};
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
    if ((status = outputs_check(plan, error)) != LOSS_OK)
        return status;
    if ((status = outputs_prepare(plan, arena, error)) != LOSS_OK)
        return status;
    if ((status = prepare_blocks(plan, arena, error)) != LOSS_OK)
        return status;
    *plan_out = plan;
    return LOSS_OK;
}
