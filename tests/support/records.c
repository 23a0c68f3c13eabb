/* records.c - records from gzip-compressed lines of JSON, with tensors in base64. */
#include "support/records.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Memory, or the end: a test without memory has nothing to say. */
static void *resize(void *old, size_t count, size_t size)
{
    void *memory = reallocarray(old, count != 0 ? count : 1, size);

    if (memory == NULL)
        abort();
    return memory;
}

static char *copy_text(const json_t *text)
{
    const char *value = json_string_value(text);
    size_t bytes;

    if (value == NULL)
        return NULL;
    bytes = strlen(value) + 1;
    return memcpy(resize(NULL, bytes, 1), value, bytes);
}

/* RFC 4648, padded; as many bytes as `bytes`, or false. */
static bool decode_base64(const char *text, unsigned char *to, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t held = 0;
    unsigned held_bits = 0;
    size_t written = 0;

    for (; *text != '\0' && *text != '='; text++) {
        const char *digit = strchr(digits, *text);

        if (digit == NULL)
            return false;
        held = held << 6 | (uint32_t)(digit - digits);
        held_bits += 6;
        if (held_bits < 8)
            continue;
        held_bits -= 8;
        if (written == bytes)
            return false;
        to[written++] = (unsigned char)(held >> held_bits);
    }
    return written == bytes;
}

/* {"dtype", "shape", "b64"}; a missing one leaves `given` false. */
static bool read_tensor(const json_t *json, struct record_tensor *to)
{
    const char *dtype = json_string_value(json_object_get(json, "dtype"));
    const char *text = json_string_value(json_object_get(json, "b64"));
    const json_t *shape = json_object_get(json, "shape");
    size_t bytes;
    void *data;

    if (json == NULL)
        return true;
    if (dtype == NULL || text == NULL || json_array_size(shape) > LOSS_RANK_MAX)
        return false;
    to->given = true;
    (void)snprintf(to->dtype_name, sizeof to->dtype_name, "%s", dtype);
    to->tensor.rank = (unsigned)json_array_size(shape);
    for (unsigned i = 0; i < to->tensor.rank; i++)
        to->tensor.shape[i] = (size_t)json_number_value(json_array_get(shape, i));
    to->usable = loss_dtype_find(dtype, &to->tensor.dtype);
    if (!to->usable)
        return true;
    bytes = loss_tensor_elements(&to->tensor) * loss_dtype_bytes(to->tensor.dtype);
    data = resize(NULL, bytes, 1);
    to->tensor.data = data;
    return decode_base64(text, data, bytes);
}

static enum record_flag read_flag(const json_t *json)
{
    if (json_is_true(json))
        return RECORD_FLAG_TRUE;
    return json_is_false(json) ? RECORD_FLAG_FALSE : RECORD_FLAG_ABSENT;
}

/* Integers arrive as doubles, for 2^63 is too large for a json_int_t; the files' are exact. */
static enum record_integer read_ignore_index(const json_t *json, int64_t *value)
{
    double number = json_number_value(json);

    if (json == NULL)
        return RECORD_INTEGER_ABSENT;
    if (number != floor(number))
        return RECORD_INTEGER_FRACTION;
    if (number < -0x1p63 || number >= 0x1p63)
        return RECORD_INTEGER_TOO_LARGE;
    *value = (int64_t)number;
    return RECORD_INTEGER_FITS;
}

static bool read_op(const json_t *json, enum record_op *op)
{
    static const char *const names[] = {
        [RECORD_CROSS_ENTROPY] = "cross_entropy",
        [RECORD_NLL_LOSS] = "nll_loss",
        [RECORD_GRADIENT] = "cross_entropy_gradient",
        [RECORD_ACCURACY] = "accuracy",
    };

    for (int i = 0; i <= RECORD_ACCURACY; i++) {
        if (json_is_string(json) && strcmp(json_string_value(json), names[i]) == 0) {
            *op = (enum record_op)i;
            return true;
        }
    }
    return false;
}

static void read_options(const json_t *args, struct record *record)
{
    const json_t *smoothing = json_object_get(args, "label_smoothing");
    const json_t *reduction = json_object_get(args, "reduction");

    record->has_reduction = reduction != NULL;
    record->reduction = copy_text(reduction);
    record->size_average = read_flag(json_object_get(args, "size_average"));
    record->reduce = read_flag(json_object_get(args, "reduce"));
    record->has_ignore_index =
        read_ignore_index(json_object_get(args, "ignore_index"), &record->ignore_index);
    record->has_label_smoothing = smoothing != NULL;
    record->label_smoothing = json_is_string(smoothing) ? NAN : json_number_value(smoothing);
}

static bool read_record(const json_t *json, struct record *record)
{
    const json_t *args = json_object_get(json, "args"), *error = json_object_get(json, "error");
    const json_t *expected64 = json_object_get(json, "expected64");

    record->name = copy_text(json_object_get(json, "case"));
    if (record->name == NULL || !read_op(json_object_get(json, "op"), &record->op))
        return false;
    read_options(args, record);
    record->error_type = copy_text(json_object_get(error, "type"));
    record->error_message = copy_text(json_object_get(error, "msg"));
    if (!read_tensor(json_object_get(args, "input"), &record->input) ||
        !read_tensor(json_object_get(args, "target"), &record->target) ||
        !read_tensor(json_object_get(args, "weight"), &record->weight))
        return false;
    if (record->op == RECORD_ACCURACY)
        return read_tensor(json_object_get(expected64, "loss"), &record->loss64) &&
               read_tensor(json_object_get(expected64, "log_softmax"), &record->log_softmax) &&
               read_tensor(json_object_get(expected64, "softmax"), &record->softmax);
    if (record->op == RECORD_GRADIENT)
        return read_tensor(json_object_get(json, "loss64"), &record->loss64) &&
               read_tensor(expected64, &record->expected64) &&
               read_tensor(json_object_get(args, "grad_output"), &record->upstream);
    return read_tensor(json_object_get(json, "expected"), &record->expected) &&
           read_tensor(expected64, &record->expected64);
}

/* The next line without its end, in a buffer that grows; false at the end of the file. */
static bool read_line(gzFile file, char **line, size_t *room)
{
    size_t used = 0;

    for (;;) {
        if (*room - used < 2) {
            *room = *room * 2 + 4096;
            *line = resize(*line, *room, 1);
        }
        if (gzgets(file, *line + used, (int)(*room - used)) == NULL)
            return used != 0;
        used += strlen(*line + used);
        if (used != 0 && (*line)[used - 1] == '\n')
            return true;
    }
}

struct record *records_read(const char *path, size_t *count)
{
    gzFile file = gzopen(path, "rb");
    struct record *records = NULL;
    bool is_good = file != NULL;
    size_t room = 0;
    char *line = NULL;

    *count = 0;
    while (is_good && read_line(file, &line, &room)) {
        json_t *json = json_loads(line, JSON_DECODE_INT_AS_REAL, NULL);

        records = resize(records, *count + 1, sizeof *records);
        memset(&records[*count], 0, sizeof *records);
        is_good = read_record(json, &records[(*count)++]);
        json_decref(json);
    }
    free(line);
    if (file != NULL)
        (void)gzclose(file); /* opened for reading: nothing to lose */
    if (is_good && *count != 0)
        return records;
    (void)fprintf(stderr, "%s: cannot read record %zu (run from the project's root)\n", path,
                  *count);
    records_free(records, *count);
    return NULL;
}

void records_free(struct record *records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct record *record = &records[i];
        const struct record_tensor *tensors[] = {
            &record->input,    &record->target,      &record->weight,
            &record->expected, &record->expected64,  &record->upstream,
            &record->loss64,   &record->log_softmax, &record->softmax};

        for (size_t t = 0; t < sizeof tensors / sizeof tensors[0]; t++)
            free((void *)tensors[t]->tensor.data);
        free(record->name);
        free(record->reduction);
        free(record->error_type);
        free(record->error_message);
    }
    free(records);
}

/* The old flags replace `reduction`, even an invalid one; a missing flag counts as true. */
static bool resolve_reduction(const struct record *record, enum loss_reduction *reduction)
{
    if (record->size_average != RECORD_FLAG_ABSENT || record->reduce != RECORD_FLAG_ABSENT) {
        *reduction = record->reduce == RECORD_FLAG_FALSE         ? LOSS_REDUCTION_NONE
                     : record->size_average == RECORD_FLAG_FALSE ? LOSS_REDUCTION_SUM
                                                                 : LOSS_REDUCTION_MEAN;
        return true;
    }
    if (!record->has_reduction)
        return true;
    if (record->reduction == NULL)
        return false;
    if (strcmp(record->reduction, "elementwise_mean") == 0) {
        *reduction = LOSS_REDUCTION_MEAN;
        return true;
    }
    return loss_reduction_find(record->reduction, reduction);
}

bool record_request(const struct record *record, struct loss_request *request)
{
    *request = (struct loss_request)LOSS_REQUEST_DEFAULTS;
    request->stage =
        record->op == RECORD_NLL_LOSS ? LOSS_STAGE_LOG_PROBABILITIES : LOSS_STAGE_LOGITS;
    request->predictions = record->input.tensor;
    request->targets = record->target.tensor;
    if (record->weight.given)
        request->weights = &record->weight.tensor;
    if (record->has_ignore_index == RECORD_INTEGER_FITS)
        request->ignore_index = record->ignore_index;
    if (record->has_label_smoothing)
        request->label_smoothing = record->label_smoothing;
    return resolve_reduction(record, &request->reduction) &&
           record->has_ignore_index != RECORD_INTEGER_FRACTION &&
           record->has_ignore_index != RECORD_INTEGER_TOO_LARGE && record->input.usable &&
           record->target.usable && (!record->weight.given || record->weight.usable);
}
