/* test_infer_memory.c - a message that is answered with too little memory:
 * the right answer, or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/messages.h"
#include "support/source.h"

static const char json[] =
    "{\"id\":\"a\",\"inputs\":[{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP16\","
    "\"data\":[1,2,3,4,5,6]},{\"name\":\"weights\",\"shape\":[3],\"datatype\":"
    "\"FP16\",\"parameters\":{\"binary_data_size\":6}},{\"name\":\"targets\",\"shape\":[2],"
    "\"datatype\":\"UINT16\",\"parameters\":{\"binary_data_size\":4}}],\"outputs\":[{\"name\":"
    "\"softmax\",\"parameters\":{\"binary_data\":true}},{\"name\":\"gradient\",\"parameters\":"
    "{\"classification\":2}},{\"name\":\"per_class\"}],\"parameters\":{\"label_smoothing\":0.5}}";

static const uint16_t tail[] = {0x3c00, 0x4000, 0x4200, 1, 2};

/* Under `reserved` bytes that are gone before it starts, another of its
 * pieces needs a new block. */
static void a_missing_block_is_never_a_wrong_answer(void **state)
{
    const struct message message = {LOSS_STAGE_LOGITS, json, tail, sizeof tail};
    struct loss_arena arena;
    struct answer right;

    (void)state;
    loss_arena_init(&arena, NULL);
    right = message_reply(&message, &arena);
    for (size_t reserved = 0; reserved < 16384; reserved += 64) {
        enum loss_status status = LOSS_OUT_OF_MEMORY;

        for (size_t fails_at = 2; status != LOSS_OK; fails_at++) {
            struct source source = {.fails_at = fails_at, .fails_onward = true};
            struct loss_arena scarce;
            struct answer answer;
            struct loss_error error;

            source_init(&scarce, &source);
            assert_non_null(loss_arena_take(&scarce, reserved, 1));
            status = message_answer(&message, 1, &scarce, &answer, &error);
            if (status == LOSS_OK) {
                assert_int_equal(answer.length, right.length);
                assert_int_equal(answer.head_length, right.head_length);
                assert_memory_equal(answer.body, right.body, right.length);
            } else {
                assert_int_equal(status, LOSS_OUT_OF_MEMORY);
                assert_in_range(fails_at, 2, 30);
            }
            loss_arena_reset(&scarce);
            assert_int_equal(source.out, 0);
        }
    }
    loss_arena_reset(&arena);
}

/* What is told about a model, too. */
static void texts_say_that_they_failed(void **state)
{
    struct source source = {.fails_at = 2, .fails_onward = true};
    struct loss_arena arena;
    struct text text;

    (void)state;
    source_init(&arena, &source);
    assert_non_null(loss_arena_take(&arena, 16000, 1));
    text_init(&text, &arena, 64);
    assert_false(infer_write_metadata(&text, infer_model_at(0)));
    text_init(&text, &arena, 64);
    assert_false(infer_write_config(&text, infer_model_at(0)));
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_block_is_never_a_wrong_answer),
        cmocka_unit_test(texts_say_that_they_failed),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
