/* test_text.c - a growing JSON text, its strings, numbers and tensors; replies and error bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec/reply_json.h"
#include "codec/shortest.h"
#include "codec/text.h"

static void check_text(struct text *text, const char *want)
{
    assert_false(text->failed);
    if (text->length != strlen(want) || memcmp(text->data, want, text->length) != 0)
        fail_msg("got %.*s, want %s", (int)text->length, text->data, want);
}

static void pieces_follow_each_other(void **state)
{
    struct loss_arena arena;
    struct text text;

    (void)state;
    loss_arena_init(&arena, NULL);
    text_init(&text, &arena, 1); /* grows at once */
    text_word(&text, "{\"n\":");
    text_unsigned(&text, 0);
    text_put(&text, ",xyz", 1);
    text_unsigned(&text, SIZE_MAX);
    text_put(&text, "", 0);
    text_word(&text, " ");
    text_double(&text, 0.1);
    text_word(&text, " ");
    text_double(&text, NAN);
    check_text(&text, "{\"n\":0,18446744073709551615 0.1 \"NaN\"");
    loss_arena_reset(&arena);
}

static void strings_are_escaped(void **state)
{
    static const struct {
        const char *string, *want;
    } rows[] = {
        {"", "\"\""},
        {"abc/'", "\"abc/'\""},
        {"\"\\", "\"\\\"\\\\\""},
        {"\n\t\r\b\x01\x1f\x7f", "\"\\u000a\\u0009\\u000d\\u0008\\u0001\\u001f\\u007f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text;
        json_t *parsed;

        text_init(&text, &arena, 0);
        text_string(&text, rows[i].string);
        check_text(&text, rows[i].want);
        parsed = json_loadb(text.data, text.length, JSON_DECODE_ANY, NULL);
        assert_string_equal(json_string_value(parsed), rows[i].string);
        json_decref(parsed);
    }
    loss_arena_reset(&arena);
}

static void tensors_are_nested_arrays(void **state)
{
    static const float floats[] = {0.1f, -0.0f, NAN, INFINITY, 16777216.0f, 1e-7f};
    static const double doubles[] = {0.1, 1.0, -INFINITY, 2.5e-300, 0.0, 4.0};
    static const int64_t integers[] = {0, -1, INT64_MAX, INT64_MIN, 7, 8};
    static const struct {
        struct loss_tensor tensor;
        const char *want;
    } rows[] = {
        {{LOSS_FLOAT32, 0, {0}, floats}, "0.1"},
        {{LOSS_FLOAT32, 1, {6}, floats}, "[0.1,-0.0,\"NaN\",\"Infinity\",16777216,1e-7]"},
        {{LOSS_FLOAT32, 2, {2, 3}, floats}, "[[0.1,-0.0,\"NaN\"],[\"Infinity\",16777216,1e-7]]"},
        {{LOSS_FLOAT64, 2, {3, 2}, doubles}, "[[0.1,1],[\"-Infinity\",2.5e-300],[0,4]]"},
        {{LOSS_FLOAT64, 3, {1, 2, 3}, doubles}, "[[[0.1,1,\"-Infinity\"],[2.5e-300,0,4]]]"},
        {{LOSS_FLOAT64, 3, {3, 2, 1}, doubles},
         "[[[0.1],[1]],[[\"-Infinity\"],[2.5e-300]],[[0],[4]]]"},
        {{LOSS_INT64, 1, {4}, integers}, "[0,-1,9223372036854775807,-9223372036854775808]"},
        {{LOSS_INT64, 0, {0}, integers + 4}, "7"},
        {{LOSS_FLOAT32, 1, {0}, NULL}, "[]"},
        {{LOSS_FLOAT32, 2, {0, 3}, NULL}, "[]"},
        {{LOSS_FLOAT32, 2, {3, 0}, NULL}, "[[],[],[]]"},
        {{LOSS_FLOAT32, 3, {2, 0, 5}, NULL}, "[[],[]]"},
        {{LOSS_FLOAT32, 3, {1, 2, 0}, NULL}, "[[[],[]]]"},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct text text;

        text_init(&text, &arena, 3);
        text_tensor(&text, &rows[i].tensor);
        check_text(&text, rows[i].want);
    }
    loss_arena_reset(&arena);
}

/* Rows are written 256 elements at a time: lengths around that and its double. */
static void long_rows_have_all_their_elements(void **state)
{
    enum { MOST = 513 };
    static const size_t lengths[] = {1, 255, 256, 257, 511, 512, 513};
    double values[MOST];
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < MOST; i++)
        values[i] = -1.2345678901234567e-300 * (double)(i + 1);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const struct loss_tensor tensor = {LOSS_FLOAT64, 1, {lengths[i]}, values};
        struct text text;
        json_t *parsed;

        text_init(&text, &arena, 3);
        text_tensor(&text, &tensor);
        parsed = json_loadb(text.data, text.length, 0, NULL);
        assert_int_equal(json_array_size(parsed), lengths[i]);
        for (size_t j = 0; j < lengths[i]; j++)
            assert_true(json_real_value(json_array_get(parsed, j)) == values[j]);
        json_decref(parsed);
    }
    loss_arena_reset(&arena);
}

/* A source of one block and no more. */
static void *take_once(void *context, size_t bytes, size_t *granted)
{
    int *left = context;

    if ((*left)-- <= 0)
        return NULL;
    *granted = bytes;
    return aligned_alloc(LOSS_ARENA_ALIGNMENT, bytes);
}

static void give(void *context, void *block, size_t granted)
{
    (void)context;
    (void)granted;
    free(block);
}

static void a_text_without_memory_says_so(void **state)
{
    int left = 1;
    const struct loss_arena_source source = {take_once, give, &left};
    struct loss_arena arena;
    struct text text;
    size_t length;

    (void)state;
    loss_arena_init(&arena, &source);
    text_init(&text, &arena, 100);
    for (int i = 0; i < 100000 && !text.failed; i++)
        text_word(&text, "0123456789");
    assert_true(text.failed);
    length = text.length;
    assert_in_range(length, 100, 100000);
    text_string(&text, "x");
    text_double(&text, 1.0);
    text_unsigned(&text, 1);
    text_tensor(&text, &(struct loss_tensor){LOSS_INT64, 1, {1}, &(int64_t){1}});
    assert_null(text_room(&text, 0));
    assert_int_equal(text.length, length); /* it stays as it is */
    assert_true(text.failed);
    assert_memory_equal(text.data + length - 10, "0123456789", 10);
    text_init(&text, &arena, 1000000); /* none from the start */
    assert_true(text.failed);
    text_word(&text, "x");
    assert_int_equal(text.length, 0);
    loss_arena_reset(&arena);
}

static void a_reply_has_its_members_in_order(void **state)
{
    static const float loss = 0.5f;
    static const int64_t predictions[] = {1, 0};
    struct codec_request request = {.loss = LOSS_REQUEST_DEFAULTS, .id = "a\"b\xc3\xa9"};
    struct loss_result result = {.loss = {LOSS_FLOAT32, 0, {0}, &loss},
                                 .loss_sum = 1.0,
                                 .weight_sum = INFINITY,
                                 .classes = 3,
                                 .count = 2,
                                 .ignored = 4,
                                 .correct = 5,
                                 .has_correct = true};
    struct loss_arena arena;
    struct text text;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.loss.wants[LOSS_OUTPUT_PREDICTIONS] = true;
    result.parts[LOSS_PART_PREDICTIONS] = (struct loss_tensor){LOSS_INT64, 1, {2}, predictions};
    text_init(&text, &arena, 16);
    assert_true(reply_json_write(&text, &request, &result));
    check_text(&text, "{\"id\":\"a\\\"b\xc3\xa9\",\"loss\":0.5,\"loss_sum\":1,\"weight_sum\":"
                      "\"Infinity\",\"count\":2,\"ignored\":4,\"correct\":5,\"classes\":3,"
                      "\"dtype\":\"float32\",\"predictions\":[1,0]}\n");
    request = (struct codec_request){.loss = LOSS_REQUEST_DEFAULTS};
    result.has_correct = false;
    result.dtype = LOSS_FLOAT64;
    result.loss = (struct loss_tensor){LOSS_FLOAT64, 1, {0}, NULL};
    text_init(&text, &arena, 16);
    assert_true(reply_json_write(&text, &request, &result));
    check_text(&text, "{\"loss\":[],\"loss_sum\":1,\"weight_sum\":\"Infinity\",\"count\":2,"
                      "\"ignored\":4,\"classes\":3,\"dtype\":\"float64\"}\n");
    loss_arena_reset(&arena);
}

/* Write an error and parse it: one line, ASCII, JSON, in its room. */
static json_t *written_error(const struct loss_error *error, const char *id, const char *want)
{
    char *buffer = malloc(REPLY_JSON_ERROR_BYTES);
    size_t length;
    json_t *parsed;

    assert_non_null(buffer);
    length = reply_json_write_error(error, id, buffer);
    assert_in_range(length, 2, REPLY_JSON_ERROR_BYTES);
    assert_int_equal(buffer[length - 1], '\n');
    for (size_t i = 0; i + 1 < length; i++)
        assert_in_range(buffer[i], ' ', '~');
    if (want != NULL && (length != strlen(want) || memcmp(buffer, want, length) != 0))
        fail_msg("got %.*s, want %s", (int)length, buffer, want);
    parsed = json_loadb(buffer, length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(parsed);
    free(buffer);
    return parsed;
}

static void errors_are_json(void **state)
{
    struct loss_error error;

    (void)state;
    (void)loss_fail(&error, LOSS_RAGGED_ARRAY, "/logits/1", "%s", "a \"b\"\\\n\x7f\xc3\xa9");
    json_decref(written_error(
        &error, "id-1",
        "{\"error\": \"a \\\"b\\\"\\\\\\u000a\\u007f\\ufffd\\ufffd\", \"code\": \"ragged_array\", "
        "\"where\": \"/logits/1\", \"request_id\": \"id-1\"}\n"));
    (void)loss_fail(&error, LOSS_NOT_FOUND, NULL, "%s", "");
    json_decref(written_error(&error, NULL, "{\"error\": \"\", \"code\": \"not_found\"}\n"));
    for (int i = 0; i < LOSS_STATUS_COUNT; i++) {
        enum loss_status status = (enum loss_status)i;
        json_t *parsed;

        (void)loss_fail(&error, status, "17", "%s", loss_status_text(status));
        parsed = written_error(&error, "x", NULL);
        assert_string_equal(json_string_value(json_object_get(parsed, "error")),
                            loss_status_text(status));
        assert_string_equal(json_string_value(json_object_get(parsed, "code")),
                            loss_status_code(status));
        assert_string_equal(json_string_value(json_object_get(parsed, "where")), "17");
        assert_int_equal(json_object_size(parsed), 4);
        json_decref(parsed);
    }
}

/* Sentences and places that were cut, in the middle of a character or of what will be an escape. */
static void cut_errors_stay_json(void **state)
{
    static const char *const fillers[] = {"\xf0\x9f\x98\x80", "\"", "\\", "\x01", "\xff", "x"};
    char long_text[800], id[129];
    struct loss_error error;

    (void)state;
    memset(id, '"', 128);
    id[128] = '\0';
    for (size_t i = 0; i < sizeof fillers / sizeof fillers[0]; i++) {
        for (size_t shift = 0; shift < 4; shift++) {
            size_t length = shift;

            memset(long_text, 'a', shift);
            while (length + 4 < sizeof long_text) {
                memcpy(long_text + length, fillers[i], strlen(fillers[i]));
                length += strlen(fillers[i]);
            }
            long_text[length] = '\0';
            (void)loss_fail(&error, LOSS_CONFLICTING_FIELDS, long_text, "%s", long_text);
            json_decref(written_error(&error, id, NULL));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_follow_each_other),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(tensors_are_nested_arrays),
        cmocka_unit_test(long_rows_have_all_their_elements),
        cmocka_unit_test(a_text_without_memory_says_so),
        cmocka_unit_test(a_reply_has_its_members_in_order),
        cmocka_unit_test(errors_are_json),
        cmocka_unit_test(cut_errors_stay_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
