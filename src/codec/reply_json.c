/* reply_json.c - the JSON form of a reply. */
#include "codec/reply_json.h"

#include <stdio.h>
#include <string.h>

static void put_key(struct text *text, const char *key)
{
    text_put(text, text->length > 1 ? ",\"" : "\"", text->length > 1 ? 2 : 1);
    text_word(text, key);
    text_put(text, "\":", 2);
}

static void put_count(struct text *text, const char *key, size_t value)
{
    put_key(text, key);
    text_unsigned(text, value);
}

/* The parts of the outputs: those of one table are the members of one object. */
static void put_parts(struct text *text, const struct loss_request *request,
                      const struct loss_result *result)
{
    const char *table = NULL; /* the one that is open */

    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        enum loss_part part = (enum loss_part)i;
        const char *key = loss_part_key(part), *column = loss_part_column(part);

        if (!request->wants[loss_part_output(part)])
            continue;
        if (table != NULL && strcmp(table, key) != 0) {
            text_put(text, "}", 1);
            table = NULL;
        }
        if (column == NULL) {
            put_key(text, key);
        } else if (table == NULL) {
            put_key(text, key);
            text_put(text, "{\"", 2);
            text_word(text, column);
            text_put(text, "\":", 2);
            table = key;
        } else {
            put_key(text, column);
        }
        text_tensor(text, &result->parts[part]);
    }
    if (table != NULL)
        text_put(text, "}", 1);
}

bool reply_json_write(struct text *text, const struct codec_request *request,
                      const struct loss_result *result)
{
    text_put(text, "{", 1);
    if (request->id != NULL) {
        put_key(text, "id");
        text_string(text, request->id);
    }
    put_key(text, "loss");
    text_tensor(text, &result->loss);
    put_key(text, "loss_sum");
    text_double(text, result->loss_sum);
    put_key(text, "weight_sum");
    text_double(text, result->weight_sum);
    put_count(text, "count", result->count);
    put_count(text, "ignored", result->ignored);
    if (result->has_correct)
        put_count(text, "correct", result->correct);
    put_count(text, "classes", result->classes);
    put_key(text, "dtype");
    text_string(text, loss_dtype_name(result->dtype));
    put_parts(text, &request->loss, result);
    text_put(text, "}\n", 2);
    return !text->failed;
}

static char *append_member(char *at, const char *key, const char *string)
{
    at += sprintf(at, "%s\"%s\": ", key[0] == 'e' ? "{" : ", ", key);
    return text_escape(at, string, true); /* a sentence may have been cut */
}

size_t reply_json_write_error(const struct loss_error *error, const char *request_id, char *buffer)
{
    char *at = append_member(buffer, "error", error->sentence);

    at = append_member(at, "code", loss_status_code(error->status));
    if (error->where[0] != '\0')
        at = append_member(at, "where", error->where);
    if (request_id != NULL)
        at = append_member(at, "request_id", request_id);
    memcpy(at, "}\n", 2);
    return (size_t)(at + 2 - buffer);
}
