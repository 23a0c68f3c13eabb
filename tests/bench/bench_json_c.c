/* bench_json_c.c - jansson, strtod and printf, for bench_json.c. */
#include "bench/bench_json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(void *values, size_t index, bool single, double value)
{
    if (single)
        ((float *)values)[index] = (float)value;
    else
        ((double *)values)[index] = value;
}

size_t others_jansson(const char *body, size_t length, bool single, void *values)
{
    json_t *root = json_loadb(body, length, 0, NULL), *rows = json_object_get(root, "logits");
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);

        for (size_t j = 0; j < json_array_size(row); j++)
            put(values, count++, single, json_number_value(json_array_get(row, j)));
    }
    json_decref(root);
    return count;
}

size_t others_strtod(const char *body, size_t length, bool single, void *values)
{
    const char *at = strchr(strstr(body, "\"logits\""), '['), *end = strchr(at, '}');
    size_t count = 0;

    (void)length;
    for (;;) { /* until a name, that of the targets, comes */
        char *after;

        at += strspn(at, "[], \n");
        if (at >= end || *at == '"')
            return count;
        put(values, count++, single, strtod(at, &after));
        at = after;
    }
}

size_t others_printf(const void *values, size_t count, bool single, char *text, size_t size)
{
    char *at = text;

    (void)size;
    for (size_t i = 0; i < count; i++) {
        if (single)
            at += sprintf(at, "%.9g", (double)((const float *)values)[i]);
        else
            at += sprintf(at, "%.17g", ((const double *)values)[i]);
        *at++ = ',';
    }
    return (size_t)(at - text);
}
