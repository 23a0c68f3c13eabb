/* reply_safetensors.c - the safetensors form of a reply. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/safetensors_internal.h"
#include "codec/shortest.h"

enum {
    NUMBERS = 7,
    ENTRIES_MAX = NUMBERS + LOSS_PART_COUNT,
    NAME_BYTES = 48,
    HEADER_ALIGNMENT = 8
};

struct entry {
    char name[NAME_BYTES];
    const struct loss_tensor *tensor;
    size_t bytes;
};

/* What a reply consists of, in the order of its JSON form; and a result's numbers as tensors. */
struct reply {
    struct entry entries[ENTRIES_MAX];
    size_t count;
    struct loss_tensor numbers[NUMBERS];
    int64_t integers[NUMBERS];
    size_t number_count;
};

static void add(struct reply *reply, const char *key, const char *column,
                const struct loss_tensor *tensor)
{
    struct entry *entry = &reply->entries[reply->count++];

    (void)snprintf(entry->name, sizeof entry->name, "%s%s%s", key, column != NULL ? "." : "",
                   column != NULL ? column : "");
    entry->tensor = tensor;
    entry->bytes = loss_tensor_elements(tensor) * loss_dtype_bytes(tensor->dtype);
}

static void add_double(struct reply *reply, const char *key, const double *value)
{
    struct loss_tensor *tensor = &reply->numbers[reply->number_count++];

    *tensor = (struct loss_tensor){.dtype = LOSS_FLOAT64, .data = value};
    add(reply, key, NULL, tensor);
}

static void add_count(struct reply *reply, const char *key, size_t value)
{
    int64_t *integer = &reply->integers[reply->number_count];
    struct loss_tensor *tensor = &reply->numbers[reply->number_count++];

    *integer = (int64_t)value;
    *tensor = (struct loss_tensor){.dtype = LOSS_INT64, .data = integer};
    add(reply, key, NULL, tensor);
}

static void collect(struct reply *reply, const struct loss_request *request,
                    const struct loss_result *result)
{
    reply->count = reply->number_count = 0;
    add(reply, "loss", NULL, &result->loss);
    add_double(reply, "loss_sum", &result->loss_sum);
    add_double(reply, "weight_sum", &result->weight_sum);
    add_count(reply, "count", result->count);
    add_count(reply, "ignored", result->ignored);
    if (result->has_correct)
        add_count(reply, "correct", result->correct);
    add_count(reply, "classes", result->classes);
    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        enum loss_part part = (enum loss_part)i;

        if (request->wants[loss_part_output(part)])
            add(reply, loss_part_key(part), loss_part_column(part), &result->parts[part]);
    }
}

/* As the format's own writer orders them: the wide elements first, so that none needs padding. */
static int compare(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    size_t bytes = loss_dtype_bytes(one->tensor->dtype);
    size_t other_bytes = loss_dtype_bytes(other->tensor->dtype);

    if (bytes != other_bytes)
        return bytes > other_bytes ? -1 : 1;
    return strcmp(one->name, other->name);
}

static void put_member(struct text *text, const char *key, const char *string)
{
    text_word(text, ",");
    text_string(text, key);
    text_word(text, ":");
    text_string(text, string);
}

/* A map of strings, where a NaN is written as in JSON: that is a string already. */
static void put_metadata(struct text *text, const char *id, const struct reply *reply,
                         enum loss_dtype dtype)
{
    text_word(text, "{\"__metadata__\":{\"dtype\":");
    text_string(text, loss_dtype_name(dtype));
    if (id != NULL)
        put_member(text, "id", id);
    for (size_t i = 0; i < reply->count; i++) {
        const struct entry *entry = &reply->entries[i];
        char number[SHORTEST_BYTES_MAX + 1];
        size_t length;

        if (entry->tensor->rank != 0)
            continue;
        length = text_element(entry->tensor, 0, number);
        number[number[0] == '"' ? length - 1 : length] = '\0';
        put_member(text, entry->name, number[0] == '"' ? number + 1 : number);
    }
    text_word(text, "}");
}

static void put_entry(struct text *text, const struct entry *entry, size_t begin)
{
    text_word(text, ",");
    text_string(text, entry->name);
    text_word(text, ":{\"dtype\":");
    text_string(text, safetensors_dtype_name(entry->tensor->dtype));
    text_word(text, ",\"shape\":[");
    for (unsigned i = 0; i < entry->tensor->rank; i++) {
        text_put(text, ",", i > 0);
        text_unsigned(text, entry->tensor->shape[i]);
    }
    text_word(text, "],\"data_offsets\":[");
    text_unsigned(text, begin);
    text_word(text, ",");
    text_unsigned(text, begin + entry->bytes);
    text_word(text, "]}");
}

bool reply_safetensors_write(struct text *text, const struct codec_request *request,
                             const struct loss_result *result)
{
    struct reply reply;
    uint64_t header = 0;
    size_t begin = 0;

    collect(&reply, &request->loss, result);
    text_put(text, (const char *)&header, sizeof header); /* not known yet */
    put_metadata(text, request->id, &reply, result->dtype);
    qsort(reply.entries, reply.count, sizeof reply.entries[0], compare);
    for (size_t i = 0; i < reply.count; i++) {
        put_entry(text, &reply.entries[i], begin);
        begin += reply.entries[i].bytes;
    }
    text_word(text, "}");
    while (text->length % HEADER_ALIGNMENT != 0 && !text->failed)
        text_word(text, " ");
    (void)text_room(text, begin); /* all of it at once */
    if (text->failed)
        return false;
    header = text->length - sizeof header;
    memcpy(text->data, &header, sizeof header);
    for (size_t i = 0; i < reply.count; i++) {
        if (reply.entries[i].bytes != 0)
            text_put(text, reply.entries[i].tensor->data, reply.entries[i].bytes);
    }
    return !text->failed;
}
