/* test_status.c - every status has its own code and a text; failures are cut, not overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "loss/evaluation.h"
#include "loss/status.h"

static void every_status_has_a_code_and_a_text(void **state)
{
    (void)state;
    assert_int_equal(LOSS_OK, 0);
    for (int i = 0; i < LOSS_STATUS_COUNT; i++) {
        const char *code = loss_status_code((enum loss_status)i);
        const char *text = loss_status_text((enum loss_status)i);
        size_t length = strlen(code);

        assert_in_range(length, 1, 40);
        if (strspn(code, "abcdefghijklmnopqrstuvwxyz0123456789_") != length || code[0] == '_' ||
            code[length - 1] == '_' || strstr(code, "__") != NULL)
            fail_msg("%s is not snake_case", code);
        assert_true(text[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(code, loss_status_code((enum loss_status)j));
    }
}

static void a_failure_is_filled_and_its_status_returned(void **state)
{
    struct loss_error error;

    (void)state;
    assert_int_equal(loss_fail(&error, LOSS_RAGGED_ARRAY, "/logits/1", "%d is not %d", 4, 5),
                     LOSS_RAGGED_ARRAY);
    assert_int_equal(error.status, LOSS_RAGGED_ARRAY);
    assert_string_equal(error.sentence, "4 is not 5");
    assert_string_equal(error.where, "/logits/1");
    assert_int_equal(loss_fail(&error, LOSS_DRAINING, NULL, "%s", "bye"), LOSS_DRAINING);
    assert_string_equal(error.where, "");
    assert_int_equal(loss_fail_memory(&error), LOSS_OUT_OF_MEMORY);
    assert_string_equal(error.sentence, loss_status_text(LOSS_OUT_OF_MEMORY));
}

/* One byte short of the room, all of it, and one more. */
static void long_failures_are_cut(void **state)
{
    enum { ROOM = sizeof((struct loss_error *)0)->sentence };
    char text[ROOM + 2];
    struct loss_error error;

    (void)state;
    for (size_t length = ROOM - 2; length <= ROOM; length++) {
        memset(text, 'x', length);
        text[length] = '\0';
        (void)loss_fail(&error, LOSS_NOT_FOUND, text, "%s", text);
        assert_int_equal(strlen(error.sentence), length < ROOM ? length : ROOM - 1);
        assert_int_equal(strlen(error.where), sizeof error.where - 1);
    }
}

static void the_words_of_the_contract_are_found_again(void **state)
{
    enum loss_reduction reduction = LOSS_REDUCTION_COUNT;
    enum loss_output output = LOSS_OUTPUT_COUNT;

    (void)state;
    for (int i = 0; i < LOSS_REDUCTION_COUNT; i++) {
        assert_true(loss_reduction_find(loss_reduction_name((enum loss_reduction)i), &reduction));
        assert_int_equal(reduction, i);
    }
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++) {
        assert_true(loss_output_find(loss_output_name((enum loss_output)i), &output));
        assert_int_equal(output, i);
    }
    assert_string_equal(loss_stage_name(LOSS_STAGE_LOG_PROBABILITIES), "log_probabilities");
    assert_string_equal(loss_stage_name(LOSS_STAGE_PROBABILITIES), "probabilities");
    assert_string_equal(loss_stage_name(LOSS_STAGE_LOGITS), "logits");
    assert_false(loss_reduction_find("batchmean", &reduction));
    assert_false(loss_reduction_find("", &reduction));
    assert_false(loss_output_find("Softmax", &output));
    assert_int_equal(reduction, LOSS_REDUCTION_COUNT - 1); /* untouched */
    assert_int_equal(output, LOSS_OUTPUT_COUNT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_code_and_a_text),
        cmocka_unit_test(a_failure_is_filled_and_its_status_returned),
        cmocka_unit_test(long_failures_are_cut),
        cmocka_unit_test(the_words_of_the_contract_are_found_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
