/* text.c - a growing JSON text in an arena. */
#include "codec/text.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/shortest.h"

void text_init(struct text *text, struct loss_arena *arena, size_t capacity)
{
    *text = (struct text){.arena = arena, .capacity = capacity};
    text->data = loss_arena_take(arena, capacity, 1);
    text->failed = text->data == NULL;
}

bool text_is_wanted(struct text *text)
{
    if (text->failed)
        return false;
    text->asked = text->length;
    text->is_unwanted = patience_is_over(text->patience);
    text->failed = text->is_unwanted;
    return !text->failed;
}

char *text_room(struct text *text, size_t bytes)
{
    size_t needed = text->length + bytes, capacity = 2 * text->capacity;
    char *data;

    if (text->failed || (text->length - text->asked >= PIECE_BYTES && !text_is_wanted(text)))
        return NULL;
    if (needed <= text->capacity)
        return text->data + text->length;
    if (capacity < needed)
        capacity = needed;
    data = loss_arena_resize(text->arena, text->data, text->length, capacity);
    if (data == NULL) {
        text->failed = true;
        return NULL;
    }
    text->data = data;
    text->capacity = capacity;
    return data + text->length;
}

void text_put(struct text *text, const char *bytes, size_t length)
{
    char *room = text_room(text, length);

    if (room == NULL)
        return;
    memcpy(room, bytes, length);
    text->length += length;
}

void text_word(struct text *text, const char *word)
{
    text_put(text, word, strlen(word));
}

char *text_escape(char *at, const char *string, bool ascii)
{
    *at++ = '"';
    for (; *string != '\0'; string++) {
        unsigned char byte = (unsigned char)*string;

        if (byte == '"' || byte == '\\') {
            *at++ = '\\';
            *at++ = (char)byte;
        } else if (byte < 0x20 || byte == 0x7f) {
            at += sprintf(at, "\\u%04x", byte);
        } else if (byte > 0x7f && ascii) {
            at += sprintf(at, "\\ufffd");
        } else {
            *at++ = (char)byte;
        }
    }
    *at++ = '"';
    return at;
}

void text_string(struct text *text, const char *string)
{
    char *room = text_room(text, 6 * strlen(string) + 2);

    if (room != NULL)
        text->length += (size_t)(text_escape(room, string, false) - room);
}

/* Write an integer; returns the byte after it. */
static char *put_integer(char *at, uint64_t value, bool is_negative)
{
    char digits[20], *first = digits + sizeof digits;
    size_t count;

    do
        *--first = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    if (is_negative)
        *at++ = '-';
    count = (size_t)(digits + sizeof digits - first);
    memcpy(at, first, count);
    return at + count;
}

void text_unsigned(struct text *text, size_t value)
{
    char digits[24];

    text_put(text, digits, (size_t)(put_integer(digits, value, false) - digits));
}

void text_double(struct text *text, double value)
{
    char digits[SHORTEST_BYTES_MAX];

    text_put(text, digits, shortest_float64(value, digits));
}

size_t text_element(const struct loss_tensor *tensor, size_t index, char *at)
{
    const void *data = tensor->data;
    int64_t integer;

    if (tensor->dtype == LOSS_FLOAT32)
        return shortest_float32(((const float *)data)[index], at);
    if (tensor->dtype == LOSS_FLOAT16 || tensor->dtype == LOSS_BFLOAT16)
        return shortest_float32((float)loss_tensor_number(tensor, index), at);
    if (tensor->dtype == LOSS_FLOAT64)
        return shortest_float64(((const double *)data)[index], at);
    assert(tensor->dtype == LOSS_INT64);
    integer = ((const int64_t *)data)[index];
    return (size_t)(put_integer(at, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer,
                                integer < 0) -
                    at);
}

/* Write `count` elements from `first` on, with a comma after each, to `at`, which has
 * SHORTEST_BYTES_MAX + 1 bytes of room for each; returns the byte after the last comma. */
static char *put_elements(char *at, const struct loss_tensor *tensor, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        at += text_element(tensor, i, at);
        *at++ = ',';
    }
    return at;
}

/* `count` elements from `first` on, with commas between them. */
static void put_row(struct text *text, const struct loss_tensor *tensor, size_t first, size_t count)
{
    enum { AT_ONCE = 256 };

    while (count > 0) {
        size_t some = count < AT_ONCE ? count : AT_ONCE;
        char *room = text_room(text, some * (SHORTEST_BYTES_MAX + 1)), *at;

        if (room == NULL)
            return;
        at = put_elements(room, tensor, first, some);
        count -= some;
        first += some;
        text->length += (size_t)(at - room) - (count == 0); /* no comma after the last */
    }
}

/* The part of the tensor from `first` on that axis `axis` and those after it span. */
static void put_axis(struct text *text, const struct loss_tensor *tensor, unsigned axis,
                     size_t first, size_t span)
{
    size_t extent = tensor->shape[axis], stride = extent != 0 ? span / extent : 0;

    text_put(text, "[", 1);
    if (axis + 1 == tensor->rank)
        put_row(text, tensor, first, extent);
    for (size_t i = 0; i < extent && axis + 1 < tensor->rank; i++) {
        if (i > 0)
            text_put(text, ",", 1);
        put_axis(text, tensor, axis + 1, first + i * stride, stride);
    }
    text_put(text, "]", 1);
}

void text_tensor(struct text *text, const struct loss_tensor *tensor)
{
    if (tensor->rank == 0)
        put_row(text, tensor, 0, 1);
    else
        put_axis(text, tensor, 0, 0, loss_tensor_elements(tensor));
}
