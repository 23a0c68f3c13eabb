/* tensor.c - dtypes by name, and how shapes and places inside a tensor are counted and written. */
#include "loss/tensor.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
    bool is_floating;
} dtypes[LOSS_DTYPE_COUNT] = {
#define DTYPE_ROW(name, text, bytes, floating) [name] = {text, bytes, floating},
    LOSS_DTYPE_TABLE(DTYPE_ROW)
#undef DTYPE_ROW
};

const char *loss_dtype_name(enum loss_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t loss_dtype_bytes(enum loss_dtype dtype)
{
    return dtypes[dtype].bytes;
}

bool loss_dtype_is_floating(enum loss_dtype dtype)
{
    return dtypes[dtype].is_floating;
}

bool loss_dtype_find(const char *name, enum loss_dtype *dtype)
{
    for (int i = 0; i < LOSS_DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            *dtype = (enum loss_dtype)i;
            return true;
        }
    }
    return false;
}

size_t loss_tensor_elements(const struct loss_tensor *tensor)
{
    size_t limit = SIZE_MAX / dtypes[tensor->dtype].bytes, elements = 1;

    for (unsigned i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 0)
            return 0; /* whatever the other dimensions say */
    }
    for (unsigned i = 0; i < tensor->rank; i++) {
        if (elements > limit / tensor->shape[i])
            return SIZE_MAX;
        elements *= tensor->shape[i];
    }
    return elements;
}

bool loss_tensor_same_shape(const struct loss_tensor *a, const struct loss_tensor *b)
{
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

/* Append to a text of `size` bytes of which *used are written; cut when full. */
__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, size_t *used,
                                                         const char *format, ...)
{
    va_list arguments;
    int length;

    assert(*used < size);
    va_start(arguments, format);
    length = vsnprintf(text + *used, size - *used, format, arguments);
    va_end(arguments);
    if (length > 0)
        *used = (size_t)length < size - *used ? *used + (size_t)length : size - 1;
}

const char *loss_tensor_describe(const struct loss_tensor *tensor, char *text, size_t size)
{
    size_t used = 0;

    append(text, size, &used, "[");
    for (unsigned i = 0; i < tensor->rank; i++)
        append(text, size, &used, i == 0 ? "%zu" : ", %zu", tensor->shape[i]);
    append(text, size, &used, "]");
    return text;
}

/* The index along each axis of the element at `index` in C order. */
static void coordinates(const struct loss_tensor *tensor, size_t index, size_t *at)
{
    for (unsigned i = tensor->rank; i-- > 0;) {
        at[i] = tensor->shape[i] != 0 ? index % tensor->shape[i] : 0;
        index = tensor->shape[i] != 0 ? index / tensor->shape[i] : 0;
    }
}

const char *loss_tensor_pointer(const struct loss_tensor *tensor, const char *name, size_t index,
                                char *text, size_t size)
{
    size_t at[LOSS_RANK_MAX], used = 0;

    coordinates(tensor, index, at);
    append(text, size, &used, "/%s", name);
    for (unsigned i = 0; i < tensor->rank; i++)
        append(text, size, &used, "/%zu", at[i]);
    return text;
}

const char *loss_tensor_place(const struct loss_tensor *tensor, const char *name, size_t index,
                              char *text, size_t size)
{
    size_t at[LOSS_RANK_MAX], used = 0;

    coordinates(tensor, index, at);
    append(text, size, &used, "%s", name);
    for (unsigned i = 0; i < tensor->rank; i++)
        append(text, size, &used, "[%zu]", at[i]);
    return text;
}
