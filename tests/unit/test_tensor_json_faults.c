/* test_tensor_json_faults.c - nested arrays of numbers that are refused: ragged ones, too many, too
 * deep; the place of each fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/numbers.h"
#include "support/tensors.h"

static const struct {
    const char *text;
    int mode;
    enum loss_status status;
    const char *where;
} faults[] = {
    {"[[1,2],[3]]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[1],[2],[3,4]]", F32, LOSS_RAGGED_ARRAY, "/logits/2"},
    {"[[1,2],[]]", F64, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[],[1]]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[[1],[2]],[[3]]]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[[1,2]],[[3]]]", F32, LOSS_RAGGED_ARRAY, "/logits/1/0"},
    {"[[[1,2],[3]]]", F32, LOSS_RAGGED_ARRAY, "/logits/0/1"},
    {"[1,[2]]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[1,[]]", TARGETS, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[1],2]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[],2]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[],[[]]]", F32, LOSS_RAGGED_ARRAY, "/logits/1/0"},
    {"[[[]],[]]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[1],NaN]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[1],\"x\"]", F32, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"[[1],{}]", TARGETS, LOSS_RAGGED_ARRAY, "/logits/1"},
    {"true", F32, LOSS_WRONG_TYPE, "/logits"},
    {"\"1.5\"", F32, LOSS_WRONG_TYPE, "/logits"},
    {"{\"a\":1}", TARGETS, LOSS_WRONG_TYPE, "/logits"},
    {"[1,null]", F64, LOSS_WRONG_TYPE, "/logits/1"},
    {"[[0,1],[2,\"nan\"]]", F32, LOSS_WRONG_TYPE, "/logits/1/1"},
    {"[[0,1],[{},2]]", TARGETS, LOSS_WRONG_TYPE, "/logits/1/0"},
    {"[1,1e999]", F32, LOSS_NUMBER_OUT_OF_RANGE, "/logits/1"},
    {"[[1],[-1e999]]", F64, LOSS_NUMBER_OUT_OF_RANGE, "/logits/1/0"},
    {"[1e309]", TARGETS, LOSS_NUMBER_OUT_OF_RANGE, "/logits/0"},
    {"[nan]", F32, LOSS_INVALID_JSON, "1"},
    {"[1,+Infinity]", F32, LOSS_INVALID_JSON, "3"},
    {"[1,inf]", TARGETS, LOSS_INVALID_JSON, "3"},
    {"[[1],nan]", F32, LOSS_INVALID_JSON, "5"},
    {"", F32, LOSS_INVALID_JSON, "0"},
    {"[", F32, LOSS_INVALID_JSON, "1"},
    {"[1", F32, LOSS_INVALID_JSON, "2"},
    {"[1,", F32, LOSS_INVALID_JSON, "3"},
    {"[1,]", F32, LOSS_INVALID_JSON, "3"},
    {"[,1]", TARGETS, LOSS_INVALID_JSON, "1"},
    {"[[1],]", F32, LOSS_INVALID_JSON, "5"},
    {"[1 2]", F32, LOSS_INVALID_JSON, "3"},
    {"[1}", F32, LOSS_INVALID_JSON, "2"},
    {"[01]", F32, LOSS_INVALID_JSON, "2"},
    {"[-]", TARGETS, LOSS_INVALID_JSON, "2"},
    {"[-I]", F32, LOSS_INVALID_JSON, "2"},
    {"[1.]", F64, LOSS_INVALID_JSON, "3"},
    {"[\"\xff\"]", F32, LOSS_INVALID_UTF8, "2"},
};

static void faults_have_their_place(void **state)
{
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct loss_error error = {.status = LOSS_OK};
        struct tensor_json read;
        size_t after;
        enum loss_status status = tensor_read(faults[i].text, faults[i].mode, ELEMENTS_MAX, &arena,
                                              &read, &error, &after);

        if (status != faults[i].status || strcmp(error.where, faults[i].where) != 0)
            fail_msg("%s: got %s at %s (%s)", faults[i].text, loss_status_code(status), error.where,
                     error.sentence);
    }
    loss_arena_reset(&arena);
}

static void ragged_rows_are_told_in_numbers(void **state)
{
    struct loss_arena arena;
    struct loss_error error;
    struct tensor_json read;
    size_t after;

    (void)state;
    loss_arena_init(&arena, NULL);
    (void)tensor_read("[[1,2,3],[4,5]]", F32, ELEMENTS_MAX, &arena, &read, &error, &after);
    assert_string_equal(error.sentence,
                        "logits[1] has length 2, but the rows before it have length 3");
    (void)tensor_read("[[1],[true]]", F32, ELEMENTS_MAX, &arena, &read, &error, &after);
    assert_string_equal(error.sentence, "logits[1][0] is a boolean, but must be a number (or "
                                        "\"NaN\", \"Infinity\", \"-Infinity\")");
    loss_arena_reset(&arena);
}

/* Around the first capacity, around a limit, and far beyond both. */
static void elements_are_limited(void **state)
{
    static const size_t limits[] = {0, 1, 4, 63, 64, 65, 128, 5000};
    static char text[20000];
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        for (size_t count = limits[i] > 0 ? limits[i] - 1 : 0; count <= limits[i] + 1; count++) {
            struct loss_error error;
            struct tensor_json read;
            size_t after, length = 1;
            enum loss_status status;

            text[0] = '[';
            for (size_t j = 0; j < count; j++)
                length += (size_t)sprintf(text + length, j == 0 ? "%zu" : ",%zu", j % 10);
            memcpy(text + length, "]", 2);
            status = tensor_read(text, (int)(i % 3), limits[i], &arena, &read, &error, &after);
            assert_int_equal(status, count <= limits[i] ? LOSS_OK : LOSS_TOO_MANY_ELEMENTS);
            if (status != LOSS_OK)
                assert_string_equal(error.where, "/logits");
            for (size_t j = 0; j < count && status == LOSS_OK; j++)
                assert_true(number_at(&read.tensor, j) == (double)(j % 10));
        }
    }
    loss_arena_reset(&arena);
}

static void nesting_is_limited_by_the_scanner(void **state)
{
    char text[80] = "";
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t depth = 30; depth <= 33; depth++) { /* one array around it is open already */
        struct loss_error error;
        struct tensor_json read;
        enum loss_status status;
        size_t after;

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        status = tensor_read(text, F32, ELEMENTS_MAX, &arena, &read, &error, &after);
        assert_int_equal(status, depth <= 31 ? LOSS_OK : LOSS_TOO_DEEP);
        if (status == LOSS_OK)
            assert_int_equal(read.tensor.rank, depth);
        else
            assert_string_equal(error.where, "31");
    }
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_have_their_place),
        cmocka_unit_test(ragged_rows_are_told_in_numbers),
        cmocka_unit_test(elements_are_limited),
        cmocka_unit_test(nesting_is_limited_by_the_scanner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
