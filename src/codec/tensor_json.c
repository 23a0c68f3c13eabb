/* tensor_json.c - nested JSON arrays of numbers, straight into a tensor. */
#include "codec/tensor_json.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "codec/decimal.h"

enum { FIRST_CAPACITY = 64, UNKNOWN = -1 };

/* A slot of targets: int64 until the first number that is none, float64 from then on. */
union slot {
    int64_t integer;
    double real;
};

struct reading {
    struct scanner *scanner;
    struct loss_arena *arena;
    struct tensor_json *result;
    enum tensor_json_mode mode;
    size_t size; /* bytes of an element */
    size_t elements_max;
    void *data;
    size_t count, capacity;
    const char *start;             /* of the tensor's text */
    bool integers;                 /* targets: all so far */
    unsigned depth;                /* arrays of this tensor open around scanner->at */
    int leaf;                      /* the depth at which numbers stand; UNKNOWN before the first */
    bool closed[LOSS_RANK_MAX];    /* whether an array of this depth is complete, */
    size_t extent[LOSS_RANK_MAX];  /* and its length */
    size_t counted[LOSS_RANK_MAX]; /* elements so far of the open array of each depth */
};

/* Write the place of the element that is being read, from the arrays open around it: as the JSON
 * pointer "/logits/1/0" or, for a sentence, as "logits[1][0]". */
static void place(const struct reading *reading, bool as_pointer, char *text, size_t size)
{
    int length = snprintf(text, size, as_pointer ? "/%s" : "%s", reading->scanner->key);

    for (unsigned i = 0; i < reading->depth && length >= 0 && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, as_pointer ? "/%zu" : "[%zu]",
                           reading->counted[i]);
}

static enum loss_status fail_here(const struct reading *reading, enum loss_status status,
                                  const char *found, const char *expected)
{
    char where[sizeof reading->scanner->error->where], text[sizeof where];

    place(reading, true, where, sizeof where);
    place(reading, false, text, sizeof text);
    return loss_fail(reading->scanner->error, status, where, "%s is %s, but must be %s", text,
                     found, expected);
}

/* Room for one more element.  The rest of the text tells how many there may be, if they go on as they
 * began; growing is bounded all the same, because what follows may be another tensor. */
static enum loss_status grow(struct reading *reading)
{
    const struct scanner *scanner = reading->scanner;
    size_t read = (size_t)(scanner->at - reading->start) + 1;
    size_t left = (size_t)(scanner->end - scanner->at);
    double expected = (double)reading->count * (1.0 + 1.02 * (double)left / (double)read) + 16.0;
    size_t capacity = reading->capacity * 2;
    void *data;

    if (reading->count >= reading->elements_max)
        return scan_fail_member(reading->scanner, LOSS_TOO_MANY_ELEMENTS,
                                "%s has more than %zu elements (elements_max)", scanner->key,
                                reading->elements_max);
    if (expected > (double)capacity)
        capacity = expected < 4.0 * (double)capacity ? (size_t)expected : 4 * capacity;
    if (capacity > reading->elements_max)
        capacity = reading->elements_max;
    data = loss_arena_resize(reading->arena, reading->data, reading->capacity * reading->size,
                             capacity * reading->size);
    if (data == NULL)
        return loss_fail_memory(scanner->error);
    reading->data = data;
    reading->capacity = capacity;
    return LOSS_OK;
}

static void note(struct reading *reading, enum tensor_json_oddity oddity)
{
    struct tensor_json *result = reading->result;

    if (oddity == TENSOR_JSON_NOT_A_NUMBER && result->word_text == NULL) {
        result->word_index = reading->count;
        result->word_text = reading->scanner->at;
    }
    if (result->oddity != TENSOR_JSON_PLAIN)
        return;
    result->oddity = oddity;
    result->odd_index = reading->count;
    result->odd_text = reading->scanner->at;
}

/* Store a target that is no int64: from now on all are float64. */
static void store_real_target(struct reading *reading, double value, enum tensor_json_oddity oddity)
{
    union slot *slots = reading->data;

    note(reading, oddity);
    if (reading->integers) {
        for (size_t i = 0; i < reading->count; i++)
            slots[i].real = (double)slots[i].integer;
        reading->integers = false;
    }
    slots[reading->count++].real = value;
}

static void store_target(struct reading *reading, const struct decimal *decimal, double value)
{
    union slot *slots = reading->data;
    enum decimal_kind kind;
    int64_t integer;

    kind = decimal_to_int64(decimal, &integer);
    if (kind == DECIMAL_HUGE)
        store_real_target(reading, value, TENSOR_JSON_HUGE);
    else if (kind == DECIMAL_FRACTION)
        store_real_target(reading, value, TENSOR_JSON_FRACTION);
    else if (reading->integers)
        slots[reading->count++].integer = integer;
    else
        slots[reading->count++].real = value;
}

static void store_float32(struct reading *reading, double value)
{
    float rounded = (float)value;

    if (isinf(rounded) && !isinf(value))
        note(reading, TENSOR_JSON_OVERFLOW);
    ((float *)reading->data)[reading->count++] = rounded;
}

/* An element that is not a number by RFC 8259: one of the three words, or a fault. */
static enum loss_status read_word(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;
    double value;
    const char *after = scan_non_finite(scanner->at, &value);
    enum loss_status status;
    char found[32];

    if (after != NULL) {
        if (reading->mode == TENSOR_JSON_FLOAT32)
            ((float *)reading->data)[reading->count++] = (float)value;
        else if (reading->mode == TENSOR_JSON_FLOAT64)
            ((double *)reading->data)[reading->count++] = value;
        else
            store_real_target(reading, value, TENSOR_JSON_FRACTION);
        scanner->at = after;
        return LOSS_OK;
    }
    if (reading->mode == TENSOR_JSON_TARGETS && *scanner->at != '{') {
        const char *odd = scanner->at;

        if ((status = scan_value(scanner)) != LOSS_OK)
            return status;
        after = scanner->at;
        scanner->at = odd;
        store_real_target(reading, NAN, TENSOR_JSON_NOT_A_NUMBER);
        scanner->at = after;
        return LOSS_OK;
    }
    (void)scan_describe(scanner, scanner->at, found, sizeof found);
    if ((status = scan_value(scanner)) != LOSS_OK)
        return status;
    return fail_here(reading, LOSS_WRONG_TYPE, found,
                     "a number (or \"NaN\", \"Infinity\", \"-Infinity\")");
}

static enum loss_status read_element(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;
    char first = *scanner->at;
    struct decimal decimal;
    const char *after, *stop;
    double value;

    if (reading->count == reading->capacity) {
        enum loss_status status = grow(reading);

        if (status != LOSS_OK)
            return status;
    }
    if ((first < '0' || first > '9') && (first != '-' || scanner->at[1] == 'I'))
        return read_word(reading);
    after = decimal_scan(scanner->at, &decimal, &stop);
    if (after == NULL)
        return scan_fail_expected(scanner, "a digit of a number", stop);
    value = decimal_to_double(&decimal);
    if (isinf(value))
        return fail_here(reading, LOSS_NUMBER_OUT_OF_RANGE, "a number too large for float64",
                         "1.797e308 at most");
    if (reading->mode == TENSOR_JSON_FLOAT32)
        store_float32(reading, value);
    else if (reading->mode == TENSOR_JSON_FLOAT64)
        ((double *)reading->data)[reading->count++] = value;
    else
        store_target(reading, &decimal, value);
    scanner->at = after;
    return LOSS_OK;
}

/* An array of this depth is complete: it must be as long as its siblings. */
static enum loss_status close_array(struct reading *reading)
{
    char where[sizeof reading->scanner->error->where], text[sizeof where];
    unsigned depth = --reading->depth;

    reading->scanner->at++;
    reading->scanner->depth--;
    if (!reading->closed[depth]) {
        reading->closed[depth] = true;
        reading->extent[depth] = reading->counted[depth];
        return LOSS_OK;
    }
    if (reading->extent[depth] == reading->counted[depth])
        return LOSS_OK;
    place(reading, true, where, sizeof where);
    place(reading, false, text, sizeof text);
    return loss_fail(reading->scanner->error, LOSS_RAGGED_ARRAY, where,
                     "%s has length %zu, but the rows before it have length %zu", text,
                     reading->counted[depth], reading->extent[depth]);
}

/* Numbers must all stand at the same depth, and so must the numbers that an empty array lacks. */
static bool is_leaf(struct reading *reading)
{
    if (reading->leaf == UNKNOWN)
        reading->leaf = (int)reading->depth;
    return reading->leaf == (int)reading->depth;
}

/* Something that is no array, where the elements before it were arrays. */
static enum loss_status fail_flat(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;
    char found[32];
    double value;

    (void)scan_describe(scanner, scanner->at, found, sizeof found);
    if (scan_non_finite(scanner->at, &value) == NULL) {
        enum loss_status status = scan_value(scanner);

        if (status != LOSS_OK)
            return status;
    }
    return fail_here(reading, LOSS_RAGGED_ARRAY, found, "an array like the elements before it");
}

/* Step into an array, and out of it again if it is empty: *empty says so. */
static enum loss_status open_array(struct reading *reading, bool *empty)
{
    enum loss_status status;

    if (reading->leaf == (int)reading->depth)
        return fail_here(reading, LOSS_RAGGED_ARRAY, "an array",
                         "a number like the elements before it");
    if ((status = scan_open(reading->scanner)) != LOSS_OK)
        return status;
    reading->counted[reading->depth++] = 0;
    scan_space(reading->scanner);
    *empty = *reading->scanner->at == ']';
    if (!*empty)
        return LOSS_OK;
    if (is_leaf(reading))
        return close_array(reading);
    reading->depth--;
    return fail_here(reading, LOSS_RAGGED_ARRAY, "an empty array",
                     "an array like the elements before it");
}

/* After an element: the commas and closing brackets that follow it, up to the next element. */
static enum loss_status read_separators(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;
    enum loss_status status;

    while (reading->depth > 0) {
        scan_space(scanner);
        if (*scanner->at == ',') {
            scanner->at++;
            reading->counted[reading->depth - 1]++;
            return LOSS_OK;
        }
        if (*scanner->at != ']')
            return scan_fail_expected(scanner, "',' or ']'", scanner->at);
        reading->counted[reading->depth - 1]++;
        if ((status = close_array(reading)) != LOSS_OK)
            return status;
    }
    return LOSS_OK;
}

static enum loss_status read_all(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;
    enum loss_status status;
    bool empty = false;

    do {
        scan_space(scanner);
        if (*scanner->at == '[') {
            if ((status = open_array(reading, &empty)) != LOSS_OK)
                return status;
            if (!empty)
                continue;
        } else {
            status = is_leaf(reading) ? read_element(reading) : fail_flat(reading);
            if (status != LOSS_OK)
                return status;
        }
        if ((status = read_separators(reading)) != LOSS_OK)
            return status;
    } while (reading->depth > 0);
    return LOSS_OK;
}

enum loss_status tensor_json_read(struct scanner *scanner, enum tensor_json_mode mode,
                                  size_t elements_max, struct loss_arena *arena,
                                  struct tensor_json *result)
{
    struct reading reading = {
        .scanner = scanner,
        .arena = arena,
        .result = result,
        .mode = mode,
        .size = mode == TENSOR_JSON_FLOAT32 ? sizeof(float) : sizeof(union slot),
        .elements_max = elements_max,
        .capacity = FIRST_CAPACITY < elements_max ? FIRST_CAPACITY : elements_max,
        .start = scanner->at,
        .integers = true,
        .leaf = UNKNOWN};
    enum loss_status status;

    assert(scanner->depth_max <= LOSS_RANK_MAX); /* so no array of this tensor can be too deep */
    *result = (struct tensor_json){.oddity = TENSOR_JSON_PLAIN};
    reading.data = loss_arena_take(arena, reading.capacity, reading.size);
    if (reading.data == NULL)
        return loss_fail_memory(scanner->error);
    if ((status = read_all(&reading)) != LOSS_OK)
        return status;
    result->tensor.dtype = mode == TENSOR_JSON_FLOAT32   ? LOSS_FLOAT32
                           : mode == TENSOR_JSON_FLOAT64 ? LOSS_FLOAT64
                           : reading.integers            ? LOSS_INT64
                                                         : LOSS_FLOAT64;
    result->tensor.rank = (unsigned)reading.leaf;
    for (unsigned i = 0; i < result->tensor.rank; i++)
        result->tensor.shape[i] = reading.extent[i];
    result->tensor.data = reading.data;
    return LOSS_OK;
}
