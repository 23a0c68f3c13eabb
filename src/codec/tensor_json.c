/* tensor_json.c - nested JSON arrays of numbers, straight into a tensor. */
#include "codec/tensor_json.h"

#include <assert.h>
#include <stdio.h>

#include "codec/tensor_reading_internal.h"

enum { FIRST_CAPACITY = 64, UNKNOWN = -1 };

/* Write the place of the element that is being read, from the arrays open around it: as the JSON
 * pointer "/logits/1/0" or, for a sentence, as "logits[1][0]". */
static void place(const struct reading *reading, bool as_pointer, char *text, size_t size)
{
    int length = snprintf(text, size, as_pointer ? "/%s" : "%s", reading->scanner->key);

    for (unsigned i = 0; i < reading->depth && length >= 0 && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, as_pointer ? "/%zu" : "[%zu]",
                           reading->counted[i]);
}

enum loss_status tensor_fail_here(const struct reading *reading, enum loss_status status,
                                  const char *found, const char *expected)
{
    char where[sizeof reading->scanner->error->where], text[sizeof where];

    place(reading, true, where, sizeof where);
    place(reading, false, text, sizeof text);
    return loss_fail(reading->scanner->error, status, where, "%s is %s, but must be %s", text,
                     found, expected);
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
    return tensor_fail_here(reading, LOSS_RAGGED_ARRAY, found,
                            "an array like the elements before it");
}

/* Step into an array, and out of it again if it is empty: *empty says so. */
static enum loss_status open_array(struct reading *reading, bool *empty)
{
    enum loss_status status;

    if (reading->leaf == (int)reading->depth)
        return tensor_fail_here(reading, LOSS_RAGGED_ARRAY, "an array",
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
    return tensor_fail_here(reading, LOSS_RAGGED_ARRAY, "an empty array",
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

/* A piece of the text has been read. */
static enum loss_status ask(struct reading *reading)
{
    struct scanner *scanner = reading->scanner;

    reading->asked = scanner->at;
    if (!patience_is_over(scanner->patience))
        return LOSS_OK;
    return loss_fail_plainly(scanner->error, LOSS_DEADLINE_EXCEEDED);
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
            status = is_leaf(reading) ? tensor_read_element(reading) : fail_flat(reading);
            if (status != LOSS_OK)
                return status;
        }
        if ((status = read_separators(reading)) != LOSS_OK)
            return status;
        if (scanner->at - reading->asked >= PIECE_BYTES && (status = ask(reading)) != LOSS_OK)
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
        .asked = scanner->at,
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
