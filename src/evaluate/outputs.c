/* outputs.c - the table of what can be returned beside the loss. */
#include <string.h>

#include "evaluate/convert.h"
#include "evaluate/plan_internal.h"

/* How an output lies in memory: one number per position, or one per element of the predictions. */
enum extent { PER_POSITION, PER_ELEMENT };

static size_t count_of(const struct loss_plan *plan, enum extent extent)
{
    return extent == PER_ELEMENT ? plan->layout.elements : plan->layout.positions;
}

/* Copy the tile's elements, for a stage that is the output already. */
static void copy(const struct loss_plan *plan, const struct kernel_tile *tile, char *y)
{
    size_t size = loss_dtype_bytes(plan->dtype);

    for (size_t p = 0; p < tile->positions; p++) {
        for (size_t c = 0; c < tile->classes; c++) {
            size_t at = (p * tile->position_stride + c * tile->class_stride) * size;

            memcpy(y + at, (const char *)tile->x + at, size);
        }
    }
}

static void write_softmax(const struct loss_plan *plan, const struct kernel_tile *tile,
                          const struct kernel_rows *rows, void *y)
{
    if (plan->request->stage == LOSS_STAGE_LOGITS)
        plan->kernel->softmax(tile, rows, y);
    else if (plan->request->stage == LOSS_STAGE_LOG_PROBABILITIES)
        plan->kernel->exp(tile, y);
    else
        copy(plan, tile, y);
}

static void write_log_softmax(const struct loss_plan *plan, const struct kernel_tile *tile,
                              const struct kernel_rows *rows, void *y)
{
    if (plan->request->stage == LOSS_STAGE_LOGITS)
        plan->kernel->log_softmax(tile, rows, y);
    else if (plan->request->stage == LOSS_STAGE_PROBABILITIES)
        plan->kernel->log(tile, y);
    else
        copy(plan, tile, y);
}

static void write_predictions(const struct loss_plan *plan, const struct kernel_tile *tile,
                              const struct kernel_rows *rows, void *y)
{
    (void)plan;
    for (size_t p = 0; p < tile->positions; p++)
        ((int64_t *)y)[p] = (int64_t)rows->argmax[p];
}

/* One row per output.  `write` fills the part of a tile; `losses` has none: they are what the loss is
 * reduced from, and are stored when they are made. */
static const struct {
    enum extent extent;
    void (*write)(const struct loss_plan *plan, const struct kernel_tile *tile,
                  const struct kernel_rows *rows, void *y);
} outputs[LOSS_OUTPUT_COUNT] = {
    [LOSS_OUTPUT_LOSSES] = {PER_POSITION, NULL},
    [LOSS_OUTPUT_SOFTMAX] = {PER_ELEMENT, write_softmax},
    [LOSS_OUTPUT_LOG_SOFTMAX] = {PER_ELEMENT, write_log_softmax},
    [LOSS_OUTPUT_PREDICTIONS] = {PER_POSITION, write_predictions},
};

enum loss_status outputs_prepare(struct loss_plan *plan, struct loss_arena *arena,
                                 struct loss_error *error)
{
    const struct loss_request *request = plan->request;

    if (request->wants[LOSS_OUTPUT_LOSSES] || request->reduction == LOSS_REDUCTION_NONE) {
        plan->losses =
            loss_arena_take(arena, plan->layout.positions, loss_dtype_bytes(plan->result_dtype));
        if (plan->losses == NULL)
            return loss_fail_memory(error);
    }
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        size_t size =
            i == LOSS_OUTPUT_PREDICTIONS ? sizeof(int64_t) : loss_dtype_bytes(plan->dtype);

        if (!request->wants[i] || outputs[i].write == NULL)
            continue;
        plan->outputs[i] = loss_arena_take(arena, count_of(plan, outputs[i].extent), size);
        if (plan->outputs[i] == NULL)
            return loss_fail_memory(error);
    }
    return LOSS_OK;
}

void outputs_write(const struct loss_plan *plan, const struct kernel_tile *tile, size_t first,
                   size_t offset, const struct kernel_rows *rows)
{
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        char *y = plan->outputs[i];

        if (y == NULL)
            continue;
        y += outputs[i].extent == PER_ELEMENT ? offset * loss_dtype_bytes(plan->dtype)
                                              : first * sizeof(int64_t);
        outputs[i].write(plan, tile, rows, y);
    }
}

void outputs_finish(const struct loss_plan *plan, struct loss_result *result)
{
    const struct loss_tensor *predictions = &plan->request->predictions;

    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        struct loss_tensor *output = &result->outputs[i];

        if (!plan->request->wants[i])
            continue;
        *output = outputs[i].extent == PER_ELEMENT ? *predictions : plan->layout.placement;
        output->data = plan->outputs[i];
        if (i == LOSS_OUTPUT_LOSSES) {
            output->dtype = plan->result_dtype;
            output->data = plan->losses;
        } else if (outputs[i].extent == PER_ELEMENT) {
            convert_narrow(plan->dtype, predictions->dtype, plan->outputs[i],
                           plan->layout.elements);
        }
    }
}
