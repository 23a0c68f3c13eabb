/* test_safetensors_options.c - the options of a safetensors file, and a
 * file of Python's package. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/safetensors.h"
#include "support/files.h"
#include "support/numbers.h"

/* One in the query, one in the metadata; faults name the place. */
static void options_stand_in_the_query_or_the_metadata(void **state)
{
    static const struct {
        const char *metadata;
        struct codec_option query;
        enum loss_status status;
        const char *where, *says;
    } rows[] = {
        {"'__metadata__':{'k':'2'},", {"reduction", "sum"}, LOSS_OK, NULL, NULL},
        {"'__metadata__':{'reduction':'sum','k':'2'},", {"id", "x"}, LOSS_OK, NULL, NULL},
        {"", {"size_average", "false"}, LOSS_OK, NULL, NULL},
        {"'__metadata__':{'size_average':'false'},", {"k", "3"}, LOSS_OK, NULL, NULL},
        {"'__metadata__':{'reduction':'sum'},",
         {"reduction", "sum"},
         LOSS_CONFLICTING_FIELDS,
         "/reduction",
         "in the query of the URL and in the body"},
        {"", {"dtype", "float64"}, LOSS_CONFLICTING_FIELDS, "/dtype", "each tensor"},
        {"'__metadata__':{'dtype':'F64'},",
         {"k", "3"},
         LOSS_CONFLICTING_FIELDS,
         "/dtype",
         "each tensor"},
        {"'__metadata__':{'k':'2','k':'2'},", {"id", ""}, LOSS_DUPLICATE_KEY, "/k", "twice"},
        {"'__metadata__':{'k':'two'},", {"id", ""}, LOSS_WRONG_TYPE, "/k", "an integer"},
        {"'__metadata__':{'k':''},", {"id", ""}, LOSS_WRONG_TYPE, "/k", "an integer"},
        {"'__metadata__':{'reduction':'Sum'},", {"id", ""}, LOSS_UNKNOWN_VALUE, "/reduction", "S"},
        {"'__metadata__':{'redaction':'sum'},",
         {"id", ""},
         LOSS_UNKNOWN_FIELD,
         "",
         "did you mean \"reduction\""},
        {"", {"format", "pt"}, LOSS_UNKNOWN_FIELD, "", "\"format\""},
    };
    static const char buffer[16] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct codec_request request;
        struct loss_arena arena;
        struct loss_error error;
        struct file file;
        enum loss_status status;
        char header[512];

        (void)snprintf(header, sizeof header,
                       "{%s'logits':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                       "'targets':{'dtype':'I64','shape':[],'data_offsets':[8,16]}}",
                       rows[i].metadata);
        file_make(&file, header, buffer, sizeof buffer, 0);
        loss_arena_init(&arena, NULL);
        status = request_safetensors_decode(&(struct codec_body){.bytes = file.bytes,
                                                                 .length = file.length,
                                                                 .query = &rows[i].query,
                                                                 .query_count = 1},
                                            &file_limits, &arena, &request, &error);
        if (status != rows[i].status)
            fail_msg("row %zu: %s", i, status != LOSS_OK ? error.sentence : "accepted");
        if (status == LOSS_OK)
            assert_int_equal(request.loss.reduction, LOSS_REDUCTION_SUM);
        else if (strcmp(error.where, rows[i].where) != 0 || !strstr(error.sentence, rows[i].says))
            fail_msg("row %zu: %s at \"%s\"", i, error.sentence, error.where);
        loss_arena_reset(&arena);
        file_free(&file);
    }
}

/* All ones are the largest index there is, not -1, which would be ignored here. */
static void unsigned_targets_are_not_negative(void **state)
{
    static const struct {
        const char *dtype, *says;
        size_t bytes;
    } rows[] = {{"U8", "targets is 255,", 1},
                {"U16", "targets is 65535,", 2},
                {"U32", "targets is 4294967295,", 4}};
    static const unsigned char buffer[12] = {[8] = 0xff, 0xff, 0xff, 0xff};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;
        struct file file;
        char header[256];

        (void)snprintf(header, sizeof header,
                       "{'__metadata__':{'ignore_index':'-1'},"
                       "'logits':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                       "'targets':{'dtype':'%s','shape':[],'data_offsets':[8,%zu]}}",
                       rows[i].dtype, 8 + rows[i].bytes);
        file_make(&file, header, buffer, 8 + rows[i].bytes, 0);
        loss_arena_init(&arena, NULL);
        assert_int_equal(file_answer(&file, ANSWER_JSON, &arena, &answer, &error),
                         LOSS_TARGET_OUT_OF_RANGE);
        if (strstr(error.sentence, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].dtype, error.sentence);
        loss_arena_reset(&arena);
        file_free(&file);
    }
}

static double member(const json_t *reply, const char *name)
{
    return json_number_value(json_object_get(reply, name));
}

/* The digits as Python's package wrote them (make_safetensors.py), and their true loss. */
static void a_file_of_the_python_package(void **state)
{
    json_t *expected = json_load_file("tests/data/digits.expected.json", 0, NULL), *reply;
    FILE *stream = fopen("tests/data/digits.safetensors", "rb");
    struct file file = {.block = aligned_alloc(64, 65536)};
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    (void)state;
    assert_non_null(expected);
    assert_non_null(stream);
    file.bytes = file.block;
    file.length = fread(file.bytes, 1, 65536, stream);
    assert_in_range(file.length, 36000, 65535);
    (void)fclose(stream);
    loss_arena_init(&arena, NULL);
    assert_int_equal(file_answer(&file, ANSWER_JSON, &arena, &answer, &error), LOSS_OK);
    reply = json_loadb(answer.body, answer.length, 0, NULL);
    assert_non_null(reply);
    loss_arena_reset(&arena);
    assert_true(number_is_near(member(reply, "loss"),
                               member(json_object_get(expected, "mpmath"), "mean"), 1e-15, 0));
    assert_true(number_is_near(member(reply, "weight_sum"),
                               member(json_object_get(expected, "mpmath"), "weight_sum"), 1e-15,
                               0));
    assert_true(member(reply, "count") == 450 && member(reply, "correct") == 432);
    assert_string_equal(json_string_value(json_object_get(reply, "dtype")), "float64");
    json_decref(reply);
    json_decref(expected);
    file_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_in_the_query_or_the_metadata),
        cmocka_unit_test(unsigned_targets_are_not_negative),
        cmocka_unit_test(a_file_of_the_python_package),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
