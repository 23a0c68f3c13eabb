/* test_infer_reply.c - replies of the Open Inference Protocol: forms, ids, rankings, and what
 * is told about the models. */
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

#define LOGITS  "{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP32\",\"data\":[1,2,3,4,5,6]}"
#define TARGETS "{\"name\":\"targets\",\"shape\":[2],\"datatype\":\"INT64\",\"data\":[0,2]}"
#define PLAIN   "\"inputs\":[" LOGITS "," TARGETS "]"

/* The reply to plain JSON, and its head parsed; both are the caller's. */
static json_t *head_of(const struct message *message, struct loss_arena *arena,
                       struct answer *answer)
{
    json_error_t error;
    json_t *head;

    *answer = message_reply(message, arena);
    head = json_loadb(answer->body,
                      answer->head_length != CODEC_NO_HEAD ? answer->head_length : answer->length,
                      JSON_REJECT_DUPLICATES, &error);
    if (head == NULL)
        fail_msg("%s: %s", message->json, error.text);
    return head;
}

/* Where the outputs stand in a reply, and how: 'b' for binary, 'j' for JSON. */
static void forms_are_chosen_as_triton_does(void **state)
{
    static const struct {
        const char *request, *forms;
    } rows[] = {
        {"{" PLAIN "}", "jjjjjjj"},
        {"{" PLAIN ",\"outputs\":[]}", "jjjjjjj"},
        {"{" PLAIN ",\"parameters\":{\"binary_data_output\":true}}", "bbbbbbb"},
        {"{\"parameters\":{\"binary_data_output\":true}," PLAIN ",\"outputs\":[]}", "bbbbbbb"},
        {"{" PLAIN ",\"parameters\":{\"binary_data_output\":false}}", "jjjjjjj"},
        /* an output that is listed is binary only if it says so itself */
        {"{" PLAIN ",\"parameters\":{\"binary_data_output\":true},\"outputs\":[{\"name\":\"loss\"},"
         "{\"name\":\"softmax\",\"parameters\":{\"binary_data\":true}},{\"name\":\"count\","
         "\"parameters\":{}},{\"name\":\"accuracy\",\"parameters\":{\"binary_data\":false}}]}",
         "jbjj"},
        {"{" PLAIN ",\"outputs\":[{\"name\":\"per_class\",\"parameters\":{\"binary_data\":true}},"
         "{\"name\":\"ece\"},{\"name\":\"ece_bins\"}]}",
         "bbbbjjjj"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        json_t *head, *outputs;
        size_t bytes = 0;

        loss_arena_init(&arena, NULL);
        head = head_of(&(struct message){LOSS_STAGE_LOGITS, rows[i].request, NULL, 0}, &arena,
                       &answer);
        outputs = json_object_get(head, "outputs");
        assert_int_equal(json_array_size(outputs), strlen(rows[i].forms));
        for (size_t j = 0; j < json_array_size(outputs); j++) {
            json_t *output = json_array_get(outputs, j);
            json_t *parameters = json_object_get(output, "parameters");

            assert_int_equal(parameters != NULL, rows[i].forms[j] == 'b');
            assert_int_equal(json_object_get(output, "data") != NULL, rows[i].forms[j] == 'j');
            bytes += (size_t)json_integer_value(json_object_get(parameters, "binary_data_size"));
        }
        if (bytes > 0)
            assert_int_equal(answer.length, answer.head_length + bytes);
        assert_int_equal(answer.head_length == CODEC_NO_HEAD, bytes == 0);
        json_decref(head);
        loss_arena_reset(&arena);
    }
}

/* Whole replies: order of members, flat data, words for what is not finite, ids, empty outputs. */
static void replies_are_exact(void **state)
{
    static const struct {
        const char *request, *reply;
    } rows[] = {
        {"{\"id\":\"7\"," PLAIN ",\"outputs\":[{\"name\":\"predictions\"},{\"name\":"
         "\"confusion_matrix\"}]}",
         "{\"id\":\"7\",\"model_name\":\"cross_entropy\",\"model_version\":\"1\",\"outputs\":["
         "{\"name\":\"predictions\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":[2,2]},"
         "{\"name\":\"confusion_matrix\",\"datatype\":\"INT64\",\"shape\":[3,3],"
         "\"data\":[0,0,1,0,0,0,0,0,1]}]}\n"},
        {"{" PLAIN ",\"id\":\"\\u00e9\\\"\\ud83d\\ude00\",\"outputs\":[{\"name\":\"count\"}]}",
         "{\"id\":\"\xc3\xa9\\\"\xf0\x9f\x98\x80\",\"model_name\":\"cross_entropy\","
         "\"model_version\":\"1\",\"outputs\":[{\"name\":\"count\",\"datatype\":\"INT64\","
         "\"shape\":[],\"data\":[2]}]}\n"},
        {"{\"id\":\"\",\"inputs\":[{\"data\":[NaN,\"-Infinity\"],\"name\":\"logits\",\"shape\":[1,"
         "2],"
         "\"datatype\":\"FP64\"},{\"name\":\"targets\",\"shape\":[1,2],\"datatype\":"
         "\"FP64\",\"data\":[-0.0,Infinity]}],\"outputs\":[{\"name\":\"loss\"},{\"name\":"
         "\"predictions\"}]}",
         "{\"model_name\":\"cross_entropy\",\"model_version\":\"1\",\"outputs\":[{\"name\":"
         "\"loss\",\"datatype\":\"FP64\",\"shape\":[],\"data\":[\"NaN\"]},{\"name\":"
         "\"predictions\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[0]}]}\n"},
        /* zero bytes of binary data are no binary data */
        {"{\"inputs\":[{\"name\":\"logits\",\"shape\":[0,3],\"datatype\":\"FP32\",\"data\":[]},"
         "{\"name\":\"targets\",\"shape\":[0],\"datatype\":\"INT32\",\"data\":[]}],\"outputs\":"
         "[{\"name\":\"softmax\",\"parameters\":{\"binary_data\":true}},{\"name\":\"losses\"}]}",
         "{\"model_name\":\"cross_entropy\",\"model_version\":\"1\",\"outputs\":[{\"name\":"
         "\"softmax\",\"datatype\":\"FP32\",\"shape\":[0,3],\"parameters\":{\"binary_data_size\":0}"
         "},{\"name\":\"losses\",\"datatype\":\"FP32\",\"shape\":[0],\"data\":[]}]}\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        assert_string_equal(message_text(rows[i].request, &arena), rows[i].reply);
        loss_arena_reset(&arena);
    }
}

/* `correct` needs class indices, so without them it is not among all outputs. */
static void all_outputs_are_those_that_there_are(void **state)
{
    struct loss_arena arena;
    const char *reply;

    (void)state;
    loss_arena_init(&arena, NULL);
    reply = message_text("{\"inputs\":[{\"name\":\"logits\",\"shape\":[2],\"datatype\":\"FP32\","
                         "\"data\":[1,1]},{\"name\":\"targets\",\"shape\":[2],\"datatype\":"
                         "\"FP32\",\"data\":[1,0]}]}",
                         &arena);
    assert_null(strstr(reply, "correct"));
    assert_non_null(strstr(reply, "\"classes\""));
    loss_arena_reset(&arena);
}

/* Both forms of a ranked output; of log-probabilities, log_softmax are the predictions
 * themselves. */
static void check_ranking(const char *shape, const char *targets, const char *data,
                          const char *output, const char *reply)
{
    struct loss_arena arena;
    struct answer text, binary;
    char request[700], want[400], *at;
    const char *bytes;

    loss_arena_init(&arena, NULL);
    for (int is_binary = 0; is_binary < 2; is_binary++) {
        (void)snprintf(
            request, sizeof request,
            "{\"inputs\":[{\"name\":\"log_probabilities\",\"shape\":%s,\"datatype\":\"FP32\","
            "\"data\":%s},{\"name\":\"targets\",\"datatype\":\"INT64\",%s}],\"outputs\":[{\"name\":"
            "%s,\"binary_data\":%s}}]}",
            shape, data, targets, output, is_binary ? "true" : "false");
        *(is_binary ? &binary : &text) = message_reply(
            &(struct message){LOSS_STAGE_LOG_PROBABILITIES, request, NULL, 0}, &arena);
    }
    if (strstr(text.body, reply) == NULL)
        fail_msg("%s: got %s, want %s", request, text.body, reply);
    /* the strings of the binary form, as the JSON form has them */
    at = want + sprintf(want, "\"data\":[");
    bytes = binary.body + binary.head_length;
    assert_int_equal(strtoul(strstr(binary.body, "binary_data_size\":") + 18, NULL, 10),
                     binary.length - binary.head_length);
    for (uint32_t length; bytes < binary.body + binary.length; bytes += sizeof length + length) {
        memcpy(&length, bytes, sizeof length);
        at +=
            sprintf(at, "%s\"%.*s\"", at[-1] == '[' ? "" : ",", (int)length, bytes + sizeof length);
    }
    (void)sprintf(at, "]");
    if (strstr(text.body, want) == NULL)
        fail_msg("%s: binary %s, JSON %s", request, want, text.body);
    loss_arena_reset(&arena);
}

#define ROWS   "\"shape\":[4],\"data\":[0,0,0,0]"
#define PLACES "\"shape\":[2,4],\"data\":[0,0,0,0,0,0,0,0]"

static void nan_ranks_before_all(void **state)
{
    (void)state;
    check_ranking("[4,4]", ROWS, "[-1,-2,NaN,NaN,NaN,-3,-4,NaN,-3,NaN,-1,-2,-4,-3,-2,NaN]",
                  "\"log_softmax\",\"parameters\":{\"classification\":3",
                  "[\"nan:2\",\"nan:3\",\"-1.000000:0\",\"nan:0\",\"nan:3\",\"-3.000000:1\","
                  "\"nan:1\",\"-1.000000:2\",\"-2.000000:3\",\"nan:3\",\"-2.000000:2\","
                  "\"-3.000000:1\"]");
}

static void rankings_are_by_row_or_of_all(void **state)
{
    static const char four[] = "[-1.5,NaN,-1,-1,-2,-1,-1,-8,-4,-3,-2,-1,-5,\"-Infinity\",-7,-6]";
    static const struct {
        const char *shape, *targets, *output, *reply;
    } rows[] = {
        {"[4,4]", ROWS, "\"log_softmax\",\"parameters\":{\"classification\":2",
         "\"shape\":[4,2],\"data\":[\"nan:1\",\"-1.000000:2\",\"-1.000000:1\",\"-1.000000:2\","
         "\"-1.000000:3\",\"-2.000000:2\",\"-5.000000:0\",\"-6.000000:3\"]"},
        {"[4,4]", ROWS, "\"log_softmax\",\"parameters\":{\"classification\":1000",
         "\"shape\":[4,4],\"data\":[\"nan:1\",\"-1.000000:2\",\"-1.000000:3\",\"-1.500000:0\","
         "\"-1.000000:1\",\"-1.000000:2\",\"-2.000000:0\",\"-8.000000:3\",\"-1.000000:3\","},
        {"[4,4]", ROWS, "\"log_softmax\",\"parameters\":{\"classification\":4",
         "\"-5.000000:0\",\"-6.000000:3\",\"-7.000000:2\",\"-inf:1\"]"},
        /* the class axis is the second: rows (-1.5,-2), (NaN,-1), (-1,-1), (-1,-8) ... */
        {"[2,2,4]", PLACES, "\"softmax\",\"parameters\":{\"classification\":1",
         "\"shape\":[2,1,4],\"data\":[\"0.223130:0\",\"nan:0\",\"0.367879:0\",\"0.367879:0\","
         "\"0.018316:0\",\"0.049787:0\",\"0.135335:0\",\"0.367879:0\"]"},
        {"[4,4]", ROWS, "\"predictions\",\"parameters\":{\"classification\":3",
         "\"shape\":[3],\"data\":[\"3:2\",\"1:0\",\"1:1\"]"},
        {"[4,4]", ROWS, "\"loss_sum\",\"parameters\":{\"classification\":3",
         "\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"12.500000:0\"]"},
        {"[4,4]", ROWS, "\"losses\",\"parameters\":{\"classification\":2",
         "\"shape\":[2],\"data\":[\"5.000000:3\",\"4.000000:2\"]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_ranking(rows[i].shape, rows[i].targets, four, rows[i].output, rows[i].reply);
}

static void models_are_told(void **state)
{
    static const char metadata[] =
        "{\"name\":\"nll_loss\",\"versions\":[\"1\"],\"platform\":\"lossd_libloss\",\"inputs\":["
        "{\"name\":\"log_probabilities\",\"datatype\":\"FP32\",\"shape\":[-1,-1]},"
        "{\"name\":\"targets\",\"datatype\":\"INT64\",\"shape\":[-1]},"
        "{\"name\":\"weights\",\"datatype\":\"FP32\",\"shape\":[-1]}],\"outputs\":["
        "{\"name\":\"loss\",\"datatype\":\"FP32\",\"shape\":[]},"
        "{\"name\":\"loss_sum\",\"datatype\":\"FP64\",\"shape\":[]},"
        "{\"name\":\"weight_sum\",\"datatype\":\"FP64\",\"shape\":[]},"
        "{\"name\":\"count\",\"datatype\":\"INT64\",\"shape\":[]},"
        "{\"name\":\"ignored\",\"datatype\":\"INT64\",\"shape\":[]},"
        "{\"name\":\"correct\",\"datatype\":\"INT64\",\"shape\":[]},"
        "{\"name\":\"classes\",\"datatype\":\"INT64\",\"shape\":[]}]}\n";
    static const char config[] =
        "{\"name\":\"nll_loss\",\"platform\":\"lossd_libloss\",\"max_batch_size\":0,\"input\":["
        "{\"name\":\"log_probabilities\",\"data_type\":\"TYPE_FP32\",\"dims\":[-1,-1],"
        "\"optional\":false},{\"name\":\"targets\",\"data_type\":\"TYPE_INT64\",\"dims\":[-1],"
        "\"optional\":false},{\"name\":\"weights\",\"data_type\":\"TYPE_FP32\",\"dims\":[-1],"
        "\"optional\":true}],\"output\":[{\"name\":\"loss\",\"data_type\":\"TYPE_FP32\",\"dims\":[]"
        "},";
    static const char *const names[] = {"cross_entropy", "nll_loss", "categorical_cross_entropy"};
    struct loss_arena arena;
    struct text text;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(infer_model_at(i)->name, names[i]);
        assert_ptr_equal(infer_model_find(names[i]), infer_model_at(i));
    }
    assert_null(infer_model_at(3));
    assert_null(infer_model_find("stats"));
    text_init(&text, &arena, 16);
    assert_true(infer_write_metadata(&text, infer_model_at(1)));
    assert_int_equal(text.length, sizeof metadata - 1);
    assert_memory_equal(text.data, metadata, text.length);
    text_init(&text, &arena, 16);
    assert_true(infer_write_config(&text, infer_model_at(1)));
    assert_memory_equal(text.data, config, sizeof config - 1);
    assert_memory_equal(text.data + text.length - 4, "}]}\n", 4);
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_chosen_as_triton_does),
        cmocka_unit_test(replies_are_exact),
        cmocka_unit_test(all_outputs_are_those_that_there_are),
        cmocka_unit_test(rankings_are_by_row_or_of_all),
        cmocka_unit_test(nan_ranks_before_all),
        cmocka_unit_test(models_are_told),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
