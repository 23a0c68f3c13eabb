/* parts_compare.c - whether two replies say the same. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/parts.h"

static bool is_same(const struct part *got, const struct part *want, size_t i)
{
    double value = want->type == 'f' ? (double)(float)got->values[i] : got->values[i];

    return (isnan(value) && isnan(want->values[i])) ||
           memcmp(&value, &want->values[i], sizeof value) == 0;
}

const char *parts_difference(const struct parts *got, const struct parts *want, char *text,
                             size_t size)
{
    if (got->count != want->count) {
        (void)snprintf(text, size, "%zu parts, want %zu", got->count, want->count);
        return text;
    }
    for (size_t w = 0; w < want->count; w++) {
        const struct part *b = &want->items[w], *a = got->items;

        while (a < got->items + got->count && strcmp(a->name, b->name) != 0)
            a++;
        if (a == got->items + got->count || (a->type != '?' && a->type != b->type) ||
            a->rank != b->rank || memcmp(a->shape, b->shape, b->rank * sizeof *b->shape) != 0) {
            (void)snprintf(text, size, "%s is not there, or of another type or shape", b->name);
            return text;
        }
        for (size_t i = 0; i < b->count; i++) {
            if (is_same(a, b, i))
                continue;
            (void)snprintf(text, size, "%s[%zu] is %a, want %a", b->name, i, a->values[i],
                           b->values[i]);
            return text;
        }
    }
    return NULL;
}
