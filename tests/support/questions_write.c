/* questions_write.c - a request in all forms. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/questions.h"

const char *const question_models[QUESTION_STAGES] = {"cross_entropy", "nll_loss",
                                                      "categorical_cross_entropy"};
static const char *const fields[QUESTION_STAGES] = {"logits", "log_probabilities", "probabilities"};

/* What can be asked for; the rows from QUESTION_PLAIN_OUTPUTS on need class indices. */
static const char *const outputs[QUESTION_OUTPUTS] = {
    "losses",  "softmax",    "log_softmax",      "gradient",   "predictions",
    "entropy", "confidence", "accuracy",         "perplexity", "top_k_accuracy",
    "brier",   "per_class",  "confusion_matrix", "ece"};

/* ---- tensors --------------------------------------------------------------------------------- */

/* One of a request's, with numbers or integers. */
struct tensor {
    const char *name;
    unsigned rank;
    size_t shape[4], count;
    const double *numbers;
    const int64_t *integers;
    bool is_wide;
    size_t bytes; /* of an element in binary */
    const char *file_type, *protocol_type;
};

/* The types that integers may have in binary, the last ones only if none is negative. */
static const struct {
    size_t bytes;
    const char *file_type, *protocol_type;
} integer_types[] = {
    {8, "I64", "INT64"}, {4, "I32", "INT32"},  {2, "I16", "INT16"},  {1, "I8", "INT8"},
    {1, "U8", "UINT8"},  {2, "U16", "UINT16"}, {4, "U32", "UINT32"}, {8, "U64", "UINT64"},
};

static struct tensor tensor_of(const struct question *question, int field)
{
    const char *const names[] = {fields[question->stage], "targets", "weights"};
    struct tensor tensor = {.name = names[field],
                            .rank = question->rank,
                            .count = question->elements,
                            .is_wide = question->is_wide,
                            .bytes = question->is_wide ? 8 : 4,
                            .file_type = question->is_wide ? "F64" : "F32",
                            .protocol_type = question->is_wide ? "FP64" : "FP32"};
    size_t type = question->turn % 8;

    memcpy(tensor.shape, question->shape, sizeof tensor.shape);
    tensor.numbers = field == 0 ? question->predictions : question->probabilities;
    if (field == 2) {
        tensor.rank = 1;
        tensor.shape[0] = tensor.count = question->classes;
        tensor.numbers = question->weights;
    } else if (field == 1 && question->indices != NULL) {
        tensor.integers = question->indices;
        tensor.count = question->positions;
        tensor.rank--;
        if (tensor.rank > 0)
            tensor.shape[1] = question->shape[2];
        for (size_t i = 0; i < tensor.count; i++)
            type = tensor.integers[i] < 0 ? type % 4 : type;
        tensor.bytes = integer_types[type].bytes;
        tensor.file_type = integer_types[type].file_type;
        tensor.protocol_type = integer_types[type].protocol_type;
    }
    return tensor;
}

static int field_count(const struct question *question)
{
    return question->weights != NULL ? 3 : 2;
}

static void put_element(FILE *out, const struct tensor *tensor, size_t i)
{
    if (tensor->integers != NULL)
        (void)fprintf(out, "%" PRId64, tensor->integers[i]);
    else if (isnan(tensor->numbers[i]))
        (void)fprintf(out, "NaN");
    else if (isinf(tensor->numbers[i]))
        (void)fprintf(out, tensor->numbers[i] > 0 ? "Infinity" : "\"-Infinity\"");
    else
        (void)fprintf(out, "%.*g", tensor->is_wide ? 17 : 9, tensor->numbers[i]);
}

/* Arrays nested from an axis on; the axis after the last is the element. */
static void put_nested(FILE *out, const struct tensor *tensor, unsigned axis, size_t *at)
{
    if (axis == tensor->rank) {
        put_element(out, tensor, (*at)++);
        return;
    }
    for (size_t i = 0; i < tensor->shape[axis]; i++) {
        (void)fputc(i == 0 ? '[' : ',', out);
        put_nested(out, tensor, axis + 1, at);
    }
    (void)fputc(']', out);
}

static void put_shape(FILE *out, const struct tensor *tensor)
{
    (void)fprintf(out, "\"shape\":[");
    for (unsigned i = 0; i < tensor->rank; i++)
        (void)fprintf(out, "%s%zu", i > 0 ? "," : "", tensor->shape[i]);
    (void)fputc(']', out);
}

static void put_tensor(FILE *out, struct tensor tensor)
{
    for (size_t i = 0; i < tensor.count; i++) {
        float narrow = tensor.integers == NULL ? (float)tensor.numbers[i] : 0;

        if (tensor.integers != NULL)
            (void)fwrite(&tensor.integers[i], tensor.bytes, 1, out); /* its low bytes */
        else if (tensor.is_wide)
            (void)fwrite(&tensor.numbers[i], sizeof tensor.numbers[i], 1, out);
        else
            (void)fwrite(&narrow, sizeof narrow, 1, out);
    }
}

static void put_bytes(FILE *out, const struct question *question)
{
    for (int i = 0; i < field_count(question); i++)
        put_tensor(out, tensor_of(question, i));
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static FILE *begin(struct question_body *body)
{
    FILE *out = open_memstream(&body->bytes, &body->length);

    if (out == NULL)
        abort();
    return out;
}

static void finish(FILE *out)
{
    if (fclose(out) != 0)
        abort();
}

/* The options that are not text as members of an object, each after a
 * comma; in quotes for metadata. */
static void put_options(FILE *out, const struct question *question, const char *quote)
{
    if (question->reduction != NULL)
        (void)fprintf(out, ",\"reduction\":\"%s\"", question->reduction);
    if (question->has_smoothing)
        (void)fprintf(out, ",\"label_smoothing\":%s%.17g%s", quote, question->smoothing, quote);
    if (question->has_ignore_index)
        (void)fprintf(out, ",\"ignore_index\":%s%" PRId64 "%s", quote, question->ignore_index,
                      quote);
    if (question->k > 0)
        (void)fprintf(out, ",\"k\":%s%u%s", quote, question->k, quote);
    if (question->bins > 0)
        (void)fprintf(out, ",\"bins\":%s%u%s", quote, question->bins, quote);
}

/* The wanted names, each in `quote`, with commas between. */
static void put_wants(FILE *out, const struct question *question, const char *quote)
{
    const char *comma = "";

    for (unsigned i = 0; i < QUESTION_OUTPUTS; i++) {
        if ((question->wants & 1u << i) == 0)
            continue;
        (void)fprintf(out, "%s%s%s%s", comma, quote, outputs[i], quote);
        comma = ",";
    }
}

struct question_body question_json(const struct question *question)
{
    struct question_body body;
    FILE *out = begin(&body);

    (void)fprintf(out, "{\"dtype\":\"%s\"", question->is_wide ? "float64" : "float32");
    for (int i = 0; i < field_count(question); i++) {
        struct tensor tensor = tensor_of(question, i);
        size_t at = 0;

        (void)fprintf(out, ",\"%s\":", tensor.name);
        put_nested(out, &tensor, 0, &at);
    }
    put_options(out, question, "");
    (void)fprintf(out, ",\"return\":[");
    put_wants(out, question, "\"");
    (void)fprintf(out, "]}");
    finish(out);
    body.head_length = body.length;
    return body;
}

struct question_body question_file(const struct question *question)
{
    struct question_body head, body;
    FILE *out = begin(&head);
    size_t end = 0;
    uint64_t length;

    (void)fprintf(out, "{\"__metadata__\":{\"return\":\"");
    put_wants(out, question, "");
    (void)fputc('"', out);
    put_options(out, question, "\"");
    (void)fputc('}', out);
    for (int i = 0; i < field_count(question); i++) {
        struct tensor tensor = tensor_of(question, i);

        (void)fprintf(out, ",\"%s\":{\"dtype\":\"%s\",", tensor.name, tensor.file_type);
        put_shape(out, &tensor);
        (void)fprintf(out, ",\"data_offsets\":[%zu,%zu]}", end, end + tensor.count * tensor.bytes);
        end += tensor.count * tensor.bytes;
    }
    (void)fputc('}', out);
    finish(out);
    length = head.length;
    out = begin(&body);
    (void)fwrite(&length, sizeof length, 1, out);
    (void)fwrite(head.bytes, 1, head.length, out);
    put_bytes(out, question);
    finish(out);
    free(head.bytes);
    return body;
}

static void put_outputs(FILE *out, const struct question *question, bool is_binary)
{
    static const char *const figures[] = {"loss",    "loss_sum", "weight_sum", "count",
                                          "ignored", "classes",  "correct"};
    const char *parameters = is_binary ? ",\"parameters\":{\"binary_data\":true}" : "";

    for (size_t i = 0; i < (question->indices != NULL ? 7 : 6); i++)
        (void)fprintf(out, "%s{\"name\":\"%s\"%s}", i > 0 ? "," : "", figures[i], parameters);
    for (unsigned i = 0; i < QUESTION_OUTPUTS; i++) {
        if ((question->wants & 1u << i) == 0)
            continue;
        (void)fprintf(out, ",{\"name\":\"%s\"%s}", outputs[i], parameters);
        if (strcmp(outputs[i], "ece") == 0) /* a table is asked for by its own name */
            (void)fprintf(out, ",{\"name\":\"ece_bins\"%s}", parameters);
    }
}

static void put_input(FILE *out, const struct tensor *tensor, bool is_binary, bool is_nested)
{
    struct tensor flat = *tensor;
    size_t at = 0;

    (void)fprintf(out, "{\"name\":\"%s\",\"datatype\":\"%s\",", tensor->name,
                  tensor->protocol_type);
    put_shape(out, tensor);
    if (is_binary) {
        (void)fprintf(out, ",\"parameters\":{\"binary_data_size\":%zu}}",
                      tensor->count * tensor->bytes);
        return;
    }
    if (!is_nested) {
        flat.rank = 1;
        flat.shape[0] = flat.count;
    }
    (void)fprintf(out, ",\"data\":");
    put_nested(out, &flat, 0, &at);
    (void)fputc('}', out);
}

struct question_body question_inference(const struct question *question, bool is_binary)
{
    struct question_body body;
    FILE *out = begin(&body);

    (void)fprintf(out, "{\"parameters\":{\"priority\":0");
    put_options(out, question, "");
    (void)fprintf(out, "},\"inputs\":[");
    for (int i = 0; i < field_count(question); i++) {
        struct tensor tensor = tensor_of(question, i);

        (void)fputs(i > 0 ? "," : "", out);
        put_input(out, &tensor, is_binary, tensor.rank > 0 && question->turn % 2 == 0);
    }
    (void)fprintf(out, "],\"outputs\":[");
    put_outputs(out, question, is_binary);
    (void)fprintf(out, "]}");
    (void)fflush(out);
    body.head_length = body.length;
    if (is_binary)
        put_bytes(out, question);
    finish(out);
    return body;
}
