/* test_safetensors.c - requests as safetensors: what they become, beside the same in JSON. */
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
#include "codec/safetensors.h"
#include "support/files.h"
#include "support/numbers.h"

/* The example of README.md. */
static const double scores[15] = {13, 3, 2, 5, 1, 1, 8, 20, 2, 3, 1, 14, 3, 5, 3};
static const int64_t classes[3] = {0, 2, 1};
#define SCORES_JSON "'logits':[[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]]"

/* A number of a small integer in a dtype, by the definition of its format. */
static size_t put_number(char *at, const char *dtype, double value)
{
    float single = (float)value;
    int64_t integer = (int64_t)value;
    uint32_t bits;
    uint16_t half;

    memcpy(&bits, &single, sizeof bits);
    if (strcmp(dtype, "F64") == 0) {
        memcpy(at, &value, 8);
        return 8;
    }
    if (strcmp(dtype, "F32") == 0) {
        memcpy(at, &single, 4);
        return 4;
    }
    if (dtype[0] == 'B' || dtype[0] == 'F') {
        half = (uint16_t)(bits >> 16);
        if (dtype[0] == 'F') /* normal and exact: another bias, fewer digits */
            half = (uint16_t)(bits >> 16 & 0x8000) |
                   (uint16_t)(value != 0 ? ((bits >> 13) - (112u << 10)) & 0x7fff : 0);
        memcpy(at, &half, 2);
        return 2;
    }
    memcpy(at, &integer, (size_t)atoi(dtype + 1) / 8); /* little-endian */
    return (size_t)atoi(dtype + 1) / 8;
}

static size_t put_numbers(char *at, const char *dtype, const double *values, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += put_number(at + bytes, dtype, values[i]);
    return bytes;
}

/* The example in these dtypes, with `metadata` in its header and spaces after it. */
static void make_example(struct file *file, const char *floating, const char *integer,
                         const char *metadata, int spaces, size_t shift)
{
    char buffer[256], header[1024];
    size_t end = put_numbers(buffer, floating, scores, 15), all = end;

    for (size_t i = 0; i < 3; i++)
        all += put_number(buffer + all, integer, (double)classes[i]);
    (void)snprintf(header, sizeof header,
                   "{%s'logits':{'dtype':'%s','shape':[3,5],'data_offsets':[0,%zu]},"
                   "'targets':{'dtype':'%s','shape':[3],'data_offsets':[%zu,%zu]}}%*s",
                   metadata, floating, end, integer, end, all, spaces, "");
    file_make(file, header, buffer, all, shift);
}

static json_t *answer_json(const struct file *file)
{
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;
    json_t *reply;

    loss_arena_init(&arena, NULL);
    if (file_answer(file, ANSWER_JSON, &arena, &answer, &error) != LOSS_OK)
        fail_msg("%s at %s", error.sentence, error.where);
    reply = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(reply);
    loss_arena_reset(&arena);
    return reply;
}

static double member(const json_t *reply, const char *name)
{
    return json_number_value(json_object_get(reply, name));
}

static void the_example_in_every_floating_dtype(void **state)
{
    static const struct {
        const char *name, *dtype;
        double loss, error, sum_error;
    } rows[] = {{"F64", "float64", 0.0001896314373124011, 1e-15, 1e-15},
                {"F32", "float32", 0.0001896314373124011, 0x1p-24, 3e-8},
                {"F16", "float16", 0.0001896314373124011, 0x1p-11, 3e-8},
                {"BF16", "bfloat16", 0.0001896314373124011, 0x1p-8, 3e-8}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file file;
        json_t *reply;

        make_example(&file, rows[i].name, "I64", "", 0, 0);
        reply = answer_json(&file);
        assert_string_equal(json_string_value(json_object_get(reply, "dtype")), rows[i].dtype);
        assert_true(number_is_near(member(reply, "loss"), rows[i].loss, rows[i].error, 0));
        assert_true(
            number_is_near(member(reply, "loss_sum"), 0.0005688943119372031, rows[i].sum_error, 0));
        assert_true(member(reply, "correct") == 3 && member(reply, "classes") == 5);
        json_decref(reply);
        file_free(&file);
    }
}

static void same_bits_as_json(void **state)
{
    static const char *const integers[] = {"I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8"};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        struct file file;

        make_example(&file, "F32", integers[i], "'__metadata__':{'return':'softmax,gradient'},", 0,
                     0);
        file_check_same(&file, "{" SCORES_JSON ",'targets':[0,2,1],"
                               "'return':['softmax','gradient']}");
        file_free(&file);
        make_example(&file, "F64", integers[i], "'__metadata__':{'reduction':'none'},", 0, 0);
        file_check_same(&file, "{" SCORES_JSON ",'targets':[0,2,1],'reduction':'none',"
                               "'dtype':'float64'}");
        file_free(&file);
    }
}

/* Wherever the body and its buffer begin. */
static void misaligned_tensors_give_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < 64; i++) {
        struct file file;

        make_example(&file, "F32", i % 3 != 0 ? "I64" : "U32", "", (int)i / 8, i % 8);
        file_check_same(&file, "{" SCORES_JSON ",'targets':[0,2,1]}");
        file_free(&file);
        make_example(&file, "F64", i % 3 != 0 ? "I16" : "U16", "", (int)i / 8, i % 8);
        file_check_same(&file, "{" SCORES_JSON ",'targets':[0,2,1],'dtype':'float64'}");
        file_free(&file);
    }
}

static enum loss_status decode(const struct file *file, struct loss_arena *arena,
                               struct codec_request *request, struct loss_error *error)
{
    return request_safetensors_decode(
        &(struct codec_body){.bytes = file->bytes, .length = file->length}, &file_limits, arena,
        request, error);
}

static bool is_inside(const struct file *file, const struct loss_tensor *tensor)
{
    const char *data = tensor->data;

    return data >= file->bytes && data < file->bytes + file->length;
}

static void aligned_tensors_stay_where_they_are(void **state)
{
    static const char header[] =
        "{'targets':{'dtype':'%s','shape':[],'data_offsets':[%d,%d]},"
        "'weights':{'dtype':'F64','shape':[2],'data_offsets':[16,32]},"
        "'log_probabilities':{'dtype':'F64','shape':[2],'data_offsets':[0,16]}}       ";
    static const double buffer[5] = {-1, -2, 3, 4, 0};

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        bool is_wider = i % 2 != 0;
        struct codec_request request;
        struct loss_arena arena;
        struct loss_error error;
        struct file file;
        char text[512];
        size_t phase;

        (void)snprintf(text, sizeof text, header, is_wider ? "U16" : "I16", 32, 34);
        phase = strlen(text) % 8;
        loss_arena_init(&arena, NULL);
        file_make(&file, text, buffer, 34, i);
        assert_int_equal(decode(&file, &arena, &request, &error), LOSS_OK);
        assert_int_equal(request.dtype, LOSS_FLOAT64);
        assert_int_equal(request.loss.stage, LOSS_STAGE_LOG_PROBABILITIES);
        assert_true(is_inside(&file, &request.loss.predictions) == ((phase + i) % 8 == 0));
        assert_true(is_inside(&file, request.loss.weights) == ((phase + i) % 8 == 0));
        assert_true(is_inside(&file, &request.loss.targets) == (!is_wider && (phase + i) % 2 == 0));
        assert_int_equal(request.loss.targets.dtype, is_wider ? LOSS_INT64 : LOSS_INT16);
        assert_true(number_at(&request.loss.predictions, 1) == -2);
        assert_true(number_at(request.loss.weights, 0) == 3);
        assert_true(number_at(&request.loss.targets, 0) == 0);
        loss_arena_reset(&arena);
        file_free(&file);
    }
}

static void every_kind_of_request(void **state)
{
    static const struct {
        const char *header;
        double buffer[16];
        size_t bytes;
        const char *json;
    } rows[] = {
        {"{'probabilities':{'dtype':'F64','shape':[2,3],'data_offsets':[0,48]},"
         "'targets':{'dtype':'F64','shape':[2,3],'data_offsets':[48,96]}}",
         {0.5, 0.25, 0.25, 0.125, 0.75, 0.125, 0, 1, 0, 0.5, 0.5, 0},
         96,
         "{'probabilities':[[0.5,0.25,0.25],[0.125,0.75,0.125]],'targets':[[0,1,0],[0.5,0.5,0]],"
         "'dtype':'float64'}"},
        {"{'logits':{'dtype':'F32','shape':[0,4],'data_offsets':[0,0]},"
         "'targets':{'dtype':'U64','shape':[0],'data_offsets':[0,0]},"
         "'weights':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}}  \n",
         {1, 2},
         16,
         "{'logits':[],'targets':[],'weights':[1,2,3,4]}"},
        {"{'log\\u0069ts':{'d\\u0074ype':'F64','shape':[2],'data_offsets':[0,16]},"
         "'__metadata__':{'format':'pt','id':'"
         "\\u00e9\\ud83d\\ude00\xc3\xa9\\\\\\n\\u20ac\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\ud"
         "c00\\udbff\\udfff',"
         "'label_smoothing':'0.25','reduction':'sum','return':'losses,predictions'},"
         " 'targets' : { 'dtype' : 'I32' , 'shape' : [ ] , 'data_offsets' : [ 16 , 20 ] } }",
         {1, 3},
         20,
         "{'logits':[1,3],'targets':0,'id':'"
         "\\u00e9\\ud83d\\ude00\xc3\xa9\\\\\\n\\u20ac\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\ud"
         "c00\\udbff\\udfff',"
         "'label_smoothing':0.25,'reduction':'sum','return':['losses','predictions'],"
         "'dtype':'float64'}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct file file;

        file_make(&file, rows[i].header, rows[i].buffer, rows[i].bytes, 0);
        file_check_same(&file, rows[i].json);
        file_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_in_every_floating_dtype),
        cmocka_unit_test(same_bits_as_json),
        cmocka_unit_test(misaligned_tensors_give_the_same_bits),
        cmocka_unit_test(aligned_tensors_stay_where_they_are),
        cmocka_unit_test(every_kind_of_request),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
