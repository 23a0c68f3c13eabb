/* request_safetensors.c - the safetensors form of a request: its header is checked whole, then its
 * tensors are used where they lie. */
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "codec/safetensors_internal.h"
#include "codec/widen.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are used as they lie in the file, which is little-endian"
#endif

enum { LENGTH_BYTES = 8 };

/* The length of the header, and a copy of both with a NUL after them, as the scanner wants it. */
static enum loss_status open_header(struct safetensors *file, const struct codec_body *body)
{
    struct loss_error *error = file->scanner.error;
    uint64_t header;
    size_t taken;

    if (body->length == 0)
        return loss_fail(error, LOSS_EMPTY_BODY, NULL,
                         "the body is empty, but must be a safetensors file");
    if (body->length < LENGTH_BYTES)
        return loss_fail(error, LOSS_INVALID_SAFETENSORS, "0",
                         "the body has %zu bytes, but a safetensors file begins with the length of "
                         "its header in %d",
                         body->length, LENGTH_BYTES);
    memcpy(&header, body->bytes, LENGTH_BYTES);
    if (header > body->length - LENGTH_BYTES)
        return loss_fail(error, LOSS_INVALID_SAFETENSORS, "0",
                         "the first %d bytes say that the header has %" PRIu64
                         " bytes, but %zu follow them",
                         LENGTH_BYTES, header, body->length - LENGTH_BYTES);
    if (header > file->limits->envelope_bytes_max)
        return loss_fail(error, LOSS_BODY_TOO_LARGE, "0",
                         "the header has %" PRIu64 " bytes, but may have %zu (envelope_bytes_max)",
                         header, file->limits->envelope_bytes_max);
    taken = LENGTH_BYTES + (size_t)header;
    file->copy = loss_arena_take(file->arena, taken + CODEC_PADDING, 1);
    if (file->copy == NULL)
        return loss_fail_memory(error);
    memcpy(file->copy, body->bytes, taken);
    memset(file->copy + taken, 0, CODEC_PADDING);
    file->scanner.text = file->copy;
    file->scanner.at = file->copy + LENGTH_BYTES;
    file->scanner.end = file->copy + taken;
    file->buffer = body->bytes + taken;
    file->buffer_bytes = body->length - taken;
    return LOSS_OK;
}

static enum loss_status read_options(struct safetensors *file, const struct codec_body *body)
{
    for (size_t i = 0; i < body->query_count; i++) {
        if (strcmp(body->query[i].name, "dtype") == 0)
            return safetensors_fail_dtype_option(file->scanner.error);
    }
    return envelope_open(&file->envelope, body, file->limits, file->arena, file->request,
                         file->scanner.error);
}

/* A view of the tensor where it lies, or if it is not aligned there, of a copy. */
static enum loss_status view_tensor(const struct safetensors *file, int field,
                                    struct loss_tensor *view)
{
    const struct safetensors_tensor *tensor = &file->tensors[field];
    const char *data = file->buffer + tensor->begin;
    size_t bytes = tensor->end - tensor->begin;
    void *copy;

    *view = (struct loss_tensor){.dtype = tensor->dtype->dtype, .rank = tensor->rank, .data = data};
    memcpy(view->shape, tensor->shape, sizeof view->shape);
    if (tensor->dtype->is_wider)
        return widen_indices(view, decoding_fields[field], data, tensor->dtype->bytes, file->arena,
                             file->scanner.error);
    if ((uintptr_t)data % tensor->dtype->bytes == 0)
        return LOSS_OK;
    view->data = copy = loss_arena_take(file->arena, bytes, 1);
    if (copy == NULL)
        return loss_fail_memory(file->scanner.error);
    memcpy(copy, data, bytes);
    return LOSS_OK;
}

static enum loss_status view_tensors(const struct safetensors *file, int predictions)
{
    struct loss_request *loss = &file->request->loss;
    struct loss_tensor *weights;
    enum loss_status status;

    loss->stage = (enum loss_stage)predictions;
    if ((status = view_tensor(file, predictions, &loss->predictions)) != LOSS_OK)
        return status;
    file->request->dtype = loss->predictions.dtype;
    if ((status = view_tensor(file, TARGETS, &loss->targets)) != LOSS_OK)
        return status;
    if (!file->tensors[WEIGHTS].is_there)
        return LOSS_OK;
    loss->weights = weights = loss_arena_take(file->arena, 1, sizeof *weights);
    return weights != NULL ? view_tensor(file, WEIGHTS, weights)
                           : loss_fail_memory(file->scanner.error);
}

enum loss_status request_safetensors_decode(const struct codec_body *body,
                                            const struct codec_limits *limits,
                                            struct loss_arena *arena, struct codec_request *request,
                                            struct loss_error *error)
{
    struct safetensors file = {
        .scanner = {.depth_max = UINT_MAX, /* safetensors_read_object says why */
                    .whole = "the header",
                    .name = "a name in quotes",
                    .error = error},
        .limits = limits,
        .arena = arena,
        .request = request};
    enum loss_status status;
    int predictions;

    if ((status = read_options(&file, body)) != LOSS_OK)
        return status;
    if ((status = open_header(&file, body)) != LOSS_OK)
        return status;
    if ((status = safetensors_read_header(&file)) != LOSS_OK)
        return status;
    if ((status = request_option_resolve(&file.envelope.options)) != LOSS_OK)
        return status;
    if ((status = safetensors_check(&file, &predictions)) != LOSS_OK)
        return status;
    return view_tensors(&file, predictions);
}
