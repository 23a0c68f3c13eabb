/* outputs.c - the tables of what can be asked for beside the loss, and of
 * the parts that come back. */
#include "evaluate/outputs_internal.h"

#include <string.h>

#include "evaluate/convert.h"

/* How a part lies in memory. */
enum extent { PER_POSITION, PER_ELEMENT, SINGLE, PER_BIN, PER_CLASS, PER_PAIR_OF_CLASSES };

enum type { LIKE_LOSS, LIKE_PREDICTIONS, FLOAT64, INT64 };

static const struct {
    enum extent extent;
    enum type type;
} parts[LOSS_PART_COUNT] = {
    [LOSS_PART_LOSSES] = {PER_POSITION, LIKE_LOSS},
    [LOSS_PART_SOFTMAX] = {PER_ELEMENT, LIKE_PREDICTIONS},
    [LOSS_PART_LOG_SOFTMAX] = {PER_ELEMENT, LIKE_PREDICTIONS},
    [LOSS_PART_GRADIENT] = {PER_ELEMENT, LIKE_PREDICTIONS},
    [LOSS_PART_PREDICTIONS] = {PER_POSITION, INT64},
    [LOSS_PART_ACCURACY] = {SINGLE, FLOAT64},
    [LOSS_PART_TOP_K_ACCURACY] = {SINGLE, FLOAT64},
    [LOSS_PART_PERPLEXITY] = {SINGLE, FLOAT64},
    [LOSS_PART_ENTROPY] = {SINGLE, FLOAT64},
    [LOSS_PART_CONFIDENCE] = {SINGLE, FLOAT64},
    [LOSS_PART_BRIER] = {SINGLE, FLOAT64},
    [LOSS_PART_ECE] = {SINGLE, FLOAT64},
    [LOSS_PART_BIN_COUNT] = {PER_BIN, INT64},
    [LOSS_PART_BIN_CONFIDENCE] = {PER_BIN, FLOAT64},
    [LOSS_PART_BIN_ACCURACY] = {PER_BIN, FLOAT64},
    [LOSS_PART_CLASS_LOSS_SUM] = {PER_CLASS, FLOAT64},
    [LOSS_PART_CLASS_WEIGHT] = {PER_CLASS, FLOAT64},
    [LOSS_PART_CLASS_COUNT] = {PER_CLASS, INT64},
    [LOSS_PART_CLASS_CORRECT] = {PER_CLASS, INT64},
    [LOSS_PART_CONFUSION_MATRIX] = {PER_PAIR_OF_CLASSES, INT64},
};

/* Copy the tile's elements, for a stage that is the output already. */
static void copy(const struct loss_plan *plan, const struct tile *tile, char *y)
{
    size_t size = loss_dtype_bytes(plan->dtype);

    for (size_t p = 0; p < tile->kernel.positions; p++) {
        for (size_t c = 0; c < tile->kernel.classes; c++) {
            size_t at = (p * tile->kernel.position_stride + c * tile->kernel.class_stride) * size;

            memcpy(y + at, (const char *)tile->kernel.x + at, size);
        }
    }
}

static void write_softmax(const struct loss_plan *plan, const struct tile *tile, void *y)
{
    if (plan->stage == KERNEL_LOGITS)
        plan->kernel->softmax(&tile->kernel, &tile->rows, NULL, y);
    else if (plan->stage == KERNEL_LOGS)
        plan->kernel->exp(&tile->kernel, y);
    else
        copy(plan, tile, y);
}

static void write_log_softmax(const struct loss_plan *plan, const struct tile *tile, void *y)
{
    if (plan->stage == KERNEL_LOGITS)
        plan->kernel->log_softmax(&tile->kernel, &tile->rows, y);
    else if (plan->stage == KERNEL_PROBABILITIES)
        plan->kernel->log(&tile->kernel, y);
    else
        copy(plan, tile, y);
}

static void write_predictions(const struct loss_plan *plan, const struct tile *tile, void *y)
{
    (void)plan;
    for (size_t p = 0; p < tile->kernel.positions; p++)
        ((int64_t *)y)[p] = (int64_t)tile->rows.argmax[p];
}

/* One row per output: how a part of its tensor is filled from a tile; or how its parts are made
 * once all tiles are done.  `losses` has neither: they are stored when they are made. */
static const struct {
    void (*write)(const struct loss_plan *plan, const struct tile *tile, void *y);
    void (*finish)(struct loss_plan *plan, const struct block *total);
} outputs[LOSS_OUTPUT_COUNT] = {
    [LOSS_OUTPUT_LOSSES] = {NULL, NULL},
    [LOSS_OUTPUT_SOFTMAX] = {write_softmax, NULL},
    [LOSS_OUTPUT_LOG_SOFTMAX] = {write_log_softmax, NULL},
    [LOSS_OUTPUT_GRADIENT] = {gradient_write, NULL},
    [LOSS_OUTPUT_PREDICTIONS] = {write_predictions, NULL},
    [LOSS_OUTPUT_ACCURACY] = {NULL, measure_accuracy},
    [LOSS_OUTPUT_TOP_K_ACCURACY] = {NULL, measure_top_k_accuracy},
    [LOSS_OUTPUT_PERPLEXITY] = {NULL, measure_perplexity},
    [LOSS_OUTPUT_ENTROPY] = {NULL, measure_entropy},
    [LOSS_OUTPUT_CONFIDENCE] = {NULL, measure_confidence},
    [LOSS_OUTPUT_BRIER] = {NULL, measure_brier},
    [LOSS_OUTPUT_ECE] = {NULL, table_ece},
    [LOSS_OUTPUT_PER_CLASS] = {NULL, table_per_class},
    [LOSS_OUTPUT_CONFUSION_MATRIX] = {NULL, table_confusion_matrix},
};

/* The dtype in which a part is computed; some are narrowed at the end. */
static enum loss_dtype dtype_of(const struct loss_plan *plan, enum loss_part part)
{
    switch (parts[part].type) {
    case LIKE_LOSS: return plan->result_dtype;
    case LIKE_PREDICTIONS: return plan->dtype;
    case FLOAT64: return LOSS_FLOAT64;
    case INT64: break;
    }
    return LOSS_INT64;
}

/* The shape of a part, its dtype and its memory. */
static struct loss_tensor shape_of(const struct loss_plan *plan, enum loss_part part)
{
    size_t classes = plan->layout.classes;
    struct loss_tensor tensor = {.rank = 0};

    switch (parts[part].extent) {
    case PER_POSITION: tensor = plan->layout.placement; break;
    case PER_ELEMENT: tensor = plan->request->predictions; break;
    case SINGLE: break;
    case PER_BIN: tensor = (struct loss_tensor){.rank = 1, .shape = {plan->request->bins}}; break;
    case PER_CLASS: tensor = (struct loss_tensor){.rank = 1, .shape = {classes}}; break;
    case PER_PAIR_OF_CLASSES:
        tensor = (struct loss_tensor){.rank = 2, .shape = {classes, classes}};
        break;
    }
    tensor.dtype = dtype_of(plan, part);
    tensor.data = plan->parts[part];
    return tensor;
}

enum loss_status outputs_check(const struct loss_plan *plan, struct loss_error *error)
{
    const struct loss_request *request = plan->request;

    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        enum loss_output output = (enum loss_output)i;

        if (request->wants[i] && loss_output_needs_indices(output) &&
            plan->layout.has_probabilities)
            return loss_fail(error, LOSS_TARGET_NOT_INTEGER, "/targets",
                             "%s needs class indices, but targets holds class probabilities",
                             loss_output_name(output));
    }
    if (request->k < 1)
        return loss_fail(error, LOSS_VALUE_OUT_OF_RANGE, "/k", "k is 0, but must be at least 1");
    if (request->bins < 1 || request->bins > LOSS_BINS_MAX)
        return loss_fail(error, LOSS_VALUE_OUT_OF_RANGE, "/bins",
                         "bins is %zu, but must lie between 1 and %d", request->bins,
                         LOSS_BINS_MAX);
    if (request->wants[LOSS_OUTPUT_CONFUSION_MATRIX] &&
        plan->layout.classes > request->confusion_classes_max)
        return loss_fail(error, LOSS_TOO_MANY_ELEMENTS, "/return",
                         "there are %zu classes, but confusion_matrix is made for at most %zu "
                         "(confusion_classes_max)",
                         plan->layout.classes, request->confusion_classes_max);
    return LOSS_OK;
}

enum loss_status outputs_prepare(struct loss_plan *plan, struct loss_arena *arena,
                                 struct loss_error *error)
{
    const bool *wants = plan->request->wants;
    bool has_tables = wants[LOSS_OUTPUT_ECE] || wants[LOSS_OUTPUT_PER_CLASS] ||
                      wants[LOSS_OUTPUT_CONFUSION_MATRIX];
    size_t positions = plan->layout.positions;

    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        enum loss_part part = (enum loss_part)i;
        struct loss_tensor shape;

        if (!wants[loss_part_output(part)] && !(part == LOSS_PART_PREDICTIONS && has_tables) &&
            !(part == LOSS_PART_LOSSES && plan->request->reduction == LOSS_REDUCTION_NONE))
            continue;
        shape = shape_of(plan, part);
        plan->parts[i] = loss_arena_take(arena, loss_tensor_elements(&shape),
                                         loss_dtype_bytes(dtype_of(plan, part)));
        if (plan->parts[i] == NULL)
            return loss_fail_memory(error);
        if (outputs[loss_part_output(part)].write != NULL)
            plan->written[plan->written_count++] = part;
    }
    if (wants[LOSS_OUTPUT_PER_CLASS]) {
        plan->exact_losses = loss_arena_take(arena, positions, sizeof *plan->exact_losses);
        if (plan->exact_losses == NULL)
            return loss_fail_memory(error);
    }
    if (wants[LOSS_OUTPUT_ECE]) {
        plan->confidences = loss_arena_take(arena, positions, sizeof *plan->confidences);
        if (plan->confidences == NULL)
            return loss_fail_memory(error);
    }
    return LOSS_OK;
}

void outputs_write(const struct loss_plan *plan, const struct tile *tile)
{
    for (size_t i = 0; i < plan->written_count; i++) {
        enum loss_part part = plan->written[i];
        char *y = plan->parts[part];

        y += (parts[part].extent == PER_ELEMENT ? tile->offset : tile->first) *
             loss_dtype_bytes(dtype_of(plan, part));
        outputs[loss_part_output(part)].write(plan, tile, y);
    }
}

void outputs_finish(struct loss_plan *plan, const struct block *total, struct loss_result *result)
{
    const struct loss_request *request = plan->request;

    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        if (request->wants[i] && outputs[i].finish != NULL)
            outputs[i].finish(plan, total);
    }
    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        struct loss_tensor *part = &result->parts[i];

        if (!request->wants[loss_part_output((enum loss_part)i)])
            continue;
        *part = shape_of(plan, (enum loss_part)i);
        if (parts[i].type != LIKE_PREDICTIONS)
            continue;
        convert_narrow(plan->dtype, request->predictions.dtype, plan->parts[i],
                       plan->layout.elements);
        part->dtype = request->predictions.dtype;
    }
}
