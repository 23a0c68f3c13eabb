/* test_request_damage.c - requests as JSON that are too large, cut, or changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/bodies.h"
#include "support/messages.h"

static void limits_hold_on_both_sides(void **state)
{
    static const struct {
        const char *text;
        struct codec_limits limits;
        enum loss_status status;
        const char *where;
    } rows[] = {
        {"{\"logits\":[1,2,3],\"targets\":0}", {3, 99, 9, 9}, LOSS_OK, ""},
        {"{\"logits\":[1,2,3],\"targets\":0}", {2, 99, 9, 9}, LOSS_TOO_MANY_ELEMENTS, "/logits"},
        {"{\"logits\":[1,2],\"targets\":[0,1,0]}",
         {2, 99, 9, 9},
         LOSS_TOO_MANY_ELEMENTS,
         "/targets"},
        {"{\"logits\":[1],\"targets\":0,\"id\":\"abcd\"}", {9, 8, 9, 9}, LOSS_OK, ""},
        {"{\"logits\":[1],\"targets\":0,\"id\":\"abcd\"}",
         {9, 7, 9, 9},
         LOSS_BODY_TOO_LARGE,
         "/id"},
        {"{\"reduce\":true,\"logits\":[1],\"id\":\"\",\"targets\":0}", {9, 14, 9, 9}, LOSS_OK, ""},
        {"{\"reduce\":true,\"logits\":[1],\"id\":\"\",\"targets\":0}",
         {9, 13, 9, 9},
         LOSS_BODY_TOO_LARGE,
         "/id"},
        {"{\"logits\":[[1]],\"targets\":[0]}", {9, 99, 9, 3}, LOSS_OK, ""},
        {"{\"logits\":[[1]],\"targets\":[0]}", {9, 99, 9, 2}, LOSS_TOO_DEEP, "11"},
        {"{\"logits\":[1],\"targets\":0}", {9, 99, 9, 1}, LOSS_TOO_DEEP, "10"},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codec_request request;
        struct loss_error error = {.where = ""};
        enum loss_status status = body_decode(rows[i].text, strlen(rows[i].text), &rows[i].limits,
                                              &arena, &request, &error);

        if (status != rows[i].status || strcmp(error.where, rows[i].where) != 0)
            fail_msg("%s: got %s at %s", rows[i].text, loss_status_code(status), error.where);
    }
    loss_arena_reset(&arena);
}

/* The length says where a body ends, not a NUL. */
static void a_nul_is_a_byte_like_others(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        enum loss_status status;
        const char *where;
    } rows[] = {
        {"\0", 1, LOSS_INVALID_JSON, "0"},
        {" \0", 2, LOSS_INVALID_JSON, "1"},
        {"{}\0", 3, LOSS_TRAILING_DATA, "2"},
        {"{\0}", 3, LOSS_INVALID_JSON, "1"},
        {"{\"id\":\"\0\"}", 9, LOSS_INVALID_JSON, "7"},
        {"{\"logits\":[1\0]}", 15, LOSS_INVALID_JSON, "12"},
        {"{\0\"\0l\0", 6, LOSS_INVALID_JSON, "1"}, /* UTF-16 */
        {"\0{\0\"", 4, LOSS_INVALID_JSON, "0"},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codec_request request;
        struct loss_error error;

        assert_int_equal(
            body_decode(rows[i].bytes, rows[i].length, &message_limits, &arena, &request, &error),
            rows[i].status);
        assert_string_equal(error.where, rows[i].where);
    }
    loss_arena_reset(&arena);
}

static const char whole[] =
    "{\"logits\":[[1,-2.5e0],[0.5,NaN]],\"targets\":[1,0],\"weights\":[1,2],"
    "\"return\":[\"losses\"],\"id\":\"a\\u00e9\xc3\xa9\",\"dtype\":\"float64\"}";

static void every_prefix_is_refused(void **state)
{
    struct codec_request request;
    struct loss_arena arena;
    struct loss_error error;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t length = 0; length < sizeof whole - 1; length++) {
        enum loss_status status =
            body_decode(whole, length, &message_limits, &arena, &request, &error);

        if (length == 0)
            assert_int_equal(status, LOSS_EMPTY_BODY);
        else if (status != LOSS_INVALID_JSON && status != LOSS_INVALID_UTF8)
            fail_msg("%zu bytes: %s", length, loss_status_code(status));
        loss_arena_reset(&arena);
    }
    assert_int_equal(
        body_decode(whole, sizeof whole - 1, &message_limits, &arena, &request, &error), LOSS_OK);
    loss_arena_reset(&arena);
}

/* Whatever a byte becomes: a request, or a fault whose place lies in the text. */
static void every_changed_byte_has_an_answer(void **state)
{
    char text[sizeof whole];
    size_t accepted = 0;

    (void)state;
    memcpy(text, whole, sizeof whole);
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        for (int byte = 0; byte < 256; byte++) {
            struct codec_request request;
            struct loss_arena arena;
            struct loss_error error;
            enum loss_status status;

            loss_arena_init(&arena, NULL);
            text[i] = (char)byte;
            status = body_decode(text, sizeof whole - 1, &message_limits, &arena, &request, &error);
            accepted += status == LOSS_OK;
            if (status != LOSS_OK && error.where[0] != '/' && error.where[0] != '\0')
                assert_in_range(strtoul(error.where, NULL, 10), 0, sizeof whole - 1);
            if (status != LOSS_OK)
                assert_true(error.sentence[0] != '\0' && status != LOSS_OUT_OF_MEMORY);
            loss_arena_reset(&arena);
        }
        text[i] = whole[i];
    }
    assert_in_range(accepted, 2 * sizeof whole, 20 * sizeof whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(a_nul_is_a_byte_like_others),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(every_changed_byte_has_an_answer),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
