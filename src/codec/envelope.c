/* envelope.c - the options of a request, by way of jansson. */
#include "codec/envelope.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/scan.h"
#include "codec/words.h"

/* What jansson needs at most for a text: an empty object, its most wasteful value,
 * takes 3 bytes of text and about 240 of memory; a document that is empty but for its
 * braces takes well under 4 KiB. */
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

/* Parse a JSON text of any kind; NULL with *parse filled, or with *ran_dry if memory did. */
static const json_t *parse(struct envelope *envelope, const char *text, size_t length,
                           json_error_t *error, bool *ran_dry)
{
    size_t bytes = PAD_BYTES_LEAST + PAD_BYTES_PER_BYTE * length;
    struct pad pad = {.at = loss_arena_take(envelope->arena, bytes, 1)};
    const json_t *value;

    *ran_dry = true;
    if (pad.at == NULL)
        return NULL;
    pad.end = pad.at + bytes;
    current_pad = &pad;
    value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
    current_pad = NULL;
    *ran_dry = pad.ran_dry;
    return pad.ran_dry ? NULL : value; /* whatever jansson made of it */
}

static struct option_value plain_value(const json_t *json)
{
    struct option_value value = {.boolean = json_is_true(json),
                                 .integer = json_integer_value(json),
                                 .real = json_number_value(json),
                                 .string = json_string_value(json)};

    /* clang-format off */
    switch (json_typeof(json)) {
    case JSON_OBJECT:  value.type = OPTION_OBJECT;  break;
    case JSON_ARRAY:   value.type = OPTION_ARRAY;   break;
    case JSON_STRING:  value.type = OPTION_STRING;  break;
    case JSON_INTEGER: value.type = OPTION_INTEGER; break;
    case JSON_REAL:    value.type = OPTION_REAL;    break;
    case JSON_TRUE:
    case JSON_FALSE:   value.type = OPTION_BOOLEAN; break;
    case JSON_NULL:    value.type = OPTION_NULL;    break;
    }
    /* clang-format on */
    return value;
}

/* The value with its items, of which only the plain ones have a meaning. */
static enum loss_status read_json(struct envelope *envelope, int number, const json_t *json)
{
    struct option_value value = plain_value(json), *items;

    value.count = json_array_size(json);
    items = loss_arena_take(envelope->arena, value.count, sizeof *items);
    if (items == NULL)
        return loss_fail_memory(envelope->options.error);
    for (size_t i = 0; i < value.count; i++)
        items[i] = plain_value(json_array_get(json, i));
    value.items = items;
    return request_option_read(&envelope->options, number, &value);
}

/* jansson refused what the scanner had let pass. */
static enum loss_status fail_parse(const struct envelope *envelope, const char *name,
                                   const json_error_t *parse)
{
    struct loss_error *error = envelope->options.error;
    enum json_error_code code = json_error_code(parse);
    char where[SCAN_KEY_BYTES + 2];

    (void)snprintf(where, sizeof where, "/%s", name);
    if (code == json_error_duplicate_key) /* jansson's text ends in "near '"the key"'" */
        return loss_fail(error, LOSS_DUPLICATE_KEY, where, "in %s: %s", name, parse->text);
    if (code == json_error_numeric_overflow)
        return loss_fail(error, LOSS_NUMBER_OUT_OF_RANGE, where,
                         "%s holds a number that is too large: integers have 64 bits, others are "
                         "float64",
                         name);
    return loss_fail(error, LOSS_INVALID_JSON, where, "in %s: %s", name, parse->text);
}

/* Note that an option is there, in one of the two places. */
static enum loss_status note(struct envelope *envelope, int number, unsigned *place)
{
    const char *name = request_option_name(number);
    unsigned bit = 1u << number, seen = envelope->in_query | envelope->in_body;
    char where[SCAN_KEY_BYTES + 2];

    (void)snprintf(where, sizeof where, "/%s", name);
    if (*place & bit)
        return loss_fail(envelope->options.error, LOSS_DUPLICATE_KEY, where,
                         "the field \"%s\" is there twice", name);
    if (seen & bit)
        return loss_fail(envelope->options.error, LOSS_CONFLICTING_FIELDS, where,
                         "\"%s\" is in the query of the URL and in the body, but may be in one "
                         "of them only",
                         name);
    *place |= bit;
    return LOSS_OK;
}

static enum loss_status count_bytes(struct envelope *envelope, const char *name, size_t bytes)
{
    char where[SCAN_KEY_BYTES + 2];

    envelope->bytes += bytes;
    if (envelope->bytes <= envelope->limits->envelope_bytes_max)
        return LOSS_OK;
    (void)snprintf(where, sizeof where, "/%s", name);
    return loss_fail(envelope->options.error, LOSS_BODY_TOO_LARGE, where,
                     "the request without its tensors has more than %zu bytes "
                     "(envelope_bytes_max)",
                     envelope->limits->envelope_bytes_max);
}

enum loss_status envelope_read(struct envelope *envelope, int number, const char *text,
                               size_t length)
{
    const char *name = request_option_name(number);
    enum loss_status status = note(envelope, number, &envelope->in_body);
    const json_t *json;
    json_error_t error;
    bool ran_dry;

    if (status != LOSS_OK)
        return status;
    if ((status = count_bytes(envelope, name, strlen(name) + length)) != LOSS_OK)
        return status;
    json = parse(envelope, text, length, &error, &ran_dry);
    if (ran_dry)
        return loss_fail_memory(envelope->options.error);
    if (json == NULL)
        return fail_parse(envelope, name, &error);
    return read_json(envelope, number, json);
}

/* Cut a list at its commas. */
static enum loss_status read_list(struct envelope *envelope, int number, const char *list)
{
    size_t length = strlen(list), count = length != 0 ? 1 : 0;
    char *words = loss_arena_take(envelope->arena, length + 1, 1);
    struct option_value value = {.type = OPTION_ARRAY}, *items;

    for (size_t i = 0; i < length; i++)
        count += list[i] == ',';
    items = loss_arena_take(envelope->arena, count, sizeof *items);
    if (words == NULL || items == NULL)
        return loss_fail_memory(envelope->options.error);
    memcpy(words, list, length + 1);
    for (size_t i = 0; i < count; i++) {
        size_t word = strcspn(words, ",");

        items[i] = (struct option_value){.type = OPTION_STRING, .string = words};
        words += word;
        if (*words == ',')
            *words++ = '\0';
    }
    value.items = items;
    value.count = count;
    return request_option_read(&envelope->options, number, &value);
}

/* A value that is no JSON is a string, for which every reader of a number has its sentence; but a
 * number that is too large is none. */
static enum loss_status read_plain(struct envelope *envelope, int number, const char *text)
{
    struct option_value value = {.type = OPTION_STRING, .string = text};
    const json_t *json;
    json_error_t error;
    bool ran_dry;

    if (request_option_text(number) == OPTION_AS_LIST)
        return read_list(envelope, number, text);
    if (request_option_text(number) == OPTION_AS_WORD)
        return request_option_read(&envelope->options, number, &value);
    json = parse(envelope, text, strlen(text), &error, &ran_dry);
    if (ran_dry)
        return loss_fail_memory(envelope->options.error);
    if (json == NULL && json_error_code(&error) == json_error_numeric_overflow)
        return fail_parse(envelope, request_option_name(number), &error);
    if (json != NULL && !json_is_array(json) && !json_is_object(json))
        value = plain_value(json);
    return request_option_read(&envelope->options, number, &value);
}

static enum loss_status fail_unknown(struct envelope *envelope, const char *name)
{
    size_t count;
    const char *const *names = request_option_names(&count);
    const char *nearest = words_nearest(name, names, count);
    char text[WORDS_UNKNOWN_BYTES];

    return loss_fail(envelope->options.error, LOSS_UNKNOWN_FIELD, NULL, "%s",
                     words_unknown("option", name, nearest, text, sizeof text));
}

static enum loss_status read_text(struct envelope *envelope, const char *name, const char *value,
                                  unsigned *place)
{
    int number = request_option_find(name);
    enum loss_status status;

    if (number < 0)
        return fail_unknown(envelope, name);
    if ((status = note(envelope, number, place)) != LOSS_OK)
        return status;
    if ((status = count_bytes(envelope, name, strlen(name) + strlen(value))) != LOSS_OK)
        return status;
    return read_plain(envelope, number, value);
}

enum loss_status envelope_read_text(struct envelope *envelope, const char *name, const char *value)
{
    return read_text(envelope, name, value, &envelope->in_body);
}

enum loss_status envelope_open(struct envelope *envelope, const struct codec_body *body,
                               const struct codec_limits *limits, struct loss_arena *arena,
                               struct codec_request *request, struct loss_error *error)
{
    *request = (struct codec_request){.loss = LOSS_REQUEST_DEFAULTS, .dtype = LOSS_FLOAT32};
    request->loss.confusion_classes_max = limits->confusion_classes_max;
    *envelope = (struct envelope){
        .options = {.request = request, .error = error, .size_average = -1, .reduce = -1},
        .limits = limits,
        .arena = arena};
    for (size_t i = 0; i < body->query_count; i++) {
        enum loss_status status =
            read_text(envelope, body->query[i].name, body->query[i].value, &envelope->in_query);

        if (status != LOSS_OK)
            return status;
    }
    return LOSS_OK;
}
