/* infer_names.c - the outputs and datatypes of the protocol, and what they are here. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codec/infer_internal.h"
#include "codec/words.h"

/* Tensors lie on the wire as they do in memory. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "binary tensors are little-endian");

static const char *const figures[INFER_FIGURES] = {
    [INFER_LOSS] = "loss",       [INFER_LOSS_SUM] = "loss_sum", [INFER_WEIGHT_SUM] = "weight_sum",
    [INFER_COUNT] = "count",     [INFER_IGNORED] = "ignored",   [INFER_CORRECT] = "correct",
    [INFER_CLASSES] = "classes",
};

const char *infer_output_name(int number, char *name)
{
    enum loss_part part = (enum loss_part)(number - INFER_FIGURES);
    const char *column = number < INFER_FIGURES ? NULL : loss_part_column(part);

    (void)snprintf(name, INFER_NAME_BYTES, "%s%s%s",
                   number < INFER_FIGURES ? figures[number] : loss_part_key(part),
                   column != NULL ? "." : "", column != NULL ? column : "");
    return name;
}

int infer_output_find(const char *name, int *first)
{
    char known[INFER_NAME_BYTES];
    int count = 0;

    for (int i = 0; i < INFER_OUTPUTS; i++) {
        if (strcmp(infer_output_name(i, known), name) == 0) {
            *first = i;
            return 1;
        }
    }
    for (int i = 0; i < LOSS_PART_COUNT; i++) { /* the columns of a table stand together */
        if (strcmp(loss_part_key((enum loss_part)i), name) != 0)
            continue;
        if (count++ == 0)
            *first = INFER_FIGURES + i;
    }
    return count;
}

const char *infer_output_nearest(const char *name, char *nearest)
{
    char names[INFER_OUTPUTS][INFER_NAME_BYTES];
    const char *known[INFER_OUTPUTS + LOSS_OUTPUT_COUNT], *found;
    size_t count = 0;

    for (int i = 0; i < INFER_OUTPUTS; i++)
        known[count++] = infer_output_name(i, names[i]);
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        known[count++] = loss_output_name((enum loss_output)i);
    found = words_nearest(name, known, count);
    if (found == NULL)
        return NULL;
    (void)snprintf(nearest, INFER_NAME_BYTES, "%s", found);
    return nearest;
}

/* The first row of a dtype is its own name.  Class indices above INT64_MAX name no class. */
static const struct infer_datatype datatypes[] = {
    {"FP16", LOSS_FLOAT16, 2, 0, 0},
    {"BF16", LOSS_BFLOAT16, 2, 0, 0},
    {"FP32", LOSS_FLOAT32, 4, 0, 0},
    {"FP64", LOSS_FLOAT64, 8, 0, 0},
    {"INT8", LOSS_INT8, 1, INT8_MIN, INT8_MAX},
    {"INT16", LOSS_INT16, 2, INT16_MIN, INT16_MAX},
    {"INT32", LOSS_INT32, 4, INT32_MIN, INT32_MAX},
    {"INT64", LOSS_INT64, 8, INT64_MIN, INT64_MAX},
    {"UINT8", LOSS_UINT8, 1, 0, UINT8_MAX},
    {"UINT16", LOSS_INT64, 2, 0, UINT16_MAX},
    {"UINT32", LOSS_INT64, 4, 0, UINT32_MAX},
    {"UINT64", LOSS_INT64, 8, 0, INT64_MAX},
};

enum { DATATYPES = sizeof datatypes / sizeof datatypes[0] };

const struct infer_datatype *infer_datatype_find(const char *name)
{
    for (size_t i = 0; i < DATATYPES; i++) {
        if (strcmp(datatypes[i].name, name) == 0)
            return &datatypes[i];
    }
    return NULL;
}

const char *infer_datatype_name(enum loss_dtype dtype)
{
    size_t i = 0;

    while (datatypes[i].dtype != dtype)
        i++;
    return datatypes[i].name;
}

const char *infer_datatype_list(bool with_integers, char *text, size_t size)
{
    const char *names[DATATYPES];
    size_t count = 0;

    for (size_t i = 0; i < DATATYPES; i++) {
        if (with_integers || loss_dtype_is_floating(datatypes[i].dtype))
            names[count++] = datatypes[i].name;
    }
    return words_list(names, count, text, size);
}
