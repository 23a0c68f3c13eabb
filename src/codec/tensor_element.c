/* tensor_element.c - the elements of a tensor: stored as they come, the odd ones noted. */
#include <math.h>

#include "codec/decimal.h"
#include "codec/decimal_run.h"
#include "codec/tensor_reading_internal.h"

enum { RUN_MAX = 4096 }; /* numbers that are read in one go */

/* Room for one more element.  The rest of the text tells how many there may be, if they go on as
 * they began; growing is bounded all the same, because what follows may be another tensor. */
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
    return tensor_fail_here(reading, LOSS_WRONG_TYPE, found,
                            "a number (or \"NaN\", \"Infinity\", \"-Infinity\")");
}

/* The usual elements, as many as follow each other, up to RUN_MAX; false if there is none, for a
 * closer look. */
static bool read_run(struct reading *reading)
{
    size_t count = reading->count, room = reading->depth > 0 ? reading->capacity - count : 1;
    const char **at = &reading->scanner->at;

    if (room > RUN_MAX)
        room = RUN_MAX;
    if (reading->mode == TENSOR_JSON_FLOAT32)
        room = decimal_run_float32(at, (float *)reading->data + count, room);
    else if (reading->mode == TENSOR_JSON_FLOAT64 || !reading->integers)
        room = decimal_run_float64(at, (double *)reading->data + count, room);
    else
        return false;
    if (room == 0)
        return false;
    reading->count += room;
    if (reading->depth > 0)
        reading->counted[reading->depth - 1] += room - 1; /* the last one's separator comes next */
    return true;
}

enum loss_status tensor_read_element(struct reading *reading)
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
    if (read_run(reading))
        return LOSS_OK;
    if ((first < '0' || first > '9') && (first != '-' || scanner->at[1] == 'I'))
        return read_word(reading);
    after = decimal_scan(scanner->at, &decimal, &stop);
    if (after == NULL)
        return scan_fail_expected(scanner, "a digit of a number", stop);
    value = decimal_to_double(&decimal);
    if (isinf(value))
        return tensor_fail_here(reading, LOSS_NUMBER_OUT_OF_RANGE, "a number too large for float64",
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
