/* infer_models.c - the models, and what is told about them. */
#include <string.h>

#include "codec/infer_internal.h"

static const struct infer_model models[] = {
    {"cross_entropy", LOSS_STAGE_LOGITS},
    {"nll_loss", LOSS_STAGE_LOG_PROBABILITIES},
    {"categorical_cross_entropy", LOSS_STAGE_PROBABILITIES},
};

enum { MODELS = sizeof models / sizeof models[0] };

const struct infer_model *infer_model_at(size_t index)
{
    return index < MODELS ? &models[index] : NULL;
}

const struct infer_model *infer_model_find(const char *name)
{
    for (size_t i = 0; i < MODELS; i++) {
        if (strcmp(models[i].name, name) == 0)
            return &models[i];
    }
    return NULL;
}

/* A tensor as it is told.  Only one datatype and rank can be told: those of a batch of rows of
 * float32 with class indices. */
struct told {
    const char *name; /* NULL: that of the model's stage */
    const char *datatype, *shape;
    bool is_optional;
};

static const struct told inputs[] = {
    {NULL, "FP32", "[-1,-1]", false},
    {"targets", "INT64", "[-1]", false},
    {"weights", "FP32", "[-1]", true},
};

static const char *const figure_datatypes[INFER_FIGURES] = {
    [INFER_LOSS] = "FP32",     [INFER_LOSS_SUM] = "FP64", [INFER_WEIGHT_SUM] = "FP64",
    [INFER_COUNT] = "INT64",   [INFER_IGNORED] = "INT64", [INFER_CORRECT] = "INT64",
    [INFER_CLASSES] = "INT64",
};

/* The words of the two texts for the same facts. */
struct dialect {
    const char *inputs, *outputs, *datatype, *type_prefix, *shape;
    bool tells_optional;
};

static void put_tensor(struct text *text, const struct dialect *dialect, const struct told *tensor,
                       bool is_input)
{
    text_word(text, "{\"name\":");
    text_string(text, tensor->name);
    text_word(text, dialect->datatype);
    text_word(text, dialect->type_prefix);
    text_word(text, tensor->datatype);
    text_word(text, dialect->shape);
    text_word(text, tensor->shape);
    if (is_input && dialect->tells_optional)
        text_word(text, tensor->is_optional ? ",\"optional\":true" : ",\"optional\":false");
    text_word(text, "}");
}

static void put_tensors(struct text *text, const struct dialect *dialect,
                        const struct infer_model *model)
{
    text_word(text, dialect->inputs);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct told input = inputs[i];

        if (input.name == NULL)
            input.name = loss_stage_name(model->stage);
        text_word(text, i > 0 ? "," : "");
        put_tensor(text, dialect, &input, true);
    }
    text_word(text, dialect->outputs);
    for (int i = 0; i < INFER_FIGURES; i++) {
        char name[INFER_NAME_BYTES];

        text_word(text, i > 0 ? "," : "");
        put_tensor(text, dialect,
                   &(struct told){infer_output_name(i, name), figure_datatypes[i], "[]", false},
                   false);
    }
    text_word(text, "]}\n");
}

static void put_name(struct text *text, const struct infer_model *model)
{
    text_word(text, "{\"name\":");
    text_string(text, model->name);
}

bool infer_write_metadata(struct text *text, const struct infer_model *model)
{
    static const struct dialect dialect = {
        ",\"inputs\":[", "],\"outputs\":[", ",\"datatype\":\"", "", "\",\"shape\":", false};

    put_name(text, model);
    text_word(text, ",\"versions\":[\"1\"],\"platform\":\"lossd_libloss\"");
    put_tensors(text, &dialect, model);
    return !text->failed;
}

/* Without batching: a batch is the first dimension of some tensors only.  Words that tell
 * perf_analyzer of sequences or batching are left out. */
bool infer_write_config(struct text *text, const struct infer_model *model)
{
    static const struct dialect dialect = {",\"input\":[", "],\"output\":[", ",\"data_type\":\"",
                                           "TYPE_",        "\",\"dims\":",   true};

    put_name(text, model);
    text_word(text, ",\"platform\":\"lossd_libloss\",\"max_batch_size\":0");
    put_tensors(text, &dialect, model);
    return !text->failed;
}
