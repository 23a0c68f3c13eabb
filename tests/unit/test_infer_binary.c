/* test_infer_binary.c - bodies of JSON and bytes that do not fit each other,
 * cut ones and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "support/messages.h"

static const char head[] =
    "{\"id\":\"a\",\"inputs\":[{\"name\":\"logits\",\"shape\":[2,3],\"datatype\":\"FP16\","
    "\"parameters\":{\"binary_data_size\":12}},{\"name\":\"weights\",\"shape\":[3],\"datatype\":"
    "\"FP16\",\"data\":[1,2.5,NaN]},{\"name\":\"targets\",\"shape\":[2],\"datatype\":\"UINT32\","
    "\"parameters\":{\"binary_data_size\":8}}],\"outputs\":[{\"name\":\"softmax\",\"parameters\":"
    "{\"binary_data\":true}},{\"name\":\"gradient\",\"parameters\":{\"classification\":2}},"
    "{\"name\":\"ece\"}],\"parameters\":{\"label_smoothing\":0.5,\"bins\":3}}";

static const uint16_t tail[] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x7e00, 0xfc00, 1, 0, 2, 0};

enum { HEAD = sizeof head - 1, TAIL = sizeof tail, WHOLE = HEAD + TAIL };

/* Decode, evaluate and answer `length` bytes that lie at the end of their block. */
static enum loss_status answer_bytes(const char *bytes, size_t length, size_t head_length,
                                     struct loss_arena *arena, struct answer *answer,
                                     struct loss_error *error)
{
    static const struct answer_host never = {.context = NULL};
    char *block = calloc(length + CODEC_PADDING, 1);
    enum loss_status status;

    assert_non_null(block);
    memcpy(block, bytes, length);
    *error = (struct loss_error){.status = LOSS_OK};
    status =
        answer_request(&(struct codec_body){.bytes = block,
                                            .length = length,
                                            .stage = LOSS_STAGE_LOGITS,
                                            .head_length = head_length},
                       ANSWER_INFER, ANSWER_INFER, &message_limits, &never, arena, answer, error);
    free(block);
    assert_int_equal(error->status, status);
    return status;
}

static void make_whole(char whole[WHOLE + 8])
{
    memcpy(whole, head, HEAD);
    memcpy(whole + HEAD, tail, TAIL);
    memset(whole + WHOLE, '7', 8);
}

static void head_and_bytes_must_fit(void **state)
{
    static const struct {
        size_t length, head_length;
        enum loss_status status;
        const char *where, *word;
    } rows[] = {
        {WHOLE, HEAD, LOSS_OK, "", ""},
        {WHOLE + 3, HEAD, LOSS_TRAILING_DATA, "",
         "has 23 bytes after its JSON, but the inputs take only 20"},
        {WHOLE - 1, HEAD, LOSS_BAD_FRAMING, "/inputs/2/parameters/binary_data_size",
         "8 bytes of binary data, but only 7 are left"},
        {HEAD, HEAD, LOSS_BAD_FRAMING, "/inputs/0/parameters/binary_data_size", "only 0 are left"},
        {WHOLE, WHOLE + 1, LOSS_BAD_FRAMING, "", "but the body has only"},
        {WHOLE, CODEC_NO_HEAD - 1, LOSS_BAD_FRAMING, "", "but the body has only"},
        {WHOLE, 0, LOSS_BAD_FRAMING, "", "a loss has two"},
        {WHOLE, CODEC_NO_HEAD, LOSS_BAD_FRAMING, "/inputs/0/parameters/binary_data_size",
         "the header Inference-Header-Content-Length is missing"},
        {HEAD, CODEC_NO_HEAD, LOSS_BAD_FRAMING, "/inputs/0/parameters/binary_data_size",
         "the header Inference-Header-Content-Length is missing"},
        {WHOLE, HEAD - 1, LOSS_INVALID_JSON, NULL, "end of the body"},
        {WHOLE + 1, HEAD + 1, LOSS_TRAILING_DATA, NULL, "more follows"},
        {0, CODEC_NO_HEAD, LOSS_EMPTY_BODY, "", "empty"},
    };
    char whole[WHOLE + 8];

    (void)state;
    make_whole(whole);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;

        loss_arena_init(&arena, NULL);
        (void)answer_bytes(whole, rows[i].length, rows[i].head_length, &arena, &answer, &error);
        if (error.status != rows[i].status || strstr(error.sentence, rows[i].word) == NULL ||
            (rows[i].where != NULL && strcmp(rows[i].where, error.where) != 0))
            fail_msg("row %zu: %s at %s: %s", i, loss_status_code(error.status), error.where,
                     error.sentence);
        loss_arena_reset(&arena);
    }
}

/* Whatever the header says of it: nothing that was cut is a request. */
static void every_prefix_is_refused(void **state)
{
    char whole[WHOLE + 8];

    (void)state;
    make_whole(whole);
    for (size_t length = 0; length <= WHOLE; length++) {
        const size_t heads[] = {HEAD, length, length / 2, CODEC_NO_HEAD};

        for (size_t i = 0; i < 4; i++) {
            struct loss_arena arena;
            struct answer answer;
            struct loss_error error;
            bool is_whole = length == WHOLE && heads[i] == HEAD;

            loss_arena_init(&arena, NULL);
            if ((answer_bytes(whole, length, heads[i], &arena, &answer, &error) == LOSS_OK) !=
                is_whole)
                fail_msg("%zu bytes, head %zu: %s", length, heads[i], error.sentence);
            loss_arena_reset(&arena);
        }
    }
}

/* Whatever a byte becomes: a reply whose head is JSON, or a fault with its sentence. */
static void every_changed_byte_has_an_answer(void **state)
{
    char whole[WHOLE + 8];
    size_t accepted = 0;

    (void)state;
    make_whole(whole);
    for (size_t i = 0; i < WHOLE; i++) {
        char right = whole[i];

        for (int byte = 0; byte < 256; byte += i < HEAD ? 1 : 17) {
            struct loss_arena arena;
            struct answer answer;
            struct loss_error error;

            whole[i] = (char)byte;
            loss_arena_init(&arena, NULL);
            if (answer_bytes(whole, WHOLE, HEAD, &arena, &answer, &error) == LOSS_OK) {
                json_t *reply = json_loadb(answer.body,
                                           answer.head_length == CODEC_NO_HEAD ? answer.length
                                                                               : answer.head_length,
                                           JSON_REJECT_DUPLICATES, NULL);

                assert_non_null(json_object_get(reply, "outputs"));
                json_decref(reply);
                accepted++;
            } else {
                assert_true(error.sentence[0] != '\0' && error.status != LOSS_OUT_OF_MEMORY);
            }
            loss_arena_reset(&arena);
        }
        whole[i] = right;
    }
    assert_in_range(accepted, WHOLE, 30 * WHOLE);
}

/* Indices above what is signed are not taken for negative ones. */
static void unsigned_indices_are_not_signed(void **state)
{
    static const struct {
        const char *datatype;
        size_t bytes;
        uint64_t index;
        const char *word;
    } rows[] = {
        {"UINT8", 1, 0xff, "targets[0] is 255, "},
        {"UINT16", 2, 0xffff, "targets[0] is 65535, "},
        {"UINT32", 4, 0xffffffff, "targets[0] is 4294967295, "},
        {"UINT64", 8, 0x7fffffffffffffff, "targets[0] is 9223372036854775807, "},
        {"UINT64", 8, 0x8000000000000000, "targets[0] is 9223372036854775808, "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;
        char json[300];

        (void)snprintf(json, sizeof json,
                       "{\"inputs\":[{\"name\":\"targets\",\"shape\":[1],\"datatype\":\"%s\","
                       "\"parameters\":{\"binary_data_size\":%zu}},{\"name\":\"logits\",\"shape\":"
                       "[1,2],\"datatype\":\"FP32\",\"data\":[0,1]}]}",
                       rows[i].datatype, rows[i].bytes);
        loss_arena_init(&arena, NULL);
        assert_int_equal(message_answer(&(struct message){LOSS_STAGE_LOGITS, json, &rows[i].index,
                                                          rows[i].bytes},
                                        1, &arena, &answer, &error),
                         LOSS_TARGET_OUT_OF_RANGE);
        assert_string_equal(error.where, "/targets/0");
        assert_non_null(strstr(error.sentence, rows[i].word));
        loss_arena_reset(&arena);
    }
}

/* Bytes at an address that fits their type stay where they are; others move to one that does. */
static void tensors_are_copied_only_if_they_must(void **state)
{
    char block[16 + HEAD + TAIL + CODEC_PADDING] __attribute__((aligned(16))) = {0};

    (void)state;
    for (size_t shift = 0; shift < 16; shift++) {
        struct codec_request request;
        struct loss_arena arena;
        struct loss_error error;
        const char *bytes = block + shift + HEAD, *data;

        memcpy(block + shift, head, HEAD);
        memcpy(block + shift + HEAD, tail, TAIL);
        loss_arena_init(&arena, NULL);
        assert_int_equal(request_infer_decode(&(struct codec_body){.bytes = block + shift,
                                                                   .length = HEAD + TAIL,
                                                                   .stage = LOSS_STAGE_LOGITS,
                                                                   .head_length = HEAD},
                                              &message_limits, &arena, &request, &error),
                         LOSS_OK);
        data = request.loss.predictions.data;
        assert_int_equal((uintptr_t)data % 2, 0);
        assert_int_equal(data == bytes, (uintptr_t)bytes % 2 == 0);
        assert_memory_equal(data, tail, 12);
        loss_arena_reset(&arena);
    }
}

/* Ranking more than a million elements takes too long to be started. */
static void rankings_are_bounded(void **state)
{
    static const struct answer_host never = {.context = NULL};
    struct codec_limits wide = message_limits;

    (void)state;
    wide.elements_max = 2000000;
    for (size_t rows = 1000000; rows < 1000002; rows++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;
        char json[400];
        int length = snprintf(
            json, sizeof json,
            "{\"inputs\":[{\"name\":\"logits\",\"shape\":[%zu,1],\"datatype\":\"BF16\","
            "\"parameters\":{\"binary_data_size\":%zu}},{\"name\":\"targets\",\"shape\":[%zu],"
            "\"datatype\":\"UINT8\",\"parameters\":{\"binary_data_size\":%zu}}],\"outputs\":"
            "[{\"name\":\"losses\",\"parameters\":{\"classification\":1}}]}",
            rows, 2 * rows, rows, rows);
        size_t bytes = (size_t)length + 3 * rows;
        char *block = calloc(bytes + CODEC_PADDING, 1);

        assert_non_null(block);
        memcpy(block, json, (size_t)length);
        loss_arena_init(&arena, NULL);
        assert_int_equal(answer_request(&(struct codec_body){.bytes = block,
                                                             .length = bytes,
                                                             .stage = LOSS_STAGE_LOGITS,
                                                             .head_length = (size_t)length},
                                        ANSWER_INFER, ANSWER_INFER, &wide, &never, &arena, &answer,
                                        &error),
                         rows == 1000000 ? LOSS_OK : LOSS_TOO_MANY_ELEMENTS);
        loss_arena_reset(&arena);
        free(block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_and_bytes_must_fit),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(every_changed_byte_has_an_answer),
        cmocka_unit_test(unsigned_indices_are_not_signed),
        cmocka_unit_test(tensors_are_copied_only_if_they_must),
        cmocka_unit_test(rankings_are_bounded),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
