/* parts.c - replies as tensors by their names. */
#include "support/parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct part *add(struct parts *parts, const char *table, const char *name)
{
    struct part *part = &parts->items[parts->count++];

    assert_true(parts->count <= PARTS_MAX);
    *part = (struct part){.type = '?', .count = 1};
    (void)snprintf(part->name, sizeof part->name, "%s%s%s", table, table[0] != '\0' ? "." : "",
                   name);
    return part;
}

static void hold(struct part *part)
{
    part->count = 1;
    for (unsigned i = 0; i < part->rank; i++)
        part->count *= part->shape[i];
    part->values = calloc(part->count + 1, sizeof *part->values);
    assert_non_null(part->values);
}

void parts_free(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        free(parts->items[i].values);
    *parts = (struct parts){.count = 0};
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* A number, or one of the three words for those that are none; nothing else. */
static double number_of(const char *name, const json_t *value)
{
    const char *word = json_string_value(value);

    if (word == NULL ? !json_is_number(value)
                     : strcmp(word, "NaN") != 0 && isnan(json_number(value)))
        fail_msg("%s: %s is no number", name, word != NULL ? word : "a value");
    return json_number(value);
}

/* Nested arrays into values from *at on; all of one depth have one length. */
static void flatten(struct part *part, const json_t *value, unsigned depth, size_t *at)
{
    if (depth == part->rank) {
        part->values[(*at)++] = number_of(part->name, value);
        return;
    }
    assert_int_equal(json_array_size(value), part->shape[depth]);
    for (size_t i = 0; i < json_array_size(value); i++)
        flatten(part, json_array_get(value, i), depth + 1, at);
}

static void add_nested(struct parts *parts, const char *table, const char *name,
                       const json_t *value)
{
    struct part *part = add(parts, table, name);
    size_t at = 0;

    for (const json_t *inner = value; json_is_array(inner); inner = json_array_get(inner, 0)) {
        assert_true(part->rank < PART_RANK_MAX);
        part->shape[part->rank++] = json_array_size(inner);
    }
    hold(part);
    flatten(part, value, 0, &at);
    assert_int_equal(at, part->count);
}

void parts_of_json(struct parts *parts, const json_t *reply)
{
    const char *name, *column;
    json_t *value, *inner;

    parts->count = 0;
    json_object_foreach ((json_t *)(uintptr_t)reply, name, value) {
        if (strcmp(name, "id") == 0 || strcmp(name, "dtype") == 0)
            continue;
        if (!json_is_object(value))
            add_nested(parts, "", name, value);
        json_object_foreach (value, column, inner)
            add_nested(parts, name, column, inner);
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static double float_at(const char *bytes)
{
    float value;

    memcpy(&value, bytes, sizeof value);
    return (double)value;
}

static double double_at(const char *bytes)
{
    double value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

static double integer_at(const char *bytes)
{
    int64_t value;

    memcpy(&value, bytes, sizeof value);
    return (double)value;
}

/* The values of a part from little-endian bytes that need not be aligned;
 * how many bytes they are. */
static size_t read_bytes(struct part *part, const char *bytes, size_t left)
{
    size_t size = part->type == 'f' ? 4 : 8;

    hold(part);
    if (part->count * size > left)
        fail_msg("%s: %zu elements in %zu bytes", part->name, part->count, left);
    for (size_t i = 0; i < part->count; i++) {
        const char *at = bytes + size * i;

        part->values[i] = part->type == 'f'   ? float_at(at)
                          : part->type == 'i' ? integer_at(at)
                                              : double_at(at);
    }
    return part->count * size;
}

static void read_shape(struct part *part, const json_t *shape)
{
    assert_true(json_is_array(shape) && json_array_size(shape) <= PART_RANK_MAX);
    part->rank = (unsigned)json_array_size(shape);
    for (unsigned i = 0; i < part->rank; i++) {
        assert_true(json_is_integer(json_array_get(shape, i)));
        part->shape[i] = (size_t)json_integer_value(json_array_get(shape, i));
    }
}

static char type_of(const char *name)
{
    if (strcmp(name, "F32") == 0 || strcmp(name, "FP32") == 0)
        return 'f';
    if (strcmp(name, "F64") == 0 || strcmp(name, "FP64") == 0)
        return 'd';
    if (strcmp(name, "I64") != 0 && strcmp(name, "INT64") != 0)
        fail_msg("%s is a type that no reply has", name);
    return 'i';
}

/* Single numbers stand in the metadata as well, and nothing else but the dtype. */
static void check_metadata(const struct parts *parts, const json_t *metadata)
{
    size_t singles = 0;

    assert_true(strncmp(json_text(metadata, "dtype"), "float", 5) == 0);
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->items[i];
        double told = strtod(json_text(metadata, part->name), NULL);

        if (part->rank != 0)
            continue;
        singles++;
        told = part->type == 'f' ? (double)(float)told : told;
        if (json_text(metadata, part->name)[0] == '\0' ||
            (told != part->values[0] && !(isnan(told) && isnan(part->values[0]))))
            fail_msg("%s is %.17g, but \"%s\" in the metadata", part->name, part->values[0],
                     json_text(metadata, part->name));
    }
    assert_int_equal(json_object_size(metadata), singles + 1);
}

void parts_of_file(struct parts *parts, const struct response *response)
{
    uint64_t length;
    size_t end = 0, data;
    const char *name;
    json_t *header, *entry;

    parts->count = 0;
    assert_true(response->body_length > 8);
    memcpy(&length, response->body, sizeof length);
    assert_true(length <= response->body_length - 8 && response->body[8] == '{');
    data = 8 + (size_t)length;
    assert_int_equal(data % 8, 0);
    header = json_loadb(response->body + 8, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(header);
    json_object_foreach (header, name, entry) {
        const json_t *offsets = json_object_get(entry, "data_offsets");
        struct part *part;
        size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));

        if (strcmp(name, "__metadata__") == 0)
            continue;
        part = add(parts, "", name);
        part->type = type_of(json_text(entry, "dtype"));
        read_shape(part, json_object_get(entry, "shape"));
        assert_int_equal(begin, end); /* one after the other, as they are named, without gaps */
        end +=
            read_bytes(part, response->body + data + begin, response->body_length - data - begin);
        assert_int_equal(json_integer_value(json_array_get(offsets, 1)), end);
    }
    assert_int_equal(data + end, response->body_length);
    check_metadata(parts, json_object_get(header, "__metadata__"));
    json_decref(header);
}

/* ---- the Open Inference Protocol ------------------------------------------------------------- */

/* An output with its data here, or from the bytes; how many of these it took. */
static size_t add_output(struct parts *parts, const json_t *output, bool is_binary,
                         const char *bytes, size_t left)
{
    struct part *part = add(parts, "", json_text(output, "name"));
    const json_t *data = json_object_get(output, "data");
    const json_t *size = json_object_get(json_object_get(output, "parameters"), "binary_data_size");
    size_t used = 0;

    assert_int_equal(json_object_size(output), 4);
    part->type = type_of(json_text(output, "datatype"));
    read_shape(part, json_object_get(output, "shape"));
    if (is_binary) {
        used = read_bytes(part, bytes, left);
        assert_true(json_is_integer(size));
        assert_int_equal(json_integer_value(size), used);
        return used;
    }
    hold(part);
    assert_true(json_is_array(data));
    assert_int_equal(json_array_size(data), part->count);
    for (size_t i = 0; i < part->count; i++) {
        double value = number_of(part->name, json_array_get(data, i));

        part->values[i] = part->type == 'f' ? (double)(float)value : value;
    }
    return 0;
}

void parts_of_inference(struct parts *parts, const struct response *response, bool is_binary)
{
    char text[64];
    const char *told =
        response_header(response, "Inference-Header-Content-Length", text, sizeof text);
    size_t length = response->body_length, index;
    json_t *reply, *output;

    parts->count = 0;
    assert_int_equal(told != NULL, is_binary);
    if (told != NULL)
        length = (size_t)strtoull(told, NULL, 10);
    assert_true(length <= response->body_length);
    assert_string_equal(response_header(response, "Content-Type", text, sizeof text),
                        is_binary ? "application/octet-stream" : "application/json");
    reply = json_loadb(response->body, length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(reply);
    json_array_foreach(json_object_get(reply, "outputs"), index, output)
    {
        length += add_output(parts, output, is_binary, response->body + length,
                             response->body_length - length);
    }
    assert_int_equal(length, response->body_length);
    json_decref(reply);
}
