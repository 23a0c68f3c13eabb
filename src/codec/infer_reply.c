/* infer_reply.c - the reply to an inference request. */
#include <string.h>

#include "codec/infer_internal.h"

/* An output ready to be written. */
struct view {
    char name[INFER_NAME_BYTES];
    struct loss_tensor tensor;
    int64_t count; /* what the tensor points to, if it is a count */
    bool is_binary, is_ranked;
    struct infer_ranking ranking; /* instead of the tensor, if it is ranked */
    size_t bytes;                 /* of its binary form */
};

static struct loss_tensor single(enum loss_dtype dtype, const void *data)
{
    return (struct loss_tensor){.dtype = dtype, .data = data};
}

static void view_figure(struct view *view, int figure, const struct loss_result *result)
{
    const size_t counts[INFER_FIGURES] = {[INFER_COUNT] = result->count,
                                          [INFER_IGNORED] = result->ignored,
                                          [INFER_CORRECT] = result->correct,
                                          [INFER_CLASSES] = result->classes};

    if (figure == INFER_LOSS) {
        view->tensor = result->loss;
    } else if (figure == INFER_LOSS_SUM) {
        view->tensor = single(LOSS_FLOAT64, &result->loss_sum);
    } else if (figure == INFER_WEIGHT_SUM) {
        view->tensor = single(LOSS_FLOAT64, &result->weight_sum);
    } else {
        view->count = (int64_t)counts[figure];
        view->tensor = single(LOSS_INT64, &view->count);
    }
}

/* Whether an output has a class for each of its elements. */
static bool has_class_axis(int number)
{
    return number == INFER_FIGURES + LOSS_PART_SOFTMAX ||
           number == INFER_FIGURES + LOSS_PART_LOG_SOFTMAX ||
           number == INFER_FIGURES + LOSS_PART_GRADIENT;
}

/* Rank an output; its strings are counted now, because their size stands before them. */
static bool rank_view(struct view *view, const struct infer_output *output, struct text *text)
{
    enum { STRINGS_AT_ONCE = 512 };
    char string[INFER_RANK_BYTES];
    size_t strings;

    view->is_ranked = true;
    if (!infer_rank(&view->ranking, &view->tensor, has_class_axis(output->number), output->top,
                    text))
        return false;
    strings = view->is_binary ? loss_tensor_elements(&view->ranking.shape) : 0;
    view->bytes = 0;
    for (size_t i = 0; i < strings; i++) {
        view->bytes += sizeof(uint32_t) + infer_rank_write(&view->ranking, i, string);
        if (i % STRINGS_AT_ONCE == STRINGS_AT_ONCE - 1 && !text_is_wanted(text))
            return false;
    }
    return true;
}

static bool make_view(struct view *view, const struct infer_output *output,
                      const struct loss_result *result, struct text *text)
{
    *view = (struct view){.is_binary = output->is_binary};
    (void)infer_output_name(output->number, view->name);
    if (output->number < INFER_FIGURES)
        view_figure(view, output->number, result);
    else
        view->tensor = result->parts[output->number - INFER_FIGURES];
    view->bytes = loss_tensor_elements(&view->tensor) * loss_dtype_bytes(view->tensor.dtype);
    return output->top == 0 || rank_view(view, output, text);
}

static void put_member(struct text *text, const char *before, const char *string)
{
    text_word(text, before);
    text_string(text, string);
}

/* Nested arrays do not exist here: all data is flat. */
static void put_data(struct text *text, const struct view *view)
{
    struct loss_tensor flat = view->tensor;
    size_t strings = loss_tensor_elements(&view->ranking.shape);

    text_word(text, ",\"data\":");
    if (!view->is_ranked) {
        flat.rank = 1;
        flat.shape[0] = loss_tensor_elements(&view->tensor);
        text_tensor(text, &flat);
        return;
    }
    text_word(text, "[");
    for (size_t i = 0; i < strings; i++) {
        char string[INFER_RANK_BYTES];

        string[infer_rank_write(&view->ranking, i, string)] = '\0';
        put_member(text, i > 0 ? "," : "", string);
    }
    text_word(text, "]");
}

static void put_output(struct text *text, const struct view *view)
{
    const struct loss_tensor *shape = view->is_ranked ? &view->ranking.shape : &view->tensor;

    put_member(text, "{\"name\":", view->name);
    put_member(text, ",\"datatype\":",
               view->is_ranked ? "BYTES" : infer_datatype_name(view->tensor.dtype));
    text_word(text, ",\"shape\":[");
    for (unsigned i = 0; i < shape->rank; i++) {
        text_word(text, i > 0 ? "," : "");
        text_unsigned(text, shape->shape[i]);
    }
    text_word(text, "]");
    if (view->is_binary) {
        text_word(text, ",\"parameters\":{\"binary_data_size\":");
        text_unsigned(text, view->bytes);
        text_word(text, "}");
    } else {
        put_data(text, view);
    }
    text_word(text, "}");
}

static void put_bytes(struct text *text, const struct view *view)
{
    size_t strings = loss_tensor_elements(&view->ranking.shape);

    if (!view->is_ranked) {
        if (view->bytes > 0)
            text_put(text, view->tensor.data, view->bytes);
        return;
    }
    for (size_t i = 0; i < strings; i++) {
        char string[INFER_RANK_BYTES];
        uint32_t length = (uint32_t)infer_rank_write(&view->ranking, i, string);

        text_put(text, (const char *)&length, sizeof length);
        text_put(text, string, length);
    }
}

/* Start the text anew, behind what has been taken from its arena since, with room for everything
 * but data in JSON: the bytes of a large tensor are not to be moved. */
static void reserve(struct text *text, const struct codec_request *request, size_t bytes)
{
    enum { OUTPUT_BYTES = 256, FRAME_BYTES = 256 };
    const struct patience *patience = text->patience;
    size_t id_bytes = request->id != NULL ? 6 * strlen(request->id) : 0;

    text_init(text, text->arena,
              FRAME_BYTES + id_bytes + OUTPUT_BYTES * request->infer->count + bytes);
    text->patience = patience;
}

bool reply_infer_write(struct text *text, const struct codec_request *request,
                       const struct loss_result *result, size_t *head_length)
{
    const struct infer_request *infer = request->infer;
    struct view views[INFER_OUTPUTS];
    size_t bytes = 0;

    for (size_t i = 0; i < infer->count; i++) {
        if (!make_view(&views[i], &infer->outputs[i], result, text))
            return false;
        bytes += views[i].is_binary ? views[i].bytes : 0;
    }
    reserve(text, request, bytes);
    if (request->id != NULL)
        put_member(text, "{\"id\":", request->id);
    put_member(text,
               request->id != NULL ? ",\"model_name\":" : "{\"model_name\":", infer->model->name);
    text_word(text, ",\"model_version\":\"1\",\"outputs\":[");
    for (size_t i = 0; i < infer->count; i++) {
        text_word(text, i > 0 ? "," : "");
        put_output(text, &views[i]);
    }
    text_word(text, bytes > 0 ? "]}" : "]}\n");
    *head_length = bytes > 0 ? text->length : CODEC_NO_HEAD;
    for (size_t i = 0; i < infer->count; i++) {
        if (views[i].is_binary)
            put_bytes(text, &views[i]);
    }
    return !text->failed;
}
