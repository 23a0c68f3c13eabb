/* layout.c - the checks before any arithmetic, in PyTorch's order. */
#include "evaluate/layout.h"

#include <inttypes.h>

#include "kernels/kernel.h"

enum { SHAPE_TEXT = 120 };

static enum loss_status check_smoothing(const struct loss_request *request,
                                        struct loss_error *error)
{
    if (request->label_smoothing >= 0.0 && request->label_smoothing <= 1.0)
        return LOSS_OK;
    return loss_fail(error, LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing",
                     "label_smoothing is %g, but must lie between 0 and 1",
                     request->label_smoothing);
}

/* The JSON pointer of the predictions. */
static const char *predictions_place(const struct loss_request *request, char *where, size_t size)
{
    return loss_tensor_pointer(&(struct loss_tensor){0}, loss_stage_name(request->stage), 0, where,
                               size);
}

static enum loss_status check_rank(const struct loss_request *request, struct loss_error *error)
{
    char where[32];

    if (request->predictions.rank != 0)
        return LOSS_OK;
    return loss_fail(error, LOSS_INVALID_SHAPE, predictions_place(request, where, sizeof where),
                     "%s is a single number, but must have a class dimension: (C), (N,C) or "
                     "(N,C,d1,...)",
                     loss_stage_name(request->stage));
}

static enum loss_status check_floating(const struct loss_request *request, struct loss_error *error)
{
    char where[32];

    if (loss_dtype_is_floating(request->predictions.dtype))
        return LOSS_OK;
    return loss_fail(error, LOSS_UNKNOWN_DTYPE, predictions_place(request, where, sizeof where),
                     "%s is %s, but must be floating point", loss_stage_name(request->stage),
                     loss_dtype_name(request->predictions.dtype));
}

static enum loss_status check_weights_shape(const struct loss_request *request, size_t classes,
                                            struct loss_error *error)
{
    const struct loss_tensor *weights = request->weights;
    char shape[SHAPE_TEXT];

    if (weights == NULL || (weights->rank == 1 && weights->shape[0] == classes))
        return LOSS_OK;
    return loss_fail(error, LOSS_SHAPE_MISMATCH, "/weights",
                     "weights has shape %s, but there are %zu classes: expected [%zu]",
                     loss_tensor_describe(weights, shape, sizeof shape), classes, classes);
}

static enum loss_status check_probabilities(const struct loss_request *request, size_t classes,
                                            struct loss_error *error)
{
    enum loss_status status;

    if (!loss_dtype_is_floating(request->targets.dtype))
        return loss_fail(
            error, LOSS_UNKNOWN_DTYPE, "/targets",
            "targets has the shape of %s, so it holds class probabilities, but it is %s "
            "and not floating point",
            loss_stage_name(request->stage), loss_dtype_name(request->targets.dtype));
    if (request->ignore_index >= 0)
        return loss_fail(error, LOSS_VALUE_OUT_OF_RANGE, "/ignore_index",
                         "ignore_index is %" PRId64
                         ", but targets holds class probabilities, where it must be negative",
                         request->ignore_index);
    if ((status = check_rank(request, error)) != LOSS_OK)
        return status;
    if ((status = check_weights_shape(request, classes, error)) != LOSS_OK)
        return status;
    if ((status = check_floating(request, error)) != LOSS_OK)
        return status;
    return check_smoothing(request, error);
}

static enum loss_status check_indices(const struct loss_request *request,
                                      const struct layout *layout, struct loss_error *error)
{
    const struct loss_tensor *targets = &request->targets, *weights = request->weights;
    char expected[SHAPE_TEXT], got[SHAPE_TEXT], predictions[SHAPE_TEXT];
    enum loss_status status;

    if ((status = check_smoothing(request, error)) != LOSS_OK)
        return status;
    if ((status = check_rank(request, error)) != LOSS_OK)
        return status;
    /* cross_entropy meets it here, in its log_softmax; nll_loss after the shapes, as below */
    if (request->stage == LOSS_STAGE_LOGITS && (status = check_floating(request, error)) != LOSS_OK)
        return status;
    if (!loss_tensor_same_shape(targets, &layout->placement))
        return loss_fail(
            error, LOSS_SHAPE_MISMATCH, "/targets",
            "targets has shape %s, but %s has shape %s: expected %s for class indices, or %s for "
            "class probabilities",
            loss_tensor_describe(targets, got, sizeof got), loss_stage_name(request->stage),
            loss_tensor_describe(&request->predictions, predictions, sizeof predictions),
            loss_tensor_describe(&layout->placement, expected, sizeof expected), predictions);
    if ((status = check_weights_shape(request, layout->classes, error)) != LOSS_OK)
        return status;
    if ((status = check_floating(request, error)) != LOSS_OK)
        return status;
    if (weights != NULL && weights->dtype != request->predictions.dtype)
        return loss_fail(error, LOSS_UNKNOWN_DTYPE, "/weights", "weights is %s, but %s is %s",
                         loss_dtype_name(weights->dtype), loss_stage_name(request->stage),
                         loss_dtype_name(request->predictions.dtype));
    if (loss_dtype_is_floating(targets->dtype))
        return loss_fail(error, LOSS_TARGET_NOT_INTEGER, "/targets",
                         "targets has shape %s, so it holds class indices, but it is %s and not an "
                         "integer type",
                         loss_tensor_describe(targets, got, sizeof got),
                         loss_dtype_name(targets->dtype));
    return LOSS_OK;
}

/* Fill *layout from the predictions' shape, of any rank. */
static void lay_out(const struct loss_tensor *predictions, struct layout *layout)
{
    struct loss_tensor *placement = &layout->placement;

    *layout = (struct layout){.batch = 1, .classes = 1, .inner = 1};
    layout->elements = loss_tensor_elements(predictions);
    placement->dtype = LOSS_INT64;
    if (predictions->rank == 1)
        layout->classes = predictions->shape[0];
    if (predictions->rank >= 2) {
        layout->batch = placement->shape[placement->rank++] = predictions->shape[0];
        layout->classes = predictions->shape[1];
        for (unsigned i = 2; i < predictions->rank; i++)
            placement->shape[placement->rank++] = predictions->shape[i];
        layout->inner = layout->batch != 0 ? loss_tensor_elements(placement) / layout->batch : 0;
    }
    layout->positions = layout->batch * layout->inner;
}

enum loss_status layout_check(const struct loss_request *request, struct layout *layout,
                              struct loss_error *error)
{
    lay_out(&request->predictions, layout);
    if (layout->elements == SIZE_MAX || loss_tensor_elements(&layout->placement) == SIZE_MAX ||
        loss_tensor_elements(&request->targets) == SIZE_MAX)
        return loss_fail(error, LOSS_TOO_MANY_ELEMENTS, NULL,
                         "a tensor has more elements than memory could hold");
    if (layout->inner > 1 && layout->classes > KERNEL_CLASSES_MAX)
        return loss_fail(error, LOSS_TOO_MANY_ELEMENTS, NULL,
                         "there are %zu classes, but at most %d are taken before other dimensions",
                         layout->classes, KERNEL_CLASSES_MAX);
    layout->has_probabilities = request->predictions.rank > 0 &&
                                loss_tensor_same_shape(&request->predictions, &request->targets);
    if (layout->has_probabilities)
        return check_probabilities(request, layout->classes, error);
    return check_indices(request, layout, error);
}

enum loss_status layout_check_labels(const struct loss_request *request,
                                     const struct layout *layout, const struct kernel *kernel,
                                     const int64_t *labels, size_t *ignored,
                                     struct loss_error *error)
{
    char where[SHAPE_TEXT], place[SHAPE_TEXT];
    size_t bad;

    *ignored = kernel->count_labels(labels, layout->positions, layout->classes,
                                    request->ignore_index, &bad);
    for (size_t r = 0; r < layout->positions && bad != 0; r++) {
        if (labels[r] == request->ignore_index || (uint64_t)labels[r] < layout->classes)
            continue;
        (void)loss_tensor_pointer(&request->targets, "targets", r, where, sizeof where);
        (void)loss_tensor_place(&request->targets, "targets", r, place, sizeof place);
        if (layout->classes == 0)
            return loss_fail(error, LOSS_TARGET_OUT_OF_RANGE, where,
                             "%s is %" PRId64 ", but there are no classes", place, labels[r]);
        return loss_fail(error, LOSS_TARGET_OUT_OF_RANGE, where,
                         "%s is %" PRId64 ", but there %s %zu class%s (0..%zu)", place, labels[r],
                         layout->classes == 1 ? "is" : "are", layout->classes,
                         layout->classes == 1 ? "" : "es", layout->classes - 1);
    }
    return LOSS_OK;
}
