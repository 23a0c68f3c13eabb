/* test_errors_labels.c - labels out of range: the first of them is named, in any dtype. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loss/evaluation.h"

static const float zeros[12]; /* predictions: as many as the largest shape has */

/* Labels out of range: the first in memory order is named, by its place and value. */
static const struct {
    const char *name;
    struct loss_tensor predictions, targets;
    int64_t labels[6];
    int64_t ignore_index;
    const char *where, *sentence;
} labels[] = {
    {"the number of classes",
     {LOSS_FLOAT32, 2, {3, 3}, NULL},
     {LOSS_INT64, 1, {3}, NULL},
     {0, 2, 3},
     -100,
     "/targets/2",
     "targets[2] is 3, but there are 3 classes (0..2)"},
    {"negative",
     {LOSS_FLOAT32, 2, {3, 3}, NULL},
     {LOSS_INT64, 1, {3}, NULL},
     {0, -1, 3},
     -100,
     "/targets/1",
     "targets[1] is -1, but there are 3 classes (0..2)"},
    {"-100 where something else is ignored",
     {LOSS_FLOAT32, 2, {3, 3}, NULL},
     {LOSS_INT64, 1, {3}, NULL},
     {5, 5, -100},
     5,
     "/targets/2",
     "targets[2] is -100, but there are 3 classes (0..2)"},
    {"the largest",
     {LOSS_FLOAT32, 1, {3}, NULL},
     {LOSS_INT64, 0, {0}, NULL},
     {INT64_MAX},
     -100,
     "/targets",
     "targets is 9223372036854775807, but there are 3 classes (0..2)"},
    {"the smallest",
     {LOSS_FLOAT32, 1, {1}, NULL},
     {LOSS_INT64, 0, {0}, NULL},
     {INT64_MIN},
     -100,
     "/targets",
     "targets is -9223372036854775808, but there is 1 class (0..0)"},
    {"no class",
     {LOSS_FLOAT32, 2, {3, 0}, NULL},
     {LOSS_INT64, 1, {3}, NULL},
     {-100, 0, 0},
     -100,
     "/targets/1",
     "targets[1] is 0, but there are no classes"},
    {"two dimensions",
     {LOSS_FLOAT32, 3, {2, 2, 3}, NULL},
     {LOSS_INT64, 2, {2, 3}, NULL},
     {0, 1, 0, 1, 0, 2},
     -100,
     "/targets/1/2",
     "targets[1][2] is 2, but there are 2 classes (0..1)"},
};

static void the_first_label_out_of_range_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        struct loss_request request = LOSS_REQUEST_DEFAULTS;
        struct loss_result result;
        struct loss_error error;
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        request.predictions = labels[i].predictions;
        request.targets = labels[i].targets;
        request.predictions.data = zeros;
        request.targets.data = labels[i].labels;
        request.ignore_index = labels[i].ignore_index;
        if (loss_evaluate(&request, &arena, &result, &error) != LOSS_TARGET_OUT_OF_RANGE)
            fail_msg("%s: not refused", labels[i].name);
        assert_string_equal(error.where, labels[i].where);
        assert_string_equal(error.sentence, labels[i].sentence);
        loss_arena_reset(&arena);
    }
}

/* Narrow labels are compared as int64: 255 of uint8 is not -1, and -1 of int8 is not 255. */
static void narrow_labels_keep_their_sign(void **state)
{
    static const uint8_t bytes[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    static const struct {
        enum loss_dtype dtype;
        int64_t ignore_index;
        enum loss_status status;
    } rows[] = {
        {LOSS_UINT8, 255, LOSS_OK}, {LOSS_UINT8, -1, LOSS_TARGET_OUT_OF_RANGE},
        {LOSS_INT8, -1, LOSS_OK},   {LOSS_INT8, 255, LOSS_TARGET_OUT_OF_RANGE},
        {LOSS_INT16, -1, LOSS_OK},  {LOSS_INT16, 65535, LOSS_TARGET_OUT_OF_RANGE},
        {LOSS_INT32, -1, LOSS_OK},  {LOSS_INT32, 4294967295, LOSS_TARGET_OUT_OF_RANGE},
        {LOSS_INT64, -1, LOSS_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_request request = LOSS_REQUEST_DEFAULTS;
        struct loss_result result;
        struct loss_error error;
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        request.predictions = (struct loss_tensor){LOSS_FLOAT32, 1, {3}, zeros};
        request.targets = (struct loss_tensor){rows[i].dtype, 0, {0}, bytes};
        request.ignore_index = rows[i].ignore_index;
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), rows[i].status);
        if (rows[i].status == LOSS_OK)
            assert_int_equal(result.ignored, 1);
        loss_arena_reset(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_label_out_of_range_is_named),
        cmocka_unit_test(narrow_labels_keep_their_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
