/* request_options.c - the table of options and what reads each. */
#include "codec/request_options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/scan.h"
#include "codec/words.h"

/* What a reader of an option gets. */
struct option {
    const char *name;
    struct request_options *options;
    struct codec_request *request;
    struct loss_error *error;
};

static const char *type_name(const struct option_value *value)
{
    /* clang-format off */
    switch (value->type) {
    case OPTION_OBJECT:  return "an object";
    case OPTION_ARRAY:   return "an array";
    case OPTION_STRING:  return "a string";
    case OPTION_INTEGER:
    case OPTION_REAL:    return "a number";
    case OPTION_BOOLEAN: return "a boolean";
    case OPTION_NULL:    return "null";
    }
    /* clang-format on */
    return "something else";
}

static enum loss_status fail_type(const struct option *option, const struct option_value *value,
                                  const char *expected)
{
    char where[SCAN_KEY_BYTES + 2];
    double number;

    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (value->type == OPTION_STRING && strcmp(expected, "a string") != 0) {
        char quoted[SCAN_KEY_BYTES];

        (void)snprintf(quoted, sizeof quoted, "\"%.20s\"", value->string);
        if (scan_non_finite(quoted, &number) != NULL)
            return loss_fail(option->error, LOSS_NON_FINITE, where,
                             "%s holds a NaN or infinity, which only tensors may", option->name);
    }
    return loss_fail(option->error, LOSS_WRONG_TYPE, where, "%s is %s, but must be %s",
                     option->name, type_name(value), expected);
}

static enum loss_status fail_word(const struct option *option, const char *where, const char *name,
                                  const char *word, const char *const *known, size_t count)
{
    char quoted[64], list[280];

    return loss_fail(option->error, LOSS_UNKNOWN_VALUE, where, "%s is %s, but must be %s", name,
                     words_quote(word, quoted, sizeof quoted),
                     words_list(known, count, list, sizeof list));
}

static enum loss_status read_reduction(const struct option *option,
                                       const struct option_value *value)
{
    if (value->type != OPTION_STRING)
        return fail_type(option, value, "a string");
    option->options->reduction = value->string; /* judged once the old flags are known */
    return LOSS_OK;
}

static enum loss_status read_flag(const struct option *option, const struct option_value *value)
{
    int *flag = strcmp(option->name, "reduce") == 0 ? &option->options->reduce
                                                    : &option->options->size_average;

    if (value->type == OPTION_NULL)
        return LOSS_OK; /* Python's None: not given */
    if (value->type != OPTION_BOOLEAN)
        return fail_type(option, value, "a boolean");
    *flag = value->boolean;
    return LOSS_OK;
}

static enum loss_status read_integer(const struct option *option, const struct option_value *value,
                                     int64_t *integer)
{
    char where[SCAN_KEY_BYTES + 2];

    if (value->type == OPTION_INTEGER) {
        *integer = value->integer;
        return LOSS_OK;
    }
    if (value->type != OPTION_REAL || value->real != floor(value->real))
        return fail_type(option, value, "an integer");
    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (value->real < -0x1p63 || value->real >= 0x1p63)
        return loss_fail(option->error, LOSS_VALUE_OUT_OF_RANGE, where,
                         "%s is %g, but must fit a signed 64-bit integer", option->name,
                         value->real);
    *integer = (int64_t)value->real;
    return LOSS_OK;
}

static enum loss_status read_ignore_index(const struct option *option,
                                          const struct option_value *value)
{
    return read_integer(option, value, &option->request->loss.ignore_index);
}

/* `k` or `bins`; libloss checks the rest of their ranges. */
static enum loss_status read_size(const struct option *option, const struct option_value *value)
{
    struct loss_request *loss = &option->request->loss;
    char where[SCAN_KEY_BYTES + 2];
    int64_t integer;
    enum loss_status status = read_integer(option, value, &integer);

    if (status != LOSS_OK)
        return status;
    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (integer < 1)
        return loss_fail(option->error, LOSS_VALUE_OUT_OF_RANGE, where,
                         "%s is %" PRId64 ", but must be at least 1", option->name, integer);
    *(strcmp(option->name, "k") == 0 ? &loss->k : &loss->bins) = (size_t)integer;
    return LOSS_OK;
}

static enum loss_status read_smoothing(const struct option *option,
                                       const struct option_value *value)
{
    if (value->type != OPTION_INTEGER && value->type != OPTION_REAL)
        return fail_type(option, value, "a number between 0 and 1");
    option->request->loss.label_smoothing = value->real; /* libloss checks its range */
    return LOSS_OK;
}

static enum loss_status read_dtype(const struct option *option, const struct option_value *value)
{
    static const char *const known[] = {"float32", "float64"};
    enum loss_dtype *dtype = &option->request->dtype;

    if (value->type != OPTION_STRING)
        return fail_type(option, value, "a string");
    if (loss_dtype_find(value->string, dtype) && (*dtype == LOSS_FLOAT32 || *dtype == LOSS_FLOAT64))
        return LOSS_OK;
    (void)fail_word(option, "/dtype", option->name, value->string, known, 2);
    return option->error->status = LOSS_UNKNOWN_DTYPE;
}

static enum loss_status read_return(const struct option *option, const struct option_value *value)
{
    const char *known[LOSS_OUTPUT_COUNT];
    char where[32];

    if (value->type != OPTION_ARRAY)
        return fail_type(option, value, "an array of output names");
    for (size_t i = 0; i < value->count; i++) {
        const struct option_value *item = &value->items[i];
        enum loss_output output;

        (void)snprintf(where, sizeof where, "/return/%zu", i);
        if (item->type != OPTION_STRING)
            return loss_fail(option->error, LOSS_WRONG_TYPE, where,
                             "return[%zu] is %s, but must be the name of an output", i,
                             type_name(item));
        if (!loss_output_find(item->string, &output)) {
            char place[32];

            for (int o = 0; o < LOSS_OUTPUT_COUNT; o++)
                known[o] = loss_output_name((enum loss_output)o);
            (void)snprintf(place, sizeof place, "return[%zu]", i);
            return fail_word(option, where, place, item->string, known, LOSS_OUTPUT_COUNT);
        }
        option->request->loss.wants[output] = true;
    }
    return LOSS_OK;
}

static enum loss_status read_id(const struct option *option, const struct option_value *value)
{
    if (value->type != OPTION_STRING)
        return fail_type(option, value, "a string");
    option->request->id = value->string;
    return LOSS_OK;
}

#define OPTION_TABLE(X)                                   \
    X("reduction", read_reduction, OPTION_AS_WORD)        \
    X("ignore_index", read_ignore_index, OPTION_AS_VALUE) \
    X("label_smoothing", read_smoothing, OPTION_AS_VALUE) \
    X("dtype", read_dtype, OPTION_AS_WORD)                \
    X("k", read_size, OPTION_AS_VALUE)                    \
    X("bins", read_size, OPTION_AS_VALUE)                 \
    X("return", read_return, OPTION_AS_LIST)              \
    X("id", read_id, OPTION_AS_WORD)                      \
    X("size_average", read_flag, OPTION_AS_VALUE)         \
    X("reduce", read_flag, OPTION_AS_VALUE)

static const struct {
    const char *name;
    enum loss_status (*read)(const struct option *option, const struct option_value *value);
    enum option_text text;
} table[] = {
#define TABLE_ROW(name, read, text) {name, read, text},
    OPTION_TABLE(TABLE_ROW)
#undef TABLE_ROW
};

enum { OPTIONS = sizeof table / sizeof table[0] };

int request_option_find(const char *name)
{
    for (int i = 0; i < OPTIONS; i++) {
        if (strcmp(table[i].name, name) == 0)
            return i;
    }
    return -1;
}

const char *request_option_name(int number)
{
    return table[number].name;
}

const char *const *request_option_names(size_t *count)
{
#define NAME_ROW(name, read, text) name,
    static const char *const names[OPTIONS] = {OPTION_TABLE(NAME_ROW)};
#undef NAME_ROW

    *count = OPTIONS;
    return names;
}

enum option_text request_option_text(int number)
{
    return table[number].text;
}

enum loss_status request_option_read(struct request_options *options, int number,
                                     const struct option_value *value)
{
    const struct option option = {table[number].name, options, options->request, options->error};

    return table[number].read(&option, value);
}

enum loss_status request_option_resolve(const struct request_options *options)
{
    static const char *const known[] = {"mean", "sum", "none"};
    const struct option option = {"reduction", NULL, options->request, options->error};
    enum loss_reduction *reduction = &options->request->loss.reduction;

    if (options->size_average >= 0 || options->reduce >= 0) {
        *reduction = options->reduce == 0         ? LOSS_REDUCTION_NONE
                     : options->size_average != 0 ? LOSS_REDUCTION_MEAN
                                                  : LOSS_REDUCTION_SUM;
        return LOSS_OK;
    }
    if (options->reduction == NULL || loss_reduction_find(options->reduction, reduction))
        return LOSS_OK;
    if (strcmp(options->reduction, "elementwise_mean") == 0) { /* an old name of it */
        *reduction = LOSS_REDUCTION_MEAN;
        return LOSS_OK;
    }
    return fail_word(&option, "/reduction", "reduction", options->reduction, known, 3);
}
