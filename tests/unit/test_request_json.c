/* test_request_json.c - requests as JSON: what their options, dtypes and tensors become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/bodies.h"
#include "support/messages.h"
#include "support/numbers.h"

/* A request with these options around it; the caller resets the arena. */
static struct codec_request with_options(const char *options, struct loss_arena *arena)
{
    struct codec_request request;
    struct loss_error error;
    char text[512];

    (void)snprintf(text, sizeof text, "{\"logits\":[[0.1,2]],\"targets\":[1.0]%s%s}",
                   options[0] != '\0' ? "," : "", options);
    if (body_decode(text, strlen(text), &message_limits, arena, &request, &error) != LOSS_OK)
        fail_msg("%s: %s", text, error.sentence);
    return request;
}

static void options_become_a_request(void **state)
{
    struct codec_request request;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request = with_options("", &arena);
    assert_int_equal(request.loss.stage, LOSS_STAGE_LOGITS);
    assert_int_equal(request.loss.reduction, LOSS_REDUCTION_MEAN);
    assert_int_equal(request.loss.ignore_index, -100);
    assert_true(request.loss.label_smoothing == 0.0);
    assert_int_equal(request.dtype, LOSS_FLOAT32);
    assert_null(request.id);
    assert_null(request.loss.weights);
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        assert_false(request.loss.wants[i]);
    assert_true(number_at(&request.loss.predictions, 0) == (double)0.1f);
    assert_int_equal(request.loss.targets.dtype, LOSS_INT64);
    assert_true(number_at(&request.loss.targets, 0) == 1.0);
    request = with_options("\"ignore_index\":-9223372036854775808,\"label_smoothing\":1,"
                           "\"return\":[\"predictions\",\"losses\",\"losses\"],"
                           "\"id\":\"a\\u00e9\\\"\\ud83d\\ude00\",\"reduction\":\"none\"",
                           &arena);
    assert_true(request.loss.ignore_index == INT64_MIN);
    assert_true(request.loss.label_smoothing == 1.0);
    assert_true(request.loss.wants[LOSS_OUTPUT_PREDICTIONS]);
    assert_true(request.loss.wants[LOSS_OUTPUT_LOSSES]);
    assert_false(request.loss.wants[LOSS_OUTPUT_SOFTMAX]);
    assert_string_equal(request.id, "a\xc3\xa9\"\xf0\x9f\x98\x80");
    assert_int_equal(request.loss.reduction, LOSS_REDUCTION_NONE);
    request = with_options("\"ignore_index\":-3.0,\"return\":[],\"weights\":[1,2]", &arena);
    assert_true(request.loss.ignore_index == -3);
    assert_int_equal(request.loss.weights->shape[0], 2);
    request = with_options("\"ignore_index\":9223372036854775807,\"id\":\"NaN\"", &arena);
    assert_true(request.loss.ignore_index == INT64_MAX);
    assert_string_equal(request.id, "NaN");
    loss_arena_reset(&arena);
}

/* PyTorch's legacy_get_string: what is not given counts as true, if the other one is given. */
static void old_flags_replace_the_reduction(void **state)
{
    static const struct {
        const char *options;
        enum loss_reduction reduction;
    } rows[] = {
        {"\"reduction\":\"elementwise_mean\"", LOSS_REDUCTION_MEAN},
        {"\"reduction\":\"sum\",\"size_average\":null,\"reduce\":null", LOSS_REDUCTION_SUM},
        {"\"size_average\":true", LOSS_REDUCTION_MEAN},
        {"\"size_average\":false", LOSS_REDUCTION_SUM},
        {"\"reduce\":true", LOSS_REDUCTION_MEAN},
        {"\"reduce\":false", LOSS_REDUCTION_NONE},
        {"\"size_average\":true,\"reduce\":true", LOSS_REDUCTION_MEAN},
        {"\"size_average\":false,\"reduce\":true", LOSS_REDUCTION_SUM},
        {"\"size_average\":true,\"reduce\":false", LOSS_REDUCTION_NONE},
        {"\"size_average\":false,\"reduce\":false", LOSS_REDUCTION_NONE},
        {"\"size_average\":null,\"reduce\":false", LOSS_REDUCTION_NONE},
        {"\"reduction\":\"none\",\"size_average\":true", LOSS_REDUCTION_MEAN},
        {"\"reduce\":true,\"reduction\":\"nonsense\"", LOSS_REDUCTION_MEAN},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (with_options(rows[i].options, &arena).loss.reduction != rows[i].reduction)
            fail_msg("%s: another reduction", rows[i].options);
    }
    loss_arena_reset(&arena);
}

/* Targets of the predictions' shape are probabilities, in the dtype of the request. */
static void probabilities_have_the_dtype_of_the_request(void **state)
{
    static const char *const targets[] = {"[0.1,1]", "[0,1]", "[1.0,\"NaN\"]", "[-0.5,16777217]"};
    static const double values[][2] = {{0.1, 1}, {0, 1}, {1, NAN}, {-0.5, 16777217}};
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < 8; i++) {
        bool single = i % 2 == 0;
        struct codec_request request;
        struct loss_error error;
        char text[128];

        (void)snprintf(text, sizeof text, "{\"logits\":[0.1,2],\"targets\":%s%s}", targets[i / 2],
                       single ? "" : ",\"dtype\":\"float64\"");
        assert_int_equal(body_decode(text, strlen(text), &message_limits, &arena, &request, &error),
                         LOSS_OK);
        assert_int_equal(request.loss.targets.dtype, single ? LOSS_FLOAT32 : LOSS_FLOAT64);
        assert_int_equal(request.loss.predictions.dtype, single ? LOSS_FLOAT32 : LOSS_FLOAT64);
        assert_true(number_at(&request.loss.predictions, 0) == (single ? (double)0.1f : 0.1));
        for (size_t j = 0; j < 2; j++) {
            double got = number_at(&request.loss.targets, j), want = values[i / 2][j];

            want = single ? (double)(float)want : want;
            assert_true(got == want || (isnan(got) && isnan(want)));
        }
    }
    loss_arena_reset(&arena);
}

/* A dtype after the tensors, or between them: all of them are read as that one. */
static void tensors_before_the_dtype_are_read_again(void **state)
{
    static const char *const texts[] = {
        "{\"dtype\":\"float64\",\"probabilities\":[0.1,1e300],\"targets\":0,\"weights\":[0.1,0.7]}",
        "{\"probabilities\":[0.1,1e300],\"dtype\":\"float64\",\"targets\":0,\"weights\":[0.1,0.7]}",
        "{\"weights\":[0.1,0.7],\"targets\":0,\"probabilities\":[0.1,1e300],\"dtype\":\"float64\"}",
        "{\"weights\":[0.1,0.7],\"dtype\":\"float64\",\"targets\":0,\"probabilities\":[0.1,1e300]}",
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct codec_request request;
        struct loss_error error;

        assert_int_equal(
            body_decode(texts[i], strlen(texts[i]), &message_limits, &arena, &request, &error),
            LOSS_OK);
        assert_int_equal(request.loss.stage, LOSS_STAGE_PROBABILITIES);
        assert_int_equal(request.loss.predictions.dtype, LOSS_FLOAT64);
        assert_int_equal(request.loss.weights->dtype, LOSS_FLOAT64);
        assert_int_equal(request.loss.targets.dtype, LOSS_INT64);
        assert_true(number_at(&request.loss.predictions, 0) == 0.1);
        assert_true(number_at(&request.loss.predictions, 1) == 1e300);
        assert_true(number_at(request.loss.weights, 1) == 0.7);
    }
    loss_arena_reset(&arena);
}

/* [] and [] are a batch of no rows; its number of classes is that of the weights. */
static void two_empty_arrays_are_no_rows(void **state)
{
    static const struct {
        const char *text;
        unsigned rank, target_rank;
        size_t shape[3];
    } rows[] = {
        {"{\"logits\":[],\"targets\":[]}", 2, 1, {0, 0}},
        {"{\"logits\":[],\"targets\":[],\"weights\":[1,2,3]}", 2, 1, {0, 3}},
        {"{\"weights\":[],\"targets\":[],\"log_probabilities\":[]}", 2, 1, {0, 0}},
        {"{\"logits\":[],\"targets\":0}", 1, 0, {0}},
        {"{\"logits\":[[],[]],\"targets\":[]}", 2, 1, {2, 0}},
        {"{\"logits\":[[],[]],\"targets\":[[],[]]}", 2, 2, {2, 0}},
        {"{\"logits\":[1],\"targets\":[]}", 1, 1, {1}},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codec_request request;
        struct loss_error error;

        assert_int_equal(body_decode(rows[i].text, strlen(rows[i].text), &message_limits, &arena,
                                     &request, &error),
                         LOSS_OK);
        assert_int_equal(request.loss.predictions.rank, rows[i].rank);
        assert_int_equal(request.loss.targets.rank, rows[i].target_rank);
        for (unsigned axis = 0; axis < rows[i].rank; axis++)
            assert_int_equal(request.loss.predictions.shape[axis], rows[i].shape[axis]);
        if (rows[i].target_rank < rows[i].rank)
            assert_int_equal(request.loss.targets.dtype, LOSS_INT64);
    }
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_a_request),
        cmocka_unit_test(old_flags_replace_the_reduction),
        cmocka_unit_test(probabilities_have_the_dtype_of_the_request),
        cmocka_unit_test(tensors_before_the_dtype_are_read_again),
        cmocka_unit_test(two_empty_arrays_are_no_rows),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
