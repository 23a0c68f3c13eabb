/* names.c - the words of the contract and the values they stand for. */
#include <string.h>

#include "loss/evaluation.h"

#define NAME_ROW(name, text)                  [name] = text,
#define OUTPUT_ROW(name, text, needs_indices) [name] = text,
static const char *const stages[LOSS_STAGE_COUNT] = {LOSS_STAGE_TABLE(NAME_ROW)};
static const char *const reductions[LOSS_REDUCTION_COUNT] = {LOSS_REDUCTION_TABLE(NAME_ROW)};
static const char *const outputs[LOSS_OUTPUT_COUNT] = {LOSS_OUTPUT_TABLE(OUTPUT_ROW)};
#undef NAME_ROW
#undef OUTPUT_ROW

#define NEEDS_ROW(name, text, needs_indices) [name] = (needs_indices),
static const bool needs_indices[LOSS_OUTPUT_COUNT] = {LOSS_OUTPUT_TABLE(NEEDS_ROW)};
#undef NEEDS_ROW

static const struct {
    enum loss_output output;
    const char *key, *column;
} parts[LOSS_PART_COUNT] = {
#define PART_ROW(name, output, key, column) [name] = {output, key, column},
    LOSS_PART_TABLE(PART_ROW)
#undef PART_ROW
};

/* The index of `name`, or `count`. */
static int find(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return i;
    }
    return count;
}

const char *loss_stage_name(enum loss_stage stage)
{
    return stages[stage];
}

const char *loss_reduction_name(enum loss_reduction reduction)
{
    return reductions[reduction];
}

const char *loss_output_name(enum loss_output output)
{
    return outputs[output];
}

bool loss_output_needs_indices(enum loss_output output)
{
    return needs_indices[output];
}

enum loss_output loss_part_output(enum loss_part part)
{
    return parts[part].output;
}

const char *loss_part_key(enum loss_part part)
{
    return parts[part].key;
}

const char *loss_part_column(enum loss_part part)
{
    return parts[part].column;
}

bool loss_reduction_find(const char *name, enum loss_reduction *reduction)
{
    int found = find(reductions, LOSS_REDUCTION_COUNT, name);

    if (found == LOSS_REDUCTION_COUNT)
        return false;
    *reduction = (enum loss_reduction)found;
    return true;
}

bool loss_output_find(const char *name, enum loss_output *output)
{
    int found = find(outputs, LOSS_OUTPUT_COUNT, name);

    if (found == LOSS_OUTPUT_COUNT)
        return false;
    *output = (enum loss_output)found;
    return true;
}
