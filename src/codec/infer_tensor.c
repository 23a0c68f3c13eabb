/* infer_tensor.c - an input whose members are known: its numbers from JSON, or its bytes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/infer_internal.h"
#include "codec/widen.h"
#include "codec/words.h"

enum { SHAPE_TEXT = 120 };

enum loss_status infer_read_numbers(struct infer_decoding *decoding)
{
    struct infer_input *input = &decoding->input;
    enum loss_dtype dtype = input->datatype->dtype;
    enum tensor_json_mode mode = !loss_dtype_is_floating(dtype) ? TENSOR_JSON_TARGETS
                                 : dtype == LOSS_FLOAT32        ? TENSOR_JSON_FLOAT32
                                                                : TENSOR_JSON_FLOAT64;

    input->is_read = true;
    (void)snprintf(decoding->scanner.key, sizeof decoding->scanner.key, "%s", input->name);
    return tensor_json_read(&decoding->scanner, mode, decoding->limits->elements_max,
                            decoding->arena, &input->read);
}

/* ---- numbers from JSON ---- */

/* Round float64 to a 16-bit type. */
static enum loss_status narrow_floats(struct infer_decoding *decoding, size_t elements)
{
    struct infer_input *input = &decoding->input;
    const struct loss_tensor *read = &input->read.tensor;
    struct loss_tensor *tensor = &input->tensor;
    void *data = loss_arena_take(decoding->arena, elements, input->datatype->bytes);
    char where[SHAPE_TEXT], place[SHAPE_TEXT];

    if (data == NULL)
        return loss_fail_memory(decoding->scanner.error);
    tensor->data = data;
    for (size_t i = 0; i < elements; i++) {
        double value = loss_tensor_number(read, i);

        loss_dtype_store(tensor->dtype, data, i, value);
        if (!isinf(loss_tensor_number(tensor, i)) || isinf(value))
            continue;
        (void)loss_tensor_pointer(read, input->name, i, where, sizeof where);
        return loss_fail(decoding->scanner.error, LOSS_NUMBER_OUT_OF_RANGE, where,
                         "%s is %g, which is too large for %s",
                         loss_tensor_place(read, input->name, i, place, sizeof place), value,
                         input->datatype->name);
    }
    return LOSS_OK;
}

static enum loss_status take_floats(struct infer_decoding *decoding, size_t elements)
{
    struct infer_input *input = &decoding->input;

    if (input->read.oddity == TENSOR_JSON_OVERFLOW)
        return tensor_json_fail_odd(&input->read, input->name, LOSS_NUMBER_OUT_OF_RANGE,
                                    "FP32 ends at 3.4028235e38; FP64 has more room",
                                    decoding->scanner.error);
    if (input->datatype->bytes == 2)
        return narrow_floats(decoding, elements);
    input->tensor.data = input->read.tensor.data;
    return LOSS_OK;
}

/* An element of integers that is none in 64 bits. */
static enum loss_status fail_odd_integer(struct infer_decoding *decoding)
{
    const struct infer_input *input = &decoding->input;
    struct loss_error *error = decoding->scanner.error;
    bool is_unsigned = input->datatype->least == 0 && input->datatype->most == INT64_MAX;

    if (input->read.word_text != NULL)
        return tensor_json_fail_word(&input->read, input->name, "a class index must be an integer",
                                     error);
    if (input->read.oddity == TENSOR_JSON_FRACTION)
        return tensor_json_fail_odd(&input->read, input->name, LOSS_TARGET_NOT_INTEGER,
                                    "a class index must be an integer", error);
    if (is_unsigned && input->read.odd_text[0] != '-') /* it may fit UINT64 */
        return tensor_json_fail_odd(&input->read, input->name, LOSS_TARGET_OUT_OF_RANGE,
                                    "there are not that many classes", error);
    return tensor_json_fail_odd(&input->read, input->name, LOSS_VALUE_OUT_OF_RANGE,
                                "its datatype ends before that", error);
}

static enum loss_status take_integers(struct infer_decoding *decoding, size_t elements)
{
    struct infer_input *input = &decoding->input;
    const struct infer_datatype *datatype = input->datatype;
    const int64_t *integers = input->read.tensor.data;
    char where[SHAPE_TEXT], place[SHAPE_TEXT];

    if (input->read.oddity != TENSOR_JSON_PLAIN)
        return fail_odd_integer(decoding);
    for (size_t i = 0; i < elements; i++) {
        if (integers[i] >= datatype->least && integers[i] <= datatype->most)
            continue;
        (void)loss_tensor_pointer(&input->read.tensor, input->name, i, where, sizeof where);
        (void)loss_tensor_place(&input->read.tensor, input->name, i, place, sizeof place);
        return loss_fail(decoding->scanner.error, LOSS_VALUE_OUT_OF_RANGE, where,
                         "%s is %" PRId64 ", but %s holds %" PRId64 " to %" PRId64, place,
                         integers[i], datatype->name, datatype->least, datatype->most);
    }
    input->tensor.dtype = LOSS_INT64;
    input->tensor.data = integers;
    return LOSS_OK;
}

/* Numbers are nested to the shape, or flat, or none. */
static enum loss_status take_numbers(struct infer_decoding *decoding, size_t elements)
{
    struct infer_input *input = &decoding->input;
    struct scanner *scanner = &decoding->scanner;
    const struct loss_tensor *read = &input->read.tensor;
    char shape[SHAPE_TEXT], found[SHAPE_TEXT];
    enum loss_status status = LOSS_OK;

    if (!input->is_read) {
        const char *at = scanner->at;

        scanner->at = input->text;
        status = infer_read_numbers(decoding);
        scanner->at = at;
    }
    if (status != LOSS_OK)
        return status;
    if (loss_tensor_elements(read) != elements ||
        (elements != 0 && read->rank != 1 && !loss_tensor_same_shape(read, &input->tensor)))
        return infer_fail(decoding, LOSS_SHAPE_MISMATCH, "data",
                          "%s has shape %s, so its data must have that shape or be a flat array of "
                          "%zu, but it has shape %s",
                          input->name, loss_tensor_describe(&input->tensor, shape, sizeof shape),
                          elements, loss_tensor_describe(read, found, sizeof found));
    return loss_dtype_is_floating(input->datatype->dtype) ? take_floats(decoding, elements)
                                                          : take_integers(decoding, elements);
}

/* ---- binary data ---- */

/* The bytes of the input, which are the next ones after the JSON. */
static enum loss_status cut_bytes(struct infer_decoding *decoding, size_t bytes)
{
    struct infer_input *input = &decoding->input;
    char shape[SHAPE_TEXT];

    if (input->bytes != bytes)
        return infer_fail(decoding, LOSS_SHAPE_MISMATCH, "parameters/binary_data_size",
                          "binary_data_size is %" PRIu64 ", but %s of shape %s in %s has %zu bytes",
                          input->bytes, input->name,
                          loss_tensor_describe(&input->tensor, shape, sizeof shape),
                          input->datatype->name, bytes);
    if (bytes > 0 && !decoding->has_head)
        return infer_fail(decoding, LOSS_BAD_FRAMING, "parameters/binary_data_size",
                          "%s is binary, but the header Inference-Header-Content-Length is "
                          "missing: it tells how many bytes of the body are JSON",
                          input->name);
    if (bytes > decoding->tail_bytes)
        return infer_fail(decoding, LOSS_BAD_FRAMING, "parameters/binary_data_size",
                          "%s has %zu bytes of binary data, but only %zu are left in the body",
                          input->name, bytes, decoding->tail_bytes);
    input->tensor.data = decoding->tail;
    decoding->tail += bytes;
    decoding->tail_bytes -= bytes;
    decoding->taken += bytes;
    return LOSS_OK;
}

static enum loss_status take_bytes(struct infer_decoding *decoding, size_t elements)
{
    struct infer_input *input = &decoding->input;
    size_t size = input->datatype->bytes;
    enum loss_status status = cut_bytes(decoding, elements * size);
    void *aligned;

    if (status != LOSS_OK)
        return status;
    if (input->datatype->least == 0 && input->tensor.dtype == LOSS_INT64)
        return widen_indices(&input->tensor, input->name, input->tensor.data, size, decoding->arena,
                             decoding->scanner.error);
    if ((uintptr_t)input->tensor.data % size == 0)
        return LOSS_OK;
    aligned = loss_arena_take(decoding->arena, elements, size);
    if (aligned == NULL)
        return loss_fail_memory(decoding->scanner.error);
    memcpy(aligned, input->tensor.data, elements * size);
    input->tensor.data = aligned;
    return LOSS_OK;
}

/* ---- both ---- */

static enum loss_status check_datatype(struct infer_decoding *decoding)
{
    const struct infer_input *input = &decoding->input;
    bool with_integers = input->field == INFER_TARGETS;
    char list[160], quoted[64];

    if (input->datatype_name[0] == '\0')
        return infer_fail(decoding, LOSS_MISSING_FIELD, "datatype", "%s has no datatype",
                          input->name);
    if (input->datatype != NULL &&
        (with_integers || loss_dtype_is_floating(input->datatype->dtype)))
        return LOSS_OK;
    return infer_fail(decoding, LOSS_UNKNOWN_DTYPE, "datatype",
                      "%s has the datatype %s, but must have %s", input->name,
                      words_quote(input->datatype_name, quoted, sizeof quoted),
                      infer_datatype_list(with_integers, list, sizeof list));
}

/* The shape's elements are not too many; nor, of an empty tensor, those without its zeros. */
static enum loss_status check_shape(struct infer_decoding *decoding)
{
    const struct infer_input *input = &decoding->input;
    const struct loss_tensor *tensor = &input->tensor;
    size_t most = decoding->limits->elements_max, left;
    bool is_empty = false;
    char shape[SHAPE_TEXT];

    if (!input->has_shape)
        return infer_fail(decoding, LOSS_MISSING_FIELD, "shape", "%s has no shape", input->name);
    for (unsigned i = 0; i < tensor->rank; i++)
        is_empty = is_empty || tensor->shape[i] == 0;
    if (is_empty && most > CODEC_EMPTY_EXTENT_MAX)
        most = CODEC_EMPTY_EXTENT_MAX;
    left = most;
    for (unsigned i = 0; i < tensor->rank; i++)
        left /= tensor->shape[i] != 0 ? tensor->shape[i] : 1;
    if (left > 0)
        return LOSS_OK;
    (void)loss_tensor_describe(tensor, shape, sizeof shape);
    if (is_empty)
        return infer_fail(decoding, LOSS_TOO_MANY_ELEMENTS, "shape",
                          "%s has shape %s, but the other dimensions of an empty tensor may "
                          "multiply to %zu at most",
                          input->name, shape, most);
    return infer_fail(decoding, LOSS_TOO_MANY_ELEMENTS, "shape",
                      "%s of shape %s has more than %zu elements (elements_max)", input->name,
                      shape, most);
}

enum loss_status infer_finish_input(struct infer_decoding *decoding)
{
    struct infer_input *input = &decoding->input;
    enum loss_status status;
    size_t elements;

    if ((status = check_datatype(decoding)) != LOSS_OK)
        return status;
    input->tensor.dtype = input->datatype->dtype;
    if ((status = check_shape(decoding)) != LOSS_OK)
        return status;
    elements = loss_tensor_elements(&input->tensor);
    if (input->text != NULL && input->has_bytes)
        return infer_fail(decoding, LOSS_CONFLICTING_FIELDS, "data",
                          "%s has both data and binary_data_size, but must have one of them",
                          input->name);
    if (input->text == NULL && !input->has_bytes)
        return infer_fail(decoding, LOSS_MISSING_FIELD, "data",
                          "%s has neither data nor the parameter binary_data_size", input->name);
    status =
        input->text != NULL ? take_numbers(decoding, elements) : take_bytes(decoding, elements);
    if (status != LOSS_OK)
        return status;
    decoding->given[input->field] = true;
    decoding->tensors[input->field] = input->tensor;
    return LOSS_OK;
}
