/* test_safetensors_damage.c - safetensors files cut, changed, and without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/safetensors.h"
#include "support/files.h"
#include "support/source.h"

static enum loss_status decode(const struct file *file, const struct codec_limits *limits,
                               struct loss_arena *arena, struct loss_error *error)
{
    struct codec_request request;
    enum loss_status status;

    error->status = LOSS_OK;
    status = request_safetensors_decode(
        &(struct codec_body){.bytes = file->bytes, .length = file->length}, limits, arena, &request,
        error);
    assert_int_equal(error->status, status);
    return status;
}

static const char whole[] = "{'logits':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                            "'targets':{'dtype':'U64','shape':[],'data_offsets':[8,16]},'weights':{"
                            "'dtype':'F32','shape':[2],"
                            "'data_offsets':[16,24]},'__metadata__':{'id':'\\u00e9','k':'1'}} ";

static void make_whole(struct file *file)
{
    static const unsigned char buffer[24] = {0};

    file_make(file, whole, buffer, sizeof buffer, 0);
}

static void every_prefix_is_refused(void **state)
{
    struct loss_arena arena;
    struct loss_error error;
    struct file file, cut;

    (void)state;
    make_whole(&file);
    loss_arena_init(&arena, NULL);
    for (size_t length = 0; length < file.length; length++) {
        enum loss_status status;

        cut = (struct file){.block = malloc(length + (length == 0)), .length = length};
        cut.bytes = cut.block;
        memcpy(cut.bytes, file.bytes, length);
        status = decode(&cut, &file_limits, &arena, &error);
        if (status != (length == 0 ? LOSS_EMPTY_BODY : LOSS_INVALID_SAFETENSORS))
            fail_msg("%zu bytes: %s", length, loss_status_code(status));
        if (length > 0 && length < 8 + sizeof whole - 1)
            assert_string_equal(error.where, "0");
        file_free(&cut);
        loss_arena_reset(&arena);
    }
    assert_int_equal(decode(&file, &file_limits, &arena, &error), LOSS_OK);
    loss_arena_reset(&arena);
    file_free(&file);
}

static void any_length_of_the_header(void **state)
{
    static const uint64_t lengths[] = {0,
                                       1,
                                       7,
                                       UINT64_C(1) << 31,
                                       UINT32_MAX,
                                       INT64_MAX,
                                       UINT64_C(1) << 63,
                                       UINT64_MAX - 8,
                                       UINT64_MAX - 7,
                                       UINT64_MAX};
    struct codec_limits limits = file_limits;
    struct loss_arena arena;
    struct loss_error error;
    struct file file;

    (void)state;
    make_whole(&file);
    loss_arena_init(&arena, NULL);
    limits.envelope_bytes_max = sizeof whole - 1;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_OK);
    limits.envelope_bytes_max--;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_BODY_TOO_LARGE);
    assert_non_null(strstr(error.sentence, "(envelope_bytes_max)"));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        memcpy(file.bytes, &lengths[i], 8);
        assert_int_equal(decode(&file, &file_limits, &arena, &error), LOSS_INVALID_SAFETENSORS);
    }
    for (uint64_t length = 0; length < file.length; length++) {
        memcpy(file.bytes, &length, 8);
        if (length < sizeof whole - 2 || length > sizeof whole - 1)
            assert_int_equal(decode(&file, &file_limits, &arena, &error), LOSS_INVALID_SAFETENSORS);
    }
    loss_arena_reset(&arena);
    file_free(&file);
}

static void limits_hold_on_both_sides(void **state)
{
    static const char empty[] = "{'logits':{'dtype':'F32','shape':[0,3],'data_offsets':[0,0]},"
                                "'targets':{'dtype':'I8','shape':[0],'data_offsets':[0,0]}}";
    struct codec_limits limits = file_limits;
    struct loss_arena arena;
    struct loss_error error;
    struct file file;

    (void)state;
    loss_arena_init(&arena, NULL);
    make_whole(&file);
    limits.elements_max = 2;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_OK);
    limits.elements_max = 1;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_TOO_MANY_ELEMENTS);
    assert_string_equal(error.where, "/logits");
    assert_non_null(strstr(error.sentence, "shape [2], which is more than 1 elements"));
    file_free(&file);
    file_make(&file, empty, NULL, 0, 0);
    limits.elements_max = 3;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_OK);
    limits.elements_max = 2;
    assert_int_equal(decode(&file, &limits, &arena, &error), LOSS_TOO_MANY_ELEMENTS);
    file_free(&file);
    loss_arena_reset(&arena);
}

/* Whatever a byte becomes: a request, or a fault whose place lies in the file. */
static void every_changed_byte_has_an_answer(void **state)
{
    struct loss_error error;
    struct file file;

    (void)state;
    make_whole(&file);
    for (size_t i = 0; i < 8 + sizeof whole - 1; i++) {
        char right = file.bytes[i];

        for (int byte = 0; byte < 256; byte++) {
            struct loss_arena arena;
            enum loss_status status;

            loss_arena_init(&arena, NULL);
            file.bytes[i] = (char)byte;
            status = decode(&file, &file_limits, &arena, &error);
            assert_true(status != LOSS_OUT_OF_MEMORY && status != LOSS_INVALID_JSON);
            if (status != LOSS_OK && error.where[0] != '/' && error.where[0] != '\0')
                assert_in_range(strtoul(error.where, NULL, 10), 0, file.length);
            loss_arena_reset(&arena);
        }
        file.bytes[i] = right;
    }
    file_free(&file);
}

/* The memory ends at each of its pieces: before it, `reserved` bytes are gone. */
static void a_missing_block_is_never_a_wrong_answer(void **state)
{
    struct loss_arena plenty;
    struct answer right;
    struct loss_error error;
    struct file file;
    size_t refused = 0, answered = 0;

    (void)state;
    make_whole(&file);
    loss_arena_init(&plenty, NULL);
    assert_int_equal(file_answer(&file, ANSWER_SAFETENSORS, &plenty, &right, &error), LOSS_OK);
    for (size_t reserved = 0; reserved < 32768; reserved += 64) {
        for (size_t takes = 1; takes < 5; takes++) {
            struct source source = {.fails_at = takes + 1, .fails_onward = true};
            struct loss_arena arena;
            struct answer answer;
            enum loss_status status = LOSS_OUT_OF_MEMORY;

            source_init(&arena, &source);
            if (loss_arena_take(&arena, reserved, 1) != NULL)
                status = file_answer(&file, ANSWER_SAFETENSORS, &arena, &answer, &error);
            if (status == LOSS_OK) {
                assert_int_equal(answer.length, right.length);
                assert_memory_equal(answer.body, right.body, right.length);
                answered++;
            } else {
                assert_int_equal(status, LOSS_OUT_OF_MEMORY);
                refused++;
            }
            loss_arena_reset(&arena);
            assert_int_equal(source.out, 0);
        }
    }
    assert_true(refused > 100 && answered > 100);
    loss_arena_reset(&plenty);
    file_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(any_length_of_the_header),
        cmocka_unit_test(limits_hold_on_both_sides),
        cmocka_unit_test(every_changed_byte_has_an_answer),
        cmocka_unit_test(a_missing_block_is_never_a_wrong_answer),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
