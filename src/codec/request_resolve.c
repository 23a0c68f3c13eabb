/* request_resolve.c - all members of a request are read: what do they make together? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/decoding_internal.h"

/* The dtype was told after tensors had been read as another: read those again. */
static enum loss_status reread(struct decoding *decoding)
{
    decoding->read_as = decoding->request->dtype;
    for (int field = 0; field < FIELDS; field++) {
        enum loss_status status;

        if (decoding->texts[field] == NULL || field == TARGETS)
            continue;
        decoding->scanner.at = decoding->texts[field];
        decoding->scanner.depth = 1;
        (void)snprintf(decoding->scanner.key, sizeof decoding->scanner.key, "%s",
                       decoding_fields[field]);
        if ((status = decoding_read_tensor(decoding, field)) != LOSS_OK)
            return status;
    }
    return LOSS_OK;
}

static enum loss_status fail_odd(struct decoding *decoding, int field, enum loss_status status,
                                 const char *why_not)
{
    return tensor_json_fail_odd(&decoding->tensors[field], decoding_fields[field], status, why_not,
                                decoding->scanner.error);
}

static enum loss_status check_overflow(struct decoding *decoding, int field)
{
    if (decoding->tensors[field].oddity != TENSOR_JSON_OVERFLOW)
        return LOSS_OK;
    return fail_odd(decoding, field, LOSS_NUMBER_OUT_OF_RANGE,
                    "float32 ends at 3.4028235e38; \"dtype\":\"float64\" has more room");
}

/* Targets of the predictions' shape are probabilities: numbers of the request's dtype. */
static enum loss_status make_probabilities(struct decoding *decoding)
{
    struct tensor_json *targets = &decoding->tensors[TARGETS];
    size_t count = loss_tensor_elements(&targets->tensor);
    bool integers = targets->tensor.dtype == LOSS_INT64, single = decoding->read_as == LOSS_FLOAT32;
    void *data;

    if (targets->word_text != NULL)
        return tensor_json_fail_word(targets, "targets",
                                     "a class probability must be a number (or \"NaN\", "
                                     "\"Infinity\", \"-Infinity\")",
                                     decoding->scanner.error);
    if (!integers && !single)
        return LOSS_OK;
    data = loss_arena_take(decoding->arena, count, single ? sizeof(float) : sizeof(double));
    if (data == NULL)
        return loss_fail_memory(decoding->scanner.error);
    for (size_t i = 0; i < count; i++) {
        double value = integers ? (double)((const int64_t *)targets->tensor.data)[i]
                                : ((const double *)targets->tensor.data)[i];

        if (!single) {
            ((double *)data)[i] = value;
            continue;
        }
        ((float *)data)[i] = (float)value;
        if (isinf((float)value) && !isinf(value)) {
            char where[128];

            (void)loss_tensor_pointer(&targets->tensor, "targets", i, where, sizeof where);
            return loss_fail(decoding->scanner.error, LOSS_NUMBER_OUT_OF_RANGE, where,
                             "targets holds %g, but float32 ends at 3.4028235e38", value);
        }
    }
    targets->tensor.dtype = decoding->read_as;
    targets->tensor.data = data;
    return LOSS_OK;
}

/* Whether targets of this shape would be class indices. */
static bool has_index_shape(const struct loss_tensor *predictions,
                            const struct loss_tensor *targets)
{
    if (predictions->rank < 2)
        return predictions->rank == 1 && targets->rank == 0;
    return targets->rank == predictions->rank - 1 && targets->shape[0] == predictions->shape[0] &&
           memcmp(targets->shape + 1, predictions->shape + 2,
                  (predictions->rank - 2) * sizeof targets->shape[0]) == 0;
}

static enum loss_status resolve_targets(struct decoding *decoding, struct loss_tensor *predictions)
{
    struct tensor_json *targets = &decoding->tensors[TARGETS];
    struct tensor_json *weights = &decoding->tensors[WEIGHTS];

    if (predictions->rank == 1 && predictions->shape[0] == 0 && targets->tensor.rank == 1 &&
        targets->tensor.shape[0] == 0) {
        /* [] and []: JSON cannot write the shape (0,C), so this is a batch of no rows. */
        predictions->rank = 2;
        predictions->shape[1] = weights->tensor.rank == 1 ? weights->tensor.shape[0] : 0;
        targets->tensor.dtype = LOSS_INT64;
        return LOSS_OK;
    }
    if (loss_tensor_same_shape(predictions, &targets->tensor))
        return make_probabilities(decoding);
    if (targets->tensor.dtype == LOSS_INT64 || !has_index_shape(predictions, &targets->tensor))
        return LOSS_OK; /* libloss says what does not fit */
    if (targets->oddity == TENSOR_JSON_HUGE)
        return fail_odd(decoding, TARGETS, LOSS_TARGET_OUT_OF_RANGE,
                        "there are not that many classes");
    return fail_odd(decoding, TARGETS, LOSS_TARGET_NOT_INTEGER, "a class index must be an integer");
}

enum loss_status decoding_resolve(struct decoding *decoding)
{
    struct codec_request *request = decoding->request;
    int predictions = decoding->predictions;
    enum loss_status status;

    status = decoding_check_there(predictions, decoding->texts[TARGETS] != NULL, "field",
                                  decoding->scanner.error);
    if (status != LOSS_OK)
        return status;
    if (decoding->read_as != request->dtype && (status = reread(decoding)) != LOSS_OK)
        return status;
    if ((status = check_overflow(decoding, predictions)) != LOSS_OK)
        return status;
    if ((status = check_overflow(decoding, WEIGHTS)) != LOSS_OK)
        return status;
    request->loss.stage = (enum loss_stage)predictions;
    request->loss.predictions = decoding->tensors[predictions].tensor;
    if ((status = resolve_targets(decoding, &request->loss.predictions)) != LOSS_OK)
        return status;
    request->loss.targets = decoding->tensors[TARGETS].tensor;
    if (decoding->texts[WEIGHTS] != NULL) {
        struct loss_tensor *weights = loss_arena_take(decoding->arena, 1, sizeof *weights);

        if (weights == NULL)
            return loss_fail_memory(decoding->scanner.error);
        *weights = decoding->tensors[WEIGHTS].tensor;
        request->loss.weights = weights;
    }
    return LOSS_OK;
}
