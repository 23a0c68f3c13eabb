/* test_tensor.c - dtypes by name, elements of a shape, and the texts of shapes and places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "loss/tensor.h"

static void dtypes_are_as_in_pytorch(void **state)
{
    static const struct {
        const char *name;
        enum loss_dtype dtype;
        size_t bytes;
        bool is_floating;
    } rows[] = {
        {"float16", LOSS_FLOAT16, 2, true}, {"bfloat16", LOSS_BFLOAT16, 2, true},
        {"float32", LOSS_FLOAT32, 4, true}, {"float64", LOSS_FLOAT64, 8, true},
        {"int8", LOSS_INT8, 1, false},      {"int16", LOSS_INT16, 2, false},
        {"int32", LOSS_INT32, 4, false},    {"int64", LOSS_INT64, 8, false},
        {"uint8", LOSS_UINT8, 1, false},
    };

    (void)state;
    assert_int_equal(sizeof rows / sizeof rows[0], LOSS_DTYPE_COUNT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum loss_dtype found = LOSS_DTYPE_COUNT;

        assert_true(loss_dtype_find(rows[i].name, &found));
        assert_int_equal(found, rows[i].dtype);
        assert_string_equal(loss_dtype_name(found), rows[i].name);
        assert_int_equal(loss_dtype_bytes(found), rows[i].bytes);
        assert_int_equal(loss_dtype_is_floating(found), rows[i].is_floating);
    }
}

static void other_names_are_no_dtypes(void **state)
{
    static const char *const names[] = {"", "float", "Float32", "float32 ", "bool", "uint16"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        enum loss_dtype found = LOSS_INT8;

        assert_false(loss_dtype_find(names[i], &found));
        assert_int_equal(found, LOSS_INT8);
    }
}

static void elements_are_the_product_unless_it_overflows(void **state)
{
    static const struct {
        struct loss_tensor tensor;
        size_t elements;
    } rows[] = {
        {{LOSS_FLOAT32, 0, {0}, NULL}, 1},
        {{LOSS_FLOAT32, 1, {7}, NULL}, 7},
        {{LOSS_FLOAT32, 3, {2, 3, 4}, NULL}, 24},
        {{LOSS_FLOAT32, 2, {5, 0}, NULL}, 0},
        /* a 0 anywhere, whatever the rest */
        {{LOSS_FLOAT64, 3, {SIZE_MAX, SIZE_MAX, 0}, NULL}, 0},
        {{LOSS_FLOAT64, 3, {0, SIZE_MAX, SIZE_MAX}, NULL}, 0},
        /* the bytes must fit a size_t, at the last size that does and the first that does not */
        {{LOSS_UINT8, 1, {SIZE_MAX - 1}, NULL}, SIZE_MAX - 1},
        {{LOSS_FLOAT16, 1, {SIZE_MAX / 2}, NULL}, SIZE_MAX / 2},
        {{LOSS_FLOAT16, 1, {SIZE_MAX / 2 + 1}, NULL}, SIZE_MAX},
        {{LOSS_FLOAT64, 1, {SIZE_MAX / 8}, NULL}, SIZE_MAX / 8},
        {{LOSS_FLOAT64, 1, {SIZE_MAX / 8 + 1}, NULL}, SIZE_MAX},
        {{LOSS_FLOAT64, 2, {SIZE_MAX / 16, 2}, NULL}, SIZE_MAX / 16 * 2},
        {{LOSS_FLOAT32, 2, {(size_t)1 << 32, (size_t)1 << 32}, NULL}, SIZE_MAX},
        {{LOSS_FLOAT32, 4, {65536, 65536, 65536, 65536}, NULL}, SIZE_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t got = loss_tensor_elements(&rows[i].tensor);

        if (got != rows[i].elements)
            fail_msg("row %zu: got %zu, want %zu", i, got, rows[i].elements);
    }
}

static void shapes_are_the_same_by_rank_and_sizes(void **state)
{
    const struct loss_tensor number = {LOSS_INT8, 0, {9}, NULL},
                             other = {LOSS_FLOAT32, 0, {3}, NULL};
    const struct loss_tensor row = {LOSS_INT8, 1, {3}, NULL}, matrix = {LOSS_INT8, 2, {3, 1}, NULL};
    const struct loss_tensor turned = {LOSS_INT8, 2, {1, 3}, NULL};

    (void)state;
    assert_true(loss_tensor_same_shape(&number, &other)); /* what lies beyond the rank is no size */
    assert_true(loss_tensor_same_shape(&matrix, &matrix));
    assert_false(loss_tensor_same_shape(&number, &row));
    assert_false(loss_tensor_same_shape(&row, &matrix));
    assert_false(loss_tensor_same_shape(&matrix, &turned));
}

static void shapes_and_places_are_written(void **state)
{
    static const struct {
        struct loss_tensor tensor;
        size_t index;
        const char *shape, *pointer, *place;
    } rows[] = {
        {{LOSS_INT8, 0, {0}, NULL}, 0, "[]", "/x", "x"},
        {{LOSS_INT8, 1, {5}, NULL}, 4, "[5]", "/x/4", "x[4]"},
        {{LOSS_INT8, 2, {2, 3}, NULL}, 0, "[2, 3]", "/x/0/0", "x[0][0]"},
        {{LOSS_INT8, 2, {2, 3}, NULL}, 5, "[2, 3]", "/x/1/2", "x[1][2]"},
        {{LOSS_INT8, 3, {2, 3, 4}, NULL}, 17, "[2, 3, 4]", "/x/1/1/1", "x[1][1][1]"},
        {{LOSS_INT8, 2, {3, 0}, NULL}, 0, "[3, 0]", "/x/0/0", "x[0][0]"},
        {{LOSS_INT8, 1, {SIZE_MAX}, NULL},
         SIZE_MAX - 1,
         "[18446744073709551615]",
         "/x/18446744073709551614",
         "x[18446744073709551614]"},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct loss_tensor *tensor = &rows[i].tensor;

        assert_string_equal(loss_tensor_describe(tensor, text, sizeof text), rows[i].shape);
        assert_string_equal(loss_tensor_pointer(tensor, "x", rows[i].index, text, sizeof text),
                            rows[i].pointer);
        assert_string_equal(loss_tensor_place(tensor, "x", rows[i].index, text, sizeof text),
                            rows[i].place);
    }
}

/* At every size the text is the beginning of the whole one, ended, and nothing lies behind it. */
static void texts_are_cut_to_their_room(void **state)
{
    const struct loss_tensor tensor = {LOSS_INT8, 3, {12, 345, 6}, NULL};
    static const char *const whole[] = {"[12, 345, 6]", "/logits/11/344/5", "logits[11][344][5]"};
    size_t last = 12 * 345 * 6 - 1;

    (void)state;
    for (size_t size = 1; size < 24; size++) {
        for (int i = 0; i < 3; i++) {
            char text[25], wanted[24];

            memset(text, '#', sizeof text);
            (void)snprintf(wanted, size, "%s", whole[i]);
            if (i == 0)
                (void)loss_tensor_describe(&tensor, text, size);
            else if (i == 1)
                (void)loss_tensor_pointer(&tensor, "logits", last, text, size);
            else
                (void)loss_tensor_place(&tensor, "logits", last, text, size);
            assert_string_equal(text, wanted);
            assert_int_equal(text[size], '#');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtypes_are_as_in_pytorch),
        cmocka_unit_test(other_names_are_no_dtypes),
        cmocka_unit_test(elements_are_the_product_unless_it_overflows),
        cmocka_unit_test(shapes_are_the_same_by_rank_and_sizes),
        cmocka_unit_test(shapes_and_places_are_written),
        cmocka_unit_test(texts_are_cut_to_their_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
