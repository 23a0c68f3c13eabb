/* safetensors_check.c - whether what a safetensors file says of its tensors is
 * possible, and makes a request. */
#include <stdio.h>
#include <string.h>

#include "codec/safetensors_internal.h"

/* Whether a product of sizes is less than 2^64, and if so, multiply. */
static bool multiply(size_t *product, size_t by)
{
    return !__builtin_mul_overflow(*product, by, product);
}

static enum loss_status fail_extent(const struct safetensors *file, int field, const char *shape,
                                    bool is_empty, size_t most)
{
    char where[32];

    (void)decoding_pointer(field, where, sizeof where);
    if (is_empty)
        return loss_fail(
            file->scanner.error, LOSS_TOO_MANY_ELEMENTS, where,
            "%s has shape %s, but the other dimensions of an empty tensor may multiply "
            "to %zu at most",
            decoding_fields[field], shape, most);
    return loss_fail(file->scanner.error, LOSS_TOO_MANY_ELEMENTS, where,
                     "%s has shape %s, which is more than %zu elements (elements_max)",
                     decoding_fields[field], shape, most);
}

/* The tensor's place is as long as its shape and dtype say, and that is not too long. */
static enum loss_status check_size(const struct safetensors *file, int field)
{
    const struct safetensors_tensor *tensor = &file->tensors[field];
    struct loss_tensor view = {.rank = tensor->rank};
    size_t extent = 1, bytes = tensor->dtype->bytes, most = file->limits->elements_max;
    bool is_possible, is_countable = true, is_empty = false;
    char where[32], shape[160];

    for (unsigned i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] != 0)
            is_countable = is_countable && multiply(&extent, tensor->shape[i]);
        else
            is_empty = true;
    }
    if (is_empty) {
        bytes = 0;
        most = most < CODEC_EMPTY_EXTENT_MAX ? most : CODEC_EMPTY_EXTENT_MAX;
    }
    is_possible = is_empty || (is_countable && multiply(&bytes, extent));
    memcpy(view.shape, tensor->shape, sizeof view.shape);
    (void)loss_tensor_describe(&view, shape, sizeof shape);
    (void)decoding_pointer(field, where, sizeof where);
    if (!is_possible)
        return loss_fail(file->scanner.error, LOSS_INVALID_SAFETENSORS, where,
                         "%s has shape %s, whose bytes do not fit 64 bits", decoding_fields[field],
                         shape);
    if (tensor->begin > tensor->end || tensor->end - tensor->begin != bytes)
        return loss_fail(file->scanner.error, LOSS_INVALID_SAFETENSORS, where,
                         "%s has data_offsets [%zu, %zu], but its shape %s of %zu-byte elements "
                         "makes %zu bytes",
                         decoding_fields[field], tensor->begin, tensor->end, shape,
                         tensor->dtype->bytes, bytes);
    return is_countable && extent <= most ? LOSS_OK
                                          : fail_extent(file, field, shape, is_empty, most);
}

/* The tensors by their places in the buffer; returns how many there are. */
static size_t sort_tensors(const struct safetensors *file, int fields[FIELDS])
{
    size_t count = 0;

    for (int field = 0; field < FIELDS; field++) {
        const struct safetensors_tensor *tensor = &file->tensors[field];
        size_t i = count;

        if (!tensor->is_there)
            continue;
        for (; i > 0; i--) {
            const struct safetensors_tensor *before = &file->tensors[fields[i - 1]];

            if (before->begin < tensor->begin ||
                (before->begin == tensor->begin && before->end <= tensor->end))
                break;
            fields[i] = fields[i - 1];
        }
        fields[i] = field;
        count++;
    }
    return count;
}

/* The tensors fill the buffer, without gaps and overlaps. */
static enum loss_status check_places(const struct safetensors *file)
{
    int fields[FIELDS];
    size_t count = sort_tensors(file, fields), end = 0;
    char where[32];

    for (size_t i = 0; i < count; i++) {
        const struct safetensors_tensor *tensor = &file->tensors[fields[i]];

        if (tensor->begin != end)
            return loss_fail(file->scanner.error, LOSS_INVALID_SAFETENSORS,
                             decoding_pointer(fields[i], where, sizeof where),
                             "%s begins at byte %zu of the buffer, but must begin at byte %zu, "
                             "where %s",
                             decoding_fields[fields[i]], tensor->begin, end,
                             i == 0 ? "the buffer begins" : "the tensor before it ends");
        end = tensor->end;
        if (end > file->buffer_bytes)
            return loss_fail(file->scanner.error, LOSS_INVALID_SAFETENSORS,
                             decoding_pointer(fields[i], where, sizeof where),
                             "%s ends at byte %zu of the buffer, but the buffer has %zu bytes",
                             decoding_fields[fields[i]], end, file->buffer_bytes);
    }
    if (end == file->buffer_bytes)
        return LOSS_OK;
    (void)snprintf(where, sizeof where, "%td",
                   file->scanner.end - file->scanner.text + (ptrdiff_t)end);
    return loss_fail(file->scanner.error, LOSS_INVALID_SAFETENSORS, where,
                     "the tensors end at byte %zu of the buffer, but the buffer has %zu bytes", end,
                     file->buffer_bytes);
}

/* Exactly one of the predictions, and targets. */
static enum loss_status check_fields(const struct safetensors *file, int *predictions)
{
    struct loss_error *error = file->scanner.error;
    enum loss_status status = LOSS_OK;

    *predictions = FIELDS;
    for (int field = LOGITS; field <= LOG_PROBABILITIES && status == LOSS_OK; field++) {
        if (file->tensors[field].is_there)
            status = decoding_note_predictions(field, predictions, error);
    }
    return status != LOSS_OK ? status
                             : decoding_check_there(*predictions, file->tensors[TARGETS].is_there,
                                                    "tensor", error);
}

enum loss_status safetensors_check(const struct safetensors *file, int *predictions)
{
    enum loss_status status;

    for (int field = 0; field < FIELDS; field++) {
        if (file->tensors[field].is_there && (status = check_size(file, field)) != LOSS_OK)
            return status;
    }
    if ((status = check_places(file)) != LOSS_OK)
        return status;
    return check_fields(file, predictions);
}
