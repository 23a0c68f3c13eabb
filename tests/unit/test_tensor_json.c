/* test_tensor_json.c - nested arrays of numbers: their shapes, values and oddities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "support/numbers.h"
#include "support/tensors.h"

static const struct {
    const char *text;
    int mode;
    enum loss_dtype dtype;
    unsigned rank;
    size_t shape[5];
    double values[6];
} readings[] = {
    {"3", F32, LOSS_FLOAT32, 0, {0}, {3}},
    {"-0.5", F64, LOSS_FLOAT64, 0, {0}, {-0.5}},
    {"7", TARGETS, LOSS_INT64, 0, {0}, {7}},
    {"\"NaN\"", F32, LOSS_FLOAT32, 0, {0}, {NAN}},
    {"[]", F32, LOSS_FLOAT32, 1, {0}, {0}},
    {"[]", TARGETS, LOSS_INT64, 1, {0}, {0}},
    {"[[]]", F32, LOSS_FLOAT32, 2, {1, 0}, {0}},
    {"[[],[] , [\n]]", F64, LOSS_FLOAT64, 2, {3, 0}, {0}},
    {"[[[],[]]]", F32, LOSS_FLOAT32, 3, {1, 2, 0}, {0}},
    {"[[[[]]],[[[]]]]", TARGETS, LOSS_INT64, 4, {2, 1, 1, 0}, {0}},
    {"[1]", F32, LOSS_FLOAT32, 1, {1}, {1}},
    {"[1,2,3]", F32, LOSS_FLOAT32, 1, {3}, {1, 2, 3}},
    {"[[1,2],[3,4],[5,6]]", F64, LOSS_FLOAT64, 2, {3, 2}, {1, 2, 3, 4, 5, 6}},
    {" [\t[ 1 ,\r\n2 , 3 ] , [4,5,6] ]", F32, LOSS_FLOAT32, 2, {2, 3}, {1, 2, 3, 4, 5, 6}},
    {"[[[1,2]],[[3,4]]]", F32, LOSS_FLOAT32, 3, {2, 1, 2}, {1, 2, 3, 4}},
    {"[[[[[9]]]]]", F32, LOSS_FLOAT32, 5, {1, 1, 1, 1, 1}, {9}},
    {"[0.1]", F32, LOSS_FLOAT32, 1, {1}, {0x1.99999ap-4}},
    {"[0.1]", F64, LOSS_FLOAT64, 1, {1}, {0x1.999999999999ap-4}},
    {"[NaN,Infinity,-Infinity]", F32, LOSS_FLOAT32, 1, {3}, {NAN, INFINITY, -INFINITY}},
    {"[\"NaN\",\"Infinity\",\"-Infinity\"]", F64, LOSS_FLOAT64, 1, {3}, {NAN, INFINITY, -INFINITY}},
    {"[1e-999,-1e-400,1e-45]", F32, LOSS_FLOAT32, 1, {3}, {0, 0, 0x1p-149}},
    {"[9223372036854775808]", F64, LOSS_FLOAT64, 1, {1}, {0x1p63}},
    {"[3.4028235e38,-3.4028235677973362e38]",
     F32,
     LOSS_FLOAT32,
     1,
     {2},
     {0x1.fffffep127, -0x1.fffffep127}},
    {"[1.7976931348623157e308]", F64, LOSS_FLOAT64, 1, {1}, {0x1.fffffffffffffp1023}},
    {"[1,2.0,30e-1,-4]", TARGETS, LOSS_INT64, 1, {4}, {1, 2, 3, -4}},
    {"[[1,0],[0,1]]", TARGETS, LOSS_INT64, 2, {2, 2}, {1, 0, 0, 1}},
    {"[1,0.5,2]", TARGETS, LOSS_FLOAT64, 1, {3}, {1, 0.5, 2}},
    {"[9007199254740993,0.5]", TARGETS, LOSS_FLOAT64, 1, {2}, {0x1p53, 0.5}},
    {"[2,\"Infinity\",-3]", TARGETS, LOSS_FLOAT64, 1, {3}, {2, INFINITY, -3}},
};

static void shapes_and_values_are_read(void **state)
{
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct loss_error error = {.status = LOSS_OK};
        struct tensor_json read;
        size_t after, elements;

        if (tensor_read(readings[i].text, readings[i].mode, ELEMENTS_MAX, &arena, &read, &error,
                        &after) != LOSS_OK)
            fail_msg("%s: %s", readings[i].text, error.sentence);
        assert_int_equal(after, strlen(readings[i].text));
        assert_int_equal(read.tensor.dtype, readings[i].dtype);
        assert_int_equal(read.tensor.rank, readings[i].rank);
        for (unsigned axis = 0; axis < readings[i].rank; axis++)
            assert_int_equal(read.tensor.shape[axis], readings[i].shape[axis]);
        elements = loss_tensor_elements(&read.tensor);
        for (size_t j = 0; j < elements; j++) {
            double got = number_at(&read.tensor, j), want = readings[i].values[j];

            if (got != want && !(isnan(got) && isnan(want)))
                fail_msg("%s: element %zu is %g", readings[i].text, j, got);
        }
    }
    loss_arena_reset(&arena);
}

/* Row 12 of tests/faults/rows.txt. */
static void the_sign_of_zero_survives(void **state)
{
    struct loss_arena arena;
    struct loss_error error;
    struct tensor_json read;
    size_t after;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (int mode = F32; mode <= F64; mode++) {
        assert_int_equal(
            tensor_read("[-0,-0.0,0,-1e-999]", mode, ELEMENTS_MAX, &arena, &read, &error, &after),
            LOSS_OK);
        for (size_t i = 0; i < 4; i++)
            assert_true((signbit(number_at(&read.tensor, i)) != 0) == (i != 2));
    }
    loss_arena_reset(&arena);
}

static void oddities_are_remembered(void **state)
{
    static const struct {
        const char *text;
        int mode;
        enum tensor_json_oddity oddity;
        size_t index;
    } rows[] = {
        {"[1,2.0,3e0]", TARGETS, TENSOR_JSON_PLAIN, 0},
        {"[1,2.5,0.5,1e30]", TARGETS, TENSOR_JSON_FRACTION, 1},
        {"[[1,2],[NaN,3]]", TARGETS, TENSOR_JSON_FRACTION, 2},
        {"[9223372036854775807,9223372036854775808]", TARGETS, TENSOR_JSON_HUGE, 1},
        {"-1e30", TARGETS, TENSOR_JSON_HUGE, 0},
        {"[1,2,\"3\"]", TARGETS, TENSOR_JSON_NOT_A_NUMBER, 2},
        {"[true,1]", TARGETS, TENSOR_JSON_NOT_A_NUMBER, 0},
        {"[1,null]", TARGETS, TENSOR_JSON_NOT_A_NUMBER, 1},
        {"[1,3.4028235e38]", F32, TENSOR_JSON_PLAIN, 0},
        {"[1,3.4028235677973362e38]", F32, TENSOR_JSON_PLAIN, 0},
        {"[1,3.4028235677973367e38]", F32, TENSOR_JSON_OVERFLOW, 1},
        {"[[1,2],[3,-1e39],[1e40,0]]", F32, TENSOR_JSON_OVERFLOW, 3},
        {"[Infinity,\"-Infinity\"]", F32, TENSOR_JSON_PLAIN, 0},
        {"[1e39]", F64, TENSOR_JSON_PLAIN, 0},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_error error;
        struct tensor_json read;
        size_t after;

        assert_int_equal(
            tensor_read(rows[i].text, rows[i].mode, ELEMENTS_MAX, &arena, &read, &error, &after),
            LOSS_OK);
        if (read.oddity != rows[i].oddity ||
            (read.oddity != TENSOR_JSON_PLAIN && read.odd_index != rows[i].index))
            fail_msg("%s: oddity %u at %zu", rows[i].text, (unsigned)read.oddity, read.odd_index);
    }
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_and_values_are_read),
        cmocka_unit_test(the_sign_of_zero_survives),
        cmocka_unit_test(oddities_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
