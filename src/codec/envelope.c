/* envelope.c - the options of a request, read by jansson. */
#include "codec/envelope.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/scan.h"
#include "codec/words.h"

/* What jansson needs at most for a text: an empty object, its most wasteful value, takes 3 bytes of
 * text and about 240 of memory; a document that is empty but for its braces takes well under 4 KiB. */
enum { PAD_BYTES_PER_BYTE = 96, PAD_BYTES_LEAST = 8 * 1024, PAD_ALIGNMENT = 16 };

/* Memory that is only ever cut from, for one parse in one thread. */
struct pad {
    char *at, *end;
    bool ran_dry;
};

static _Thread_local struct pad *current_pad; /* NULL: jansson is used elsewhere, on the heap */

static void *pad_take(size_t bytes)
{
    struct pad *pad = current_pad;
    size_t rounded = (bytes + PAD_ALIGNMENT - 1) / PAD_ALIGNMENT * PAD_ALIGNMENT;
    void *taken;

    if (pad == NULL)
        return malloc(bytes);
    if ((size_t)(pad->end - pad->at) < rounded) {
        pad->ran_dry = true;
        return NULL;
    }
    taken = pad->at;
    pad->at += rounded;
    return taken;
}

static void pad_give(void *taken)
{
    if (current_pad == NULL)
        free(taken);
}

void envelope_start(void)
{
    json_set_alloc_funcs(pad_take, pad_give);
    json_object_seed(0);
}

/* What a reader of an option gets. */
struct option {
    const char *name;
    struct envelope *envelope;
    struct codec_request *request;
    struct loss_error *error;
};

static const char *type_name(const json_t *value)
{
    /* clang-format off */
    switch (json_typeof(value)) {
    case JSON_OBJECT:  return "an object";
    case JSON_ARRAY:   return "an array";
    case JSON_STRING:  return "a string";
    case JSON_INTEGER:
    case JSON_REAL:    return "a number";
    case JSON_TRUE:
    case JSON_FALSE:   return "a boolean";
    case JSON_NULL:    return "null";
    }
    /* clang-format on */
    return "something else";
}

static enum loss_status fail_type(const struct option *option, const json_t *value,
                                  const char *expected)
{
    char where[SCAN_KEY_BYTES + 2];
    double number;

    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (json_is_string(value) && strcmp(expected, "a string") != 0) {
        char quoted[SCAN_KEY_BYTES];

        (void)snprintf(quoted, sizeof quoted, "\"%.20s\"", json_string_value(value));
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

static enum loss_status read_reduction(const struct option *option, const json_t *value)
{
    if (!json_is_string(value))
        return fail_type(option, value, "a string");
    /* Judged once the old flags are known. */
    option->envelope->reduction = json_string_value(value);
    return LOSS_OK;
}

static enum loss_status read_flag(const struct option *option, const json_t *value)
{
    int *flag = strcmp(option->name, "reduce") == 0 ? &option->envelope->reduce
                                                    : &option->envelope->size_average;

    if (json_is_null(value))
        return LOSS_OK; /* Python's None: not given */
    if (!json_is_boolean(value))
        return fail_type(option, value, "a boolean");
    *flag = json_is_true(value);
    return LOSS_OK;
}

static enum loss_status read_integer(const struct option *option, const json_t *value,
                                     int64_t *integer)
{
    double real = json_real_value(value); /* 0 if it is no real */
    char where[SCAN_KEY_BYTES + 2];

    if (json_is_integer(value)) {
        *integer = json_integer_value(value);
        return LOSS_OK;
    }
    if (!json_is_real(value) || real != floor(real))
        return fail_type(option, value, "an integer");
    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (real < -0x1p63 || real >= 0x1p63)
        return loss_fail(option->error, LOSS_VALUE_OUT_OF_RANGE, where,
                         "%s is %g, but must fit a signed 64-bit integer", option->name, real);
    *integer = (int64_t)real;
    return LOSS_OK;
}

static enum loss_status read_ignore_index(const struct option *option, const json_t *value)
{
    return read_integer(option, value, &option->request->loss.ignore_index);
}

/* `k` or `bins`; libloss checks the rest of their ranges. */
static enum loss_status read_size(const struct option *option, const json_t *value)
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

static enum loss_status read_smoothing(const struct option *option, const json_t *value)
{
    if (!json_is_number(value))
        return fail_type(option, value, "a number between 0 and 1");
    option->request->loss.label_smoothing = json_number_value(value); /* libloss checks its range */
    return LOSS_OK;
}

static enum loss_status read_dtype(const struct option *option, const json_t *value)
{
    static const char *const known[] = {"float32", "float64"};
    enum loss_dtype *dtype = &option->request->dtype;

    if (!json_is_string(value))
        return fail_type(option, value, "a string");
    if (loss_dtype_find(json_string_value(value), dtype) &&
        (*dtype == LOSS_FLOAT32 || *dtype == LOSS_FLOAT64))
        return LOSS_OK;
    (void)fail_word(option, "/dtype", option->name, json_string_value(value), known, 2);
    return option->error->status = LOSS_UNKNOWN_DTYPE;
}

static enum loss_status read_return(const struct option *option, const json_t *value)
{
    const char *known[LOSS_OUTPUT_COUNT];
    char where[32];

    if (!json_is_array(value))
        return fail_type(option, value, "an array of output names");
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        enum loss_output output;

        (void)snprintf(where, sizeof where, "/return/%zu", i);
        if (!json_is_string(element))
            return loss_fail(option->error, LOSS_WRONG_TYPE, where,
                             "return[%zu] is %s, but must be the name of an output", i,
                             type_name(element));
        if (!loss_output_find(json_string_value(element), &output)) {
            char place[32];

            for (int o = 0; o < LOSS_OUTPUT_COUNT; o++)
                known[o] = loss_output_name((enum loss_output)o);
            (void)snprintf(place, sizeof place, "return[%zu]", i);
            return fail_word(option, where, place, json_string_value(element), known,
                             LOSS_OUTPUT_COUNT);
        }
        option->request->loss.wants[output] = true;
    }
    return LOSS_OK;
}

static enum loss_status read_id(const struct option *option, const json_t *value)
{
    if (!json_is_string(value))
        return fail_type(option, value, "a string");
    option->request->id = json_string_value(value);
    return LOSS_OK;
}

#define OPTION_TABLE(X)                  \
    X("reduction", read_reduction)       \
    X("ignore_index", read_ignore_index) \
    X("label_smoothing", read_smoothing) \
    X("dtype", read_dtype)               \
    X("k", read_size)                    \
    X("bins", read_size)                 \
    X("return", read_return)             \
    X("id", read_id)                     \
    X("size_average", read_flag)         \
    X("reduce", read_flag)

static const struct {
    const char *name;
    enum loss_status (*read)(const struct option *option, const json_t *value);
} readers[] = {
#define READER_ROW(name, read) {name, read},
    OPTION_TABLE(READER_ROW)
#undef READER_ROW
};

enum { READERS = sizeof readers / sizeof readers[0] };

int envelope_find(const char *name)
{
    for (int i = 0; i < READERS; i++) {
        if (strcmp(readers[i].name, name) == 0)
            return i;
    }
    return -1;
}

const char *const *envelope_names(size_t *count)
{
#define NAME_ROW(name, read) name,
    static const char *const names[READERS] = {OPTION_TABLE(NAME_ROW)};
#undef NAME_ROW

    *count = READERS;
    return names;
}

/* jansson refused what the scanner had let pass. */
static enum loss_status fail_parse(const struct option *option, const json_error_t *parse)
{
    enum json_error_code code = json_error_code(parse);
    char where[SCAN_KEY_BYTES + 2];

    (void)snprintf(where, sizeof where, "/%s", option->name);
    if (code == json_error_duplicate_key) /* jansson's text ends in "near '"the key"'" */
        return loss_fail(option->error, LOSS_DUPLICATE_KEY, where, "in %s: %s", option->name,
                         parse->text);
    if (code == json_error_numeric_overflow)
        return loss_fail(option->error, LOSS_NUMBER_OUT_OF_RANGE, where,
                         "%s holds an integer that does not fit 64 bits", option->name);
    return loss_fail(option->error, LOSS_INVALID_JSON, where, "in %s: %s", option->name,
                     parse->text);
}

enum loss_status envelope_read(struct envelope *envelope, int number, const char *text,
                               size_t length, struct loss_arena *arena,
                               struct codec_request *request, struct loss_error *error)
{
    const struct option option = {readers[number].name, envelope, request, error};
    size_t bytes = PAD_BYTES_LEAST + PAD_BYTES_PER_BYTE * length;
    struct pad pad = {.at = loss_arena_take(arena, bytes, 1)};
    const json_t *value;
    json_error_t parse;

    if (pad.at == NULL)
        return loss_fail_memory(error);
    pad.end = pad.at + bytes;
    current_pad = &pad;
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &parse);
    current_pad = NULL;
    if (pad.ran_dry)
        return loss_fail_memory(error); /* whatever jansson made of it */
    if (value == NULL)
        return fail_parse(&option, &parse);
    return readers[number].read(&option, value);
}

enum loss_status envelope_resolve(const struct envelope *envelope, struct codec_request *request,
                                  struct loss_error *error)
{
    static const char *const known[] = {"mean", "sum", "none"};
    const struct option option = {"reduction", NULL, request, error};
    enum loss_reduction *reduction = &request->loss.reduction;

    if (envelope->size_average >= 0 || envelope->reduce >= 0) {
        *reduction = envelope->reduce == 0         ? LOSS_REDUCTION_NONE
                     : envelope->size_average != 0 ? LOSS_REDUCTION_MEAN
                                                   : LOSS_REDUCTION_SUM;
        return LOSS_OK;
    }
    if (envelope->reduction == NULL || loss_reduction_find(envelope->reduction, reduction))
        return LOSS_OK;
    if (strcmp(envelope->reduction, "elementwise_mean") == 0) { /* an old name of it */
        *reduction = LOSS_REDUCTION_MEAN;
        return LOSS_OK;
    }
    return fail_word(&option, "/reduction", "reduction", envelope->reduction, known, 3);
}
