/* test_infer_request.c - requests of the Open Inference Protocol as its clients write them: every
 * form of the same tensors means the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/messages.h"
#include "support/numbers.h"

#define LOGITS  "{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP32\","
#define TARGETS "{\"name\":\"targets\",\"shape\":[2],\"datatype\":\"INT64\","
#define PLAIN   LOGITS "\"data\":[1,2,3,4,5,6]}," TARGETS "\"data\":[0,2]}"

/* What tritonclient 2.x sends for infer("m", [logits, targets]) with all defaults. */
#define CLIENT(name)                                                                          \
    "{\"inputs\":[{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP32\",\"parameters\":" \
    "{\"binary_data_size\":24}},{\"name\":\"" name "\",\"shape\":[2],\"datatype\":\"INT64\"," \
    "\"parameters\":{\"binary_data_size\":16}}],\"parameters\":{\"binary_data_output\":true}}"

struct tail {
    float logits[6];
    int64_t targets[2];
};
static const struct tail tail = {{1, 2, 3, 4, 5, 6}, {0, 2}};

/* log(1 + e^-1 + e^-2) = 0.40760596...; the losses are 2.407606 and 0.407606. */
static void the_client_with_its_defaults_is_answered(void **state)
{
    static const char head[] =
        "{\"model_name\":\"cross_entropy\",\"model_version\":\"1\",\"outputs\":["
        "{\"name\":\"loss\",\"datatype\":\"FP32\",\"shape\":[],\"parameters\":{\"binary_data_size\""
        ":4}},"
        "{\"name\":\"loss_sum\",\"datatype\":\"FP64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}},"
        "{\"name\":\"weight_sum\",\"datatype\":\"FP64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}},"
        "{\"name\":\"count\",\"datatype\":\"INT64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}},"
        "{\"name\":\"ignored\",\"datatype\":\"INT64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}},"
        "{\"name\":\"correct\",\"datatype\":\"INT64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}},"
        "{\"name\":\"classes\",\"datatype\":\"INT64\",\"shape\":[],\"parameters\":{\"binary_data_"
        "size\":8}}]}";
    const int64_t counts[4] = {2, 0, 1, 3};

    (void)state;
    assert_int_equal(strlen(CLIENT("target")), 226);
    for (size_t shift = 0; shift < 9; shift++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;
        double sum, weight_sum;
        float loss;

        loss_arena_init(&arena, NULL);
        assert_int_equal(
            message_answer(&(struct message){LOSS_STAGE_LOGITS, CLIENT("targets"), &tail, 40},
                           shift, &arena, &answer, &error),
            LOSS_OK);
        assert_int_equal(answer.head_length, sizeof head - 1);
        assert_memory_equal(answer.body, head, sizeof head - 1);
        assert_int_equal(answer.length, sizeof head - 1 + 52);
        assert_string_equal(answer.media_type, "application/octet-stream");
        memcpy(&loss, answer.body + answer.head_length, 4);
        memcpy(&sum, answer.body + answer.head_length + 4, 8);
        memcpy(&weight_sum, answer.body + answer.head_length + 12, 8);
        assert_true(loss == 1.4076059644443801f && weight_sum == 2.0);
        assert_true(number_is_near(sum, 2.8152119288887602, 1e-7, 0));
        assert_memory_equal(answer.body + answer.head_length + 20, counts, sizeof counts);
        assert_int_equal(answer.rows, 2);
        loss_arena_reset(&arena);
    }
}

#define LOSS_REPLY \
    "\"outputs\":[{\"name\":\"loss\",\"datatype\":\"FP32\",\"shape\":[],\"data\":[1.407606]}]}\n"
#define REPLY "{\"model_name\":\"cross_entropy\",\"model_version\":\"1\"," LOSS_REPLY

/* Requests that differ in what does not matter.  Each is asked for the loss alone. */
static void what_does_not_matter_changes_nothing(void **state)
{
    static const char *const requests[] = {
        "{\"inputs\":[" PLAIN "],\"outputs\":[{\"name\":\"loss\"}]}",
        " {\n\t\"outputs\" : [ { \"parameters\":{\"binary_data\":false}, \"name\" : \"loss\" } "
        "],\r\n"
        "\"inputs\":[ " PLAIN " ] } \n",
        /* nested, numbers as a client likes to write them */
        "{\"inputs\":[" LOGITS "\"data\":[[1.0,2e0,3],[40e-1,5.0,6]]}," TARGETS
        "\"data\":[0.0,2]}],\"outputs\":[{\"name\":\"loss\"}]}",
        /* data first */
        "{\"inputs\":[{\"data\":[[1,2,3],[4,5,6]],\"datatype\":\"FP32\",\"shape\":[2,3],\"name\":"
        "\"logits\"},{\"data\":[0,2],\"name\":\"targets\",\"shape\":[2],\"datatype\":\"INT64\"}],"
        "\"outputs\":[{\"name\":\"loss\"}]}",
        /* targets first; the name last */
        "{\"inputs\":[{\"datatype\":\"INT64\",\"data\":[0,2],\"shape\":[2],\"name\":\"targets\"},"
        "{\"datatype\":\"FP32\",\"data\":[1,2,3,4,5,6],\"shape\":[2,3],\"name\":\"logits\"}],"
        "\"outputs\":[{\"name\":\"loss\"}]}",
        /* KServe: a model name; and what nobody knows, at every level */
        "{\"id\":\"\",\"model_name\":\"m\",\"x\":[{\"inputs\":1}],\"inputs\":[{\"content\":{},"
        "\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP32\",\"data\":[1,2,3,4,5,6],"
        "\"parameters\":{\"content_type\":\"np\"}}," TARGETS
        "\"data\":[0,2]}],\"outputs\":[{\"name\":\"loss\",\"y\":0,\"parameters\":{\"z\":[]}}]}",
        /* null is absent, everywhere and any number of times */
        "{\"id\":null,\"parameters\":null,\"outputs\":null,\"inputs\":null,\"inputs\":[" LOGITS
        "\"data\":null,\"parameters\":null,\"data\":[1,2,3,4,5,6]}," TARGETS
        "\"parameters\":{\"binary_data_size\":null},\"data\":[0,2]}],\"outputs\":[{\"name\":"
        "\"loss\",\"parameters\":{\"binary_data\":null,\"classification\":null}}]}",
        /* parameters that are the same as none, or that are nothing to us */
        "{\"inputs\":[" PLAIN "],\"outputs\":[{\"name\":\"loss\",\"parameters\":{\"classification\""
        ":0}}],\"parameters\":{\"priority\":1,\"timeout\":0,\"headers\":{\"a\":\"b\"},"
        "\"sequence_id\":0,\"sequence_start\":false,\"sequence_end\":false,"
        "\"binary_data_output\":true,\"reduction\":null,\"k\":3}}",
        "{\"inputs\":[" PLAIN "],\"outputs\":[{\"name\":\"loss\"}],"
        "\"parameters\":{\"sequence_id\":\"\",\"ignore_index\":-7,\"reduce\":true}}",
        /* escapes in names that are known */
        "{\"in\\u0070uts\":[" PLAIN "],\"outputs\":[{\"name\":\"l\\u006fss\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        if (strcmp(message_text(requests[i], &arena), REPLY) != 0)
            fail_msg("%s: %s", requests[i], message_text(requests[i], &arena));
        loss_arena_reset(&arena);
    }
}

/* A header that counts the whole body is plain JSON, as the C++ client sends it. */
static void a_head_may_be_the_whole_body(void **state)
{
    struct loss_arena arena;
    struct answer answer;

    (void)state;
    loss_arena_init(&arena, NULL);
    answer = message_reply(&(struct message){LOSS_STAGE_LOGITS,
                                             "{\"id\":\"\",\"inputs\":[" PLAIN
                                             "],\"outputs\":[{\"name\":\"loss\"}]}",
                                             "", 0},
                           &arena);
    assert_string_equal(answer.body, REPLY);
    loss_arena_reset(&arena);
}

/* KServe sends an empty tensor as null beside a size of 0; others as an empty array. */
static void empty_tensors_and_scalars_have_their_forms(void **state)
{
    static const struct {
        const char *logits, *targets, *reply;
    } rows[] = {
        {"\"shape\":[0,3],\"data\":[]", "\"shape\":[0],\"data\":[]", "[\"NaN\"]"},
        {"\"shape\":[0,3],\"data\":null,\"parameters\":{\"binary_data_size\":0}",
         "\"shape\":[0],\"parameters\":{\"binary_data_size\":0},\"data\":null", "[\"NaN\"]"},
        {"\"shape\":[2,3,0],\"data\":[[[],[],[]],[[],[],[]]]", "\"shape\":[2,0],\"data\":[[],[]]",
         "[\"NaN\"]"},
        {"\"shape\":[2,3,0,2],\"data\":[[[],[],[]],[[],[],[]]]",
         "\"shape\":[2,0,2],\"data\":[[],[]]", "[\"NaN\"]"},
        {"\"shape\":[3],\"data\":[1,2,3]", "\"shape\":[],\"data\":[2]", "[0.40760598]"},
        {"\"shape\":[3],\"data\":[1,2,3]", "\"shape\":[],\"data\":2", "[0.40760598]"},
        {"\"shape\":[1,3],\"data\":[[1,2,3]]", "\"shape\":[1],\"data\":[2]", "[0.40760598]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        char text[600];

        loss_arena_init(&arena, NULL);
        (void)snprintf(text, sizeof text,
                       "{\"inputs\":[{\"name\":\"logits\",\"datatype\":\"FP32\",%s},{\"name\":"
                       "\"targets\",\"datatype\":\"INT64\",%s}],\"outputs\":[{\"name\":\"loss\"}]}",
                       rows[i].logits, rows[i].targets);
        if (strstr(message_text(text, &arena), rows[i].reply) == NULL)
            fail_msg("%s: %s", text, message_text(text, &arena));
        loss_arena_reset(&arena);
    }
}

/* Options by name, and what the protocol has of its own. */
static void parameters_become_the_request(void **state)
{
    static const char text[] =
        "{\"id\":\"a\\u00e9\",\"inputs\":[" PLAIN
        ",{\"name\":\"weights\",\"datatype\":\"FP32\",\"shape\":[3],\"data\":[1,2,\"Infinity\"]}],"
        "\"parameters\":{\"reduction\":\"sum\",\"ignore_index\":2,\"label_smoothing\":0.25,\"k\":2,"
        "\"bins\":4,\"timeout\":1500000,\"priority\":7},\"outputs\":[{\"name\":\"ece_bins.count\"},"
        "{\"name\":\"per_class\"}]}";
    struct codec_body body = {.bytes = text,
                              .length = sizeof text - 1,
                              .stage = LOSS_STAGE_LOGITS,
                              .head_length = CODEC_NO_HEAD};
    struct codec_request request;
    struct loss_arena arena;
    struct loss_error error;
    char padded[sizeof text + CODEC_PADDING] = {0};

    (void)state;
    memcpy(padded, text, sizeof text);
    body.bytes = padded;
    loss_arena_init(&arena, NULL);
    if (request_infer_decode(&body, &message_limits, &arena, &request, &error) != LOSS_OK)
        fail_msg("%s", error.sentence);
    assert_string_equal(request.id, "a\xc3\xa9");
    assert_int_equal(request.loss.reduction, LOSS_REDUCTION_SUM);
    assert_int_equal(request.loss.ignore_index, 2);
    assert_true(request.loss.label_smoothing == 0.25);
    assert_int_equal(request.loss.k, 2);
    assert_int_equal(request.loss.bins, 4);
    assert_int_equal(request.loss.confusion_classes_max, 1000);
    assert_int_equal(request.timeout_us, 1500000);
    assert_true(number_at(request.loss.weights, 2) == (double)INFINITY);
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        assert_int_equal(request.loss.wants[i], i == LOSS_OUTPUT_ECE || i == LOSS_OUTPUT_PER_CLASS);
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_with_its_defaults_is_answered),
        cmocka_unit_test(what_does_not_matter_changes_nothing),
        cmocka_unit_test(a_head_may_be_the_whole_body),
        cmocka_unit_test(empty_tensors_and_scalars_have_their_forms),
        cmocka_unit_test(parameters_become_the_request),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
