/* files.c - bodies that are safetensors files, and their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/files.h"
#include "support/replies.h"

const struct codec_limits file_limits = {.elements_max = 1000000,
                                         .envelope_bytes_max = 65536,
                                         .json_depth_max = 32,
                                         .confusion_classes_max = 1000};

static const struct answer_host alone = {.context = NULL};

void file_make(struct file *file, const char *header, const void *buffer, size_t bytes,
               size_t shift)
{
    uint64_t length = strlen(header);

    file->length = sizeof length + length + bytes;
    assert_int_equal(posix_memalign(&file->block, 64, shift + file->length), 0);
    file->bytes = (char *)file->block + shift;
    memcpy(file->bytes, &length, sizeof length);
    for (size_t i = 0; i < length; i++)
        file->bytes[sizeof length + i] = header[i] == '\'' ? '"' : header[i];
    if (bytes != 0)
        memcpy(file->bytes + sizeof length + length, buffer, bytes);
}

void file_free(struct file *file)
{
    free(file->block);
}

enum loss_status file_answer(const struct file *file, enum answer_form out,
                             struct loss_arena *arena, struct answer *answer,
                             struct loss_error *error)
{
    const struct codec_body body = {.bytes = file->bytes, .length = file->length};
    enum loss_status status;

    error->status = LOSS_OK;
    status =
        answer_request(&body, ANSWER_SAFETENSORS, out, &file_limits, &alone, arena, answer, error);
    assert_int_equal(error->status, status);
    return status;
}

void file_check_same(const struct file *file, const char *body)
{
    char text[REPLY_TEXT_BYTES + CODEC_PADDING] = "";
    struct loss_arena arena;
    struct answer got, want;
    struct loss_error error;

    (void)reply_unquoted(body, text);
    loss_arena_init(&arena, NULL);
    if (answer_request(&(struct codec_body){.bytes = text, .length = strlen(text)}, ANSWER_JSON,
                       ANSWER_JSON, &file_limits, &alone, &arena, &want, &error) != LOSS_OK)
        fail_msg("%s: %s", body, error.sentence);
    if (file_answer(file, ANSWER_JSON, &arena, &got, &error) != LOSS_OK)
        fail_msg("the file of %s: %s", body, error.sentence);
    if (got.length != want.length || memcmp(got.body, want.body, want.length) != 0)
        fail_msg("%s: got %.*s, want %.*s", body, (int)got.length, got.body, (int)want.length,
                 want.body);
    assert_int_equal(got.rows, want.rows);
    loss_arena_reset(&arena);
}

static size_t header_bytes(const char *bytes)
{
    uint64_t length;

    memcpy(&length, bytes, sizeof length);
    return (size_t)length;
}

json_t *file_header(const char *bytes, size_t length)
{
    json_error_t error;
    json_t *header;

    assert_true(length >= 8 && header_bytes(bytes) <= length - 8);
    assert_true(bytes[8] == '{');
    header = json_loadb(bytes + 8, header_bytes(bytes), JSON_REJECT_DUPLICATES, &error);
    if (header == NULL)
        fail_msg("the header: %s", error.text);
    return header;
}

struct loss_tensor file_tensor(const char *bytes, const json_t *header, const char *name)
{
    static const char *const names[LOSS_DTYPE_COUNT] = {[LOSS_FLOAT32] = "F32",
                                                        [LOSS_FLOAT64] = "F64",
                                                        [LOSS_FLOAT16] = "F16",
                                                        [LOSS_BFLOAT16] = "BF16",
                                                        [LOSS_INT64] = "I64"};
    const json_t *entry = json_object_get(header, name);
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    struct loss_tensor tensor = {.dtype = LOSS_DTYPE_COUNT,
                                 .rank = (unsigned)json_array_size(shape)};

    if (dtype == NULL)
        fail_msg("there is no %s", name);
    for (int i = 0; i < LOSS_DTYPE_COUNT; i++) {
        if (names[i] != NULL && strcmp(names[i], dtype) == 0)
            tensor.dtype = (enum loss_dtype)i;
    }
    assert_int_not_equal(tensor.dtype, LOSS_DTYPE_COUNT);
    for (unsigned i = 0; i < tensor.rank; i++)
        tensor.shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
    tensor.data = bytes + 8 + header_bytes(bytes) + json_integer_value(json_array_get(offsets, 0));
    if ((uintptr_t)tensor.data % loss_dtype_bytes(tensor.dtype) != 0)
        fail_msg("%s is not aligned", name);
    assert_int_equal(json_integer_value(json_array_get(offsets, 1)) -
                         json_integer_value(json_array_get(offsets, 0)),
                     loss_tensor_elements(&tensor) * loss_dtype_bytes(tensor.dtype));
    return tensor;
}
