/* test_answer_memory.c - answers when blocks of memory are missing, and whether what is reserved
 * for options is enough for any of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/bodies.h"
#include "support/messages.h"
#include "support/source.h"

/* Everything there is in a request.  Under `reserved` bytes that are gone before it starts, another
 * of its pieces is the one that needs a new block. */
static char *full_request(bool has_probabilities)
{
    enum { ROWS = 300, CLASSES = 7 };
    char *text = malloc(1000 + ROWS * CLASSES * 16), *at = text;

    assert_non_null(text);
    at += sprintf(at, "{\"logits\":[");
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "%s[0.1,2,-3.25,%d,1e-3,0.7,8]", i > 0 ? "," : "", i % 11);
    at += sprintf(at, "],\"targets\":[");
    for (int i = 0; i < ROWS; i++)
        at += has_probabilities ? sprintf(at, "%s[0,0.25,0.5,%d,0,0,0]", i > 0 ? "," : "", i % 2)
                                : sprintf(at, "%s%d", i > 0 ? "," : "", i % CLASSES);
    (void)sprintf(at, "],\"weights\":[1,2,3,0.5,1,1,1],\"label_smoothing\":0.1,\"id\":\"an id\","
                      "\"reduction\":\"mean\",\"reduce\":false,\"size_average\":true,"
                      "\"return\":[\"losses\",\"softmax\",\"log_softmax\",\"predictions\"],"
                      "\"ignore_index\":-7,\"dtype\":\"float64\"}");
    return text;
}

/* The answer with `reserved` bytes gone before and a failing source: the right one, or none. */
static void check_answer(const char *text, size_t reserved, struct source *source,
                         const struct answer *right)
{
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;
    enum loss_status status = LOSS_OUT_OF_MEMORY;

    source_init(&arena, source);
    if (loss_arena_take(&arena, reserved, 1) != NULL)
        status = body_answer(text, strlen(text), &message_limits, &arena, &answer, &error);
    if (status == LOSS_OK) {
        assert_int_equal(answer.length, right->length);
        assert_memory_equal(answer.body, right->body, right->length);
        assert_true(source->fails_at == 0 || source->takes < source->fails_at);
    } else {
        assert_int_equal(status, LOSS_OUT_OF_MEMORY);
        assert_in_range(source->fails_at, 1, source->takes);
    }
    loss_arena_reset(&arena);
    assert_int_equal(source->out, 0);
}

/* Row 84 of tests/faults/rows.txt. */
static void a_missing_block_is_never_a_wrong_answer(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        char *text = full_request(kind == 1);
        struct loss_arena arena;
        struct answer right;
        struct loss_error error;

        loss_arena_init(&arena, NULL);
        assert_int_equal(body_answer(text, strlen(text), &message_limits, &arena, &right, &error),
                         LOSS_OK);
        for (size_t reserved = 0; reserved < 16384; reserved += 192) {
            struct source calm = {0};

            check_answer(text, reserved, &calm, &right);
            for (size_t n = 1; n <= calm.takes + 1; n++) {
                struct source once = {.fails_at = n};
                struct source onward = {.fails_at = n, .fails_onward = true};

                check_answer(text, reserved, &once, &right);
                check_answer(text, reserved, &onward, &right);
            }
        }
        loss_arena_reset(&arena);
        free(text);
    }
}

/* What costs jansson the most memory for its text: the reserve is enough, and the value judged. */
static void options_of_any_kind_fit_their_memory(void **state)
{
    static const char *const elements[] = {"[]",      "{}",        "0",         "1.5",
                                           "\"\"",    "{\"\":{}}", "null",      "[[[]]]",
                                           "\"abc\"", "\"\\n\"",   "{\"a\":[]}"};
    char *text = malloc(70000);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        for (size_t count = 1; count < 7000; count = 3 * count + 1) {
            struct loss_arena arena;
            struct answer answer;
            struct loss_error error;
            char *at = text + sprintf(text, "{\"id\":[%s", elements[i]);

            for (size_t j = 1; j < count; j++)
                at += sprintf(at, ",%s", elements[i]);
            (void)sprintf(at, "]}");
            loss_arena_init(&arena, NULL);
            if (body_answer(text, strlen(text), &message_limits, &arena, &answer, &error) !=
                LOSS_WRONG_TYPE)
                fail_msg("%zu of %s: %s", count, elements[i], error.sentence);
            loss_arena_reset(&arena);
        }
    }
    free(text);
}

static void an_object_of_many_keys_fits_its_memory(void **state)
{
    char *text = malloc(70000), *at = text + sprintf(text, "{\"id\":{\"\":0");
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (int i = 0; i < 6500; i++)
        at += sprintf(at, ",\"%x\":0", i);
    (void)sprintf(at, "}}");
    assert_int_equal(body_answer(text, strlen(text), &message_limits, &arena, &answer, &error),
                     LOSS_WRONG_TYPE);
    loss_arena_reset(&arena);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_block_is_never_a_wrong_answer),
        cmocka_unit_test(options_of_any_kind_fit_their_memory),
        cmocka_unit_test(an_object_of_many_keys_fits_its_memory),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
