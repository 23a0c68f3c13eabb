/* test_safetensors_faults.c - safetensors files that are refused: the
 * status, place and sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/safetensors.h"
#include "support/files.h"

#define LOGITS  "'logits':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}"
#define TARGETS "'targets':{'dtype':'I64','shape':[],'data_offsets':[8,16]}"

static enum loss_status decode(const struct file *file, struct loss_arena *arena,
                               struct loss_error *error)
{
    struct codec_request request;
    enum loss_status status;

    error->status = LOSS_OK;
    status = request_safetensors_decode(
        &(struct codec_body){.bytes = file->bytes, .length = file->length}, &file_limits, arena,
        &request, error);
    assert_int_equal(error->status, status);
    return status;
}

struct fault {
    const char *header;
    size_t bytes; /* of the buffer, all of them 0xff */
    enum loss_status status;
    const char *where, *says;
};

static void check_faults(const struct fault *faults, size_t count)
{
    unsigned char buffer[64];

    memset(buffer, 0xff, sizeof buffer);
    for (size_t i = 0; i < count; i++) {
        const char *header = faults[i].header;
        struct loss_error error = {.where = ""};
        struct loss_arena arena;
        enum loss_status status;
        struct file file;

        loss_arena_init(&arena, NULL);
        file_make(&file, header, buffer, faults[i].bytes, 0);
        status = decode(&file, &arena, &error);
        if (status != faults[i].status)
            fail_msg("%s: got %s (%s), want %s", header, loss_status_code(status), error.sentence,
                     loss_status_code(faults[i].status));
        if (status != LOSS_OK && strcmp(error.where, faults[i].where) != 0)
            fail_msg("%s: at %s, want %s (%s)", header, error.where, faults[i].where,
                     error.sentence);
        if (status != LOSS_OK && strstr(error.sentence, faults[i].says) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", header, error.sentence, faults[i].says);
        loss_arena_reset(&arena);
        file_free(&file);
    }
}

#define CHECK(faults) check_faults(faults, sizeof faults / sizeof faults[0])

#define BAD LOSS_INVALID_SAFETENSORS

static void faults_of_the_header(void **state)
{
    static const struct fault faults[] = {
        {"", 0, BAD, "8", "an object at byte 8, but found the end of the header"},
        {"", 9, BAD, "8", "the end of the header"},
        {" {" LOGITS "," TARGETS "}", 16, BAD, "8", "the byte 0x20"},
        {"[]", 0, BAD, "8", "an array"},
        {"{", 0, BAD, "9", "the end of the header"},
        {"{" LOGITS, 16, BAD, "66", "',' or '}'"},
        {"{" LOGITS ",", 16, BAD, "67", "a name in quotes"},
        {"{" LOGITS ",}", 16, BAD, "67", "a name in quotes"},
        {"{," LOGITS "}", 16, BAD, "9", "a name in quotes"},
        {"{'logits'", 16, BAD, "17", "':'"},
        {"{'logits':", 16, BAD, "18", "an object"},
        {"{'logits':[]}", 16, BAD, "18", "an array"},
        {"{'logits", 16, BAD, "16", "the header ends inside the string that begins at byte 9"},
        {"{'logits\\q':0}", 16, BAD, "16", "an escape"},
        {"{'log\nits':0}", 16, BAD, "13", "control character 0x0a"},
        {"{'log\xffits':0}", 16, LOSS_INVALID_UTF8, "13", "0xff"},
        {"{'__metadata__':{'id':'\xed\xa0\x80'}}", 0, LOSS_INVALID_UTF8, "31", "0xed"},
        {"{'__metadata__':{'id':'\\ud800'}}", 0, LOSS_INVALID_UTF8, "31", "surrogate"},
        {"{" LOGITS "," TARGETS "}x", 16, BAD, "126", "found 'x'"},
        {"{" LOGITS "," TARGETS "} {}", 16, BAD, "127", "an object"},
        {"{" LOGITS "," TARGETS "} \t\r\n", 16, LOSS_OK, NULL, NULL},
        {"{" LOGITS "," TARGETS "," LOGITS "}", 16, LOSS_DUPLICATE_KEY, "/logits", "twice"},
        {"{'__metadata__':{},'__metadata__':{}}", 0, LOSS_DUPLICATE_KEY, "/__metadata__", "twice"},
        {"{'__metadata__':{'format':'pt','format':'np'}}", 0, LOSS_DUPLICATE_KEY, "/format",
         "twice"},
        {"{'__metadata__':{'k':5}}", 0, BAD, "29", "a string at byte 29, but found a number"},
        {"{'__metadata__':{'format':null}}", 0, BAD, "34", "null"},
        {"{'__metadata__':{'id':{'a':[[]]}}}", 0, BAD, "30", "an object"},
        {"{'__metadata__':'x'}", 0, BAD, "24", "a string"},
        {"{'__metadata__':[]}", 0, BAD, "24", "an array"},
        {"{'__metadata__':{'author':'me'}}", 0, LOSS_UNKNOWN_FIELD, "", "\"author\""},
        {"{'logit':0}", 0, LOSS_UNKNOWN_FIELD, "/logit", "did you mean \"logits\""},
        {"{'reduction':0}", 0, LOSS_UNKNOWN_FIELD, "/reduction", "__metadata__, as strings"},
        {"{'model/x':0}", 0, LOSS_UNKNOWN_FIELD, "/model~1x", "no tensor \"model/x\""},
        {"{}", 0, LOSS_MISSING_FIELD, "", "\"log_probabilities\" must be there"},
        {"{}", 1, BAD, "10", "at byte 0 of the buffer, but the buffer has 1 bytes"},
        {"{'logits':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 8, LOSS_MISSING_FIELD, "",
         "\"targets\" is missing"},
        {"{'targets':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 8, LOSS_MISSING_FIELD, "",
         "\"logits\""},
        {"{" LOGITS ",'log_probabilities':{'dtype':'F64','shape':[],'data_offsets':[8,16]}}", 16,
         LOSS_CONFLICTING_FIELDS, "/log_probabilities",
         "\"logits\" and \"log_probabilities\" are both there"},
    };

    (void)state;
    CHECK(faults);
}

/* One tensor, described by the rest of its entry. */
#define ONE(name, dtype, shape, offsets) \
    "{'" name "':{'dtype':" dtype ",'shape':" shape ",'data_offsets':" offsets "}}"
#define SHAPE(shape, offsets) ONE("logits", "'F32'", shape, offsets)

static void faults_of_an_entry(void **state)
{
    static const struct fault faults[] = {
        {"{'logits':{}}", 0, BAD, "/logits", "has no dtype"},
        {"{'logits':{'dtype':'F32','data_offsets':[0,0]}}", 0, BAD, "/logits", "has no shape"},
        {"{'logits':{'dtype':'F32','shape':[1]}}", 4, BAD, "/logits", "has no data_offsets"},
        {"{'logits':{'dtype':'F32','dtype':'F32'}}", 4, LOSS_DUPLICATE_KEY, "/logits",
         "has dtype twice"},
        {"{'logits':{'shape':[1],'shape':[1]}}", 4, LOSS_DUPLICATE_KEY, "/logits", "shape twice"},
        {"{'logits':{'strides':[1]}}", 4, BAD, "/logits", "has \"strides\""},
        {ONE("logits", "'F8_E4M3'", "[1]", "[0,1]"), 1, LOSS_UNKNOWN_DTYPE, "/logits",
         "\"F8_E4M3\", but must have \"F64\", \"F32\", \"F16\" or \"BF16\""},
        {ONE("weights", "'I64'", "[1]", "[0,8]"), 8, LOSS_UNKNOWN_DTYPE, "/weights", "\"I64\""},
        {ONE("targets", "'BOOL'", "[1]", "[0,1]"), 1, LOSS_UNKNOWN_DTYPE, "/targets",
         "\"U16\" or \"U8\""},
        {ONE("targets", "'f32'", "[1]", "[0,4]"), 4, LOSS_UNKNOWN_DTYPE, "/targets", "\"f32\""},
        {ONE("targets", "32", "[1]", "[0,4]"), 4, BAD, "28", "found a number"},
        {SHAPE("2", "[0,8]"), 8, BAD, "41", "expected an array at byte 41"},
        {SHAPE("[", "[0,8]"), 8, BAD, "42", "expected an integer"},
        {SHAPE("[2,]", "[0,8]"), 8, BAD, "44", "an integer at byte 44, but found ']'"},
        {SHAPE("[2 2]", "[0,8]"), 8, BAD, "44", "',' or ']'"},
        {SHAPE("[-1]", "[0,4]"), 4, BAD, "42", "0 to 2^64-1 at byte 42, but found -1"},
        {SHAPE("[1.0]", "[0,4]"), 4, BAD, "42", "found 1.0"},
        {SHAPE("[1e1]", "[0,40]"), 40, BAD, "42", "found 1e1"},
        {SHAPE("[01]", "[0,4]"), 4, BAD, "42", "found 01"},
        {SHAPE("[+1]", "[0,4]"), 4, BAD, "42", "found +1"},
        {SHAPE("[18446744073709551616]", "[0,4]"), 4, BAD, "42", "found 18446744073709551616"},
        {SHAPE("[18446744073709551615]", "[0,4]"), 4, BAD, "/logits", "do not fit 64 bits"},
        {SHAPE("[4611686018427387904]", "[0,0]"), 0, BAD, "/logits", "do not fit 64 bits"},
        {SHAPE("[4294967296,4294967296]", "[0,0]"), 0, BAD, "/logits", "do not fit 64 bits"},
        {SHAPE("['1']", "[0,4]"), 4, BAD, "42", "a string"},
        {SHAPE("[[[[1]]]]", "[0,4]"), 4, BAD, "42", "an array"},
        {SHAPE("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
         LOSS_INVALID_SHAPE, "/logits", "33 dimensions, but at most 32"},
        {SHAPE("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"), 4,
         LOSS_MISSING_FIELD, "", "targets"},
        {SHAPE("[2]", "[0]"), 8, BAD, "/logits", "data_offsets of 1 numbers"},
        {SHAPE("[2]", "[0,8,8]"), 8, BAD, "/logits", "data_offsets of 3 numbers"},
        {SHAPE("[2]", "{}"), 8, BAD, "60", "an object"},
        {SHAPE("[2]", "[0,-8]"), 8, BAD, "63", "-8"},
        {SHAPE("[2]", "[0,4]"), 4, BAD, "/logits", "shape [2] of 4-byte elements makes 8 bytes"},
        {SHAPE("[2]", "[0,12]"), 12, BAD, "/logits", "makes 8 bytes"},
        {SHAPE("[2]", "[8,0]"), 8, BAD, "/logits", "data_offsets [8, 0]"},
        {SHAPE("[2]", "[18446744073709551615,7]"), 8, BAD, "/logits",
         "data_offsets [18446744073709551615, 7]"},
        {SHAPE("[]", "[0,0]"), 0, BAD, "/logits", "shape [] of 4-byte elements makes 4 bytes"},
        {SHAPE("[0,262144]", "[0,0]"), 0, LOSS_MISSING_FIELD, "", "targets"},
        {SHAPE("[0,262145]", "[0,0]"), 0, LOSS_TOO_MANY_ELEMENTS, "/logits",
         "an empty tensor may multiply to 262144"},
        {SHAPE("[4294967296,4294967296,0]", "[0,0]"), 0, LOSS_TOO_MANY_ELEMENTS, "/logits",
         "262144"},
        {SHAPE("[18446744073709551615,0,3]", "[0,0]"), 0, LOSS_TOO_MANY_ELEMENTS, "/logits",
         "262144"},
    };

    (void)state;
    CHECK(faults);
}

/* Two tensors of 8 bytes, but for their places. */
#define TWO(a, b)                                                 \
    "{'logits':{'dtype':'F64','shape':[1],'data_offsets':" a "}," \
    "'targets':{'dtype':'U64','shape':[1],'data_offsets':" b "}}"

static void faults_of_the_buffer(void **state)
{
    static const struct fault faults[] = {
        {TWO("[0,8]", "[8,16]"), 16, LOSS_TARGET_OUT_OF_RANGE, "/targets/0",
         "targets[0] is 18446744073709551615, but"},
        {TWO("[8,16]", "[0,8]"), 16, LOSS_TARGET_OUT_OF_RANGE, "/targets/0", "targets[0]"},
        {TWO("[0,8]", "[0,8]"), 8, BAD, "/targets",
         "begins at byte 0 of the buffer, but must "
         "begin at byte 8, where the tensor before"},
        {TWO("[0,8]", "[4,12]"), 12, BAD, "/targets", "byte 4"},
        {TWO("[0,8]", "[12,20]"), 20, BAD, "/targets", "begins at byte 12"},
        {TWO("[16,24]", "[0,8]"), 24, BAD, "/logits", "begins at byte 16"},
        {TWO("[8,16]", "[16,24]"), 24, BAD, "/logits", "at byte 0, where the buffer begins"},
        {TWO("[0,8]", "[8,16]"), 15, BAD, "/targets", "ends at byte 16"},
        {TWO("[0,8]", "[8,16]"), 8, BAD, "/targets", "the buffer has 8 bytes"},
        {TWO("[0,8]", "[8,16]"), 0, BAD, "/logits", "the buffer has 0 bytes"},
        {TWO("[0,8]", "[8,16]"), 17, BAD, "143", "end at byte 16 of the buffer"},
        {TWO("[18446744073709551608,18446744073709551616]", "[0,8]"), 16, BAD, "82", "2^64-1"},
        {TWO("[9223372036854775800,9223372036854775808]", "[0,8]"), 16, BAD, "/logits", "must"},
    };

    (void)state;
    CHECK(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_the_header),
        cmocka_unit_test(faults_of_an_entry),
        cmocka_unit_test(faults_of_the_buffer),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
