/* test_infer_outputs.c - every output by its name: its datatype, its shape and its values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/messages.h"
#include "support/replies.h"

/* Of two rows of three FP16 logits and two bins. */
static const struct {
    const char *name, *datatype, *shape;
    const char *evaluated; /* the path of the same in the reply of /v1/evaluate */
} outputs[] = {
    {"loss", "FP16", "[]", "loss"},
    {"loss_sum", "FP64", "[]", "loss_sum"},
    {"weight_sum", "FP64", "[]", "weight_sum"},
    {"count", "INT64", "[]", "count"},
    {"ignored", "INT64", "[]", "ignored"},
    {"correct", "INT64", "[]", "correct"},
    {"classes", "INT64", "[]", "classes"},
    {"losses", "FP16", "[2]", NULL},
    {"softmax", "FP16", "[2,3]", NULL},
    {"log_softmax", "FP16", "[2,3]", NULL},
    {"gradient", "FP16", "[2,3]", NULL},
    {"predictions", "INT64", "[2]", "predictions"},
    {"accuracy", "FP64", "[]", "accuracy"},
    {"top_k_accuracy", "FP64", "[]", "top_k_accuracy"},
    {"perplexity", "FP64", "[]", "perplexity"},
    {"entropy", "FP64", "[]", "entropy"},
    {"confidence", "FP64", "[]", "confidence"},
    {"brier", "FP64", "[]", "brier"},
    {"ece", "FP64", "[]", "ece"},
    {"ece_bins.count", "INT64", "[2]", "ece_bins.count"},
    {"ece_bins.confidence", "FP64", "[2]", "ece_bins.confidence"},
    {"ece_bins.accuracy", "FP64", "[2]", "ece_bins.accuracy"},
    {"per_class.loss_sum", "FP64", "[3]", "per_class.loss_sum"},
    {"per_class.weight", "FP64", "[3]", "per_class.weight"},
    {"per_class.count", "INT64", "[3]", "per_class.count"},
    {"per_class.correct", "INT64", "[3]", "per_class.correct"},
    {"confusion_matrix", "INT64", "[3,3]", "confusion_matrix"},
};

enum { OUTPUTS = sizeof outputs / sizeof outputs[0] };

#define LOGITS "[1,2,3,6,5,4]"
#define INPUTS                                                                                \
    "\"inputs\":[{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP16\",\"data\":" LOGITS \
    "},{\"name\":\"targets\",\"shape\":[2],\"datatype\":\"INT32\",\"data\":[1,0]}],"          \
    "\"parameters\":{\"bins\":2,\"k\":2}"

/* Append numbers of any nesting to a flat array. */
static void flatten(const json_t *from, json_t *to)
{
    if (!json_is_array(from)) {
        json_array_append(to, (json_t *)from);
        return;
    }
    for (size_t i = 0; i < json_array_size(from); i++)
        flatten(json_array_get(from, i), to);
}

/* The data must be that of /v1/evaluate, which reads the same FP16 values as float32. */
static void check_values(const char *path, const json_t *evaluated, const json_t *data)
{
    char key[64];
    const char *dot = strchr(path, '.');
    json_t *want = json_array();

    (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(path, "."), path);
    evaluated = json_object_get(evaluated, key);
    flatten(dot != NULL ? json_object_get(evaluated, dot + 1) : evaluated, want);
    if (strcmp(path, "loss") != 0 && !json_equal(want, data))
        fail_msg("%s: %s", path, json_dumps(data, 0));
    json_decref(want);
}

static void every_output_has_a_name(void **state)
{
    char request[4000], *at = request + sprintf(request, "{" INPUTS ",\"outputs\":[");
    struct loss_arena arena;
    struct loss_error error;
    json_t *reply, *evaluated;

    (void)state;
    for (size_t i = 0; i < OUTPUTS; i++)
        at += sprintf(at, "%s{\"parameters\":{\"binary_data\":false},\"name\":\"%s\"}",
                      i > 0 ? "," : "", outputs[i].name);
    (void)sprintf(at, "]}");
    loss_arena_init(&arena, NULL);
    reply = json_loads(message_text(request, &arena), JSON_REJECT_DUPLICATES, NULL);
    evaluated =
        reply_to("{\"logits\":[[1,2,3],[6,5,4]],\"targets\":[1,0],\"bins\":2,\"k\":2,\"return\":["
                 "\"predictions\",\"accuracy\",\"top_k_accuracy\",\"perplexity\",\"entropy\","
                 "\"confidence\",\"brier\",\"ece\",\"per_class\",\"confusion_matrix\"]}",
                 &message_limits, &error);
    assert_non_null(evaluated);
    assert_int_equal(json_array_size(json_object_get(reply, "outputs")), OUTPUTS);
    for (size_t i = 0; i < OUTPUTS; i++) {
        const json_t *output = json_array_get(json_object_get(reply, "outputs"), i);
        char *shape = json_dumps(json_object_get(output, "shape"), JSON_COMPACT);

        assert_string_equal(json_string_value(json_object_get(output, "name")), outputs[i].name);
        assert_string_equal(json_string_value(json_object_get(output, "datatype")),
                            outputs[i].datatype);
        assert_string_equal(shape, outputs[i].shape);
        free(shape);
        if (outputs[i].evaluated != NULL)
            check_values(outputs[i].evaluated, evaluated, json_object_get(output, "data"));
    }
    json_decref(reply);
    json_decref(evaluated);
    loss_arena_reset(&arena);
}

/* A table is all of its columns, in their order, in the form it is asked for. */
static void tables_stand_for_their_columns(void **state)
{
    static const char names[] = "per_class.loss_sum per_class.weight per_class.count "
                                "per_class.correct ece ece_bins.count ece_bins.confidence "
                                "ece_bins.accuracy ";
    struct loss_arena arena;
    char got[sizeof names] = "";
    json_t *reply;

    (void)state;
    loss_arena_init(&arena, NULL);
    reply = json_loads(message_text("{\"outputs\":[{\"name\":\"per_class\"},{\"name\":\"ece\"},"
                                    "{\"name\":\"ece_bins\"}]," INPUTS "}",
                                    &arena),
                       0, NULL);
    for (size_t i = 0; i < 8; i++) {
        const json_t *output = json_array_get(json_object_get(reply, "outputs"), i);
        size_t length = strlen(got);

        (void)snprintf(got + length, sizeof got - length, "%s ",
                       json_string_value(json_object_get(output, "name")));
    }
    assert_string_equal(got, names);
    json_decref(reply);
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_output_has_a_name),
        cmocka_unit_test(tables_stand_for_their_columns),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
