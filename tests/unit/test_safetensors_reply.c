/* test_safetensors_reply.c - replies as safetensors, beside the same in JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/shortest.h"
#include "codec/text.h"
#include "support/client.h"
#include "support/files.h"
#include "support/numbers.h"

#define EVERYTHING                                                                        \
    "losses,softmax,log_softmax,gradient,predictions,accuracy,top_k_accuracy,perplexity," \
    "entropy,confidence,brier,ece,per_class,confusion_matrix"

/* Logits and targets, which are probabilities if they have the same shape, else class indices. */
static const struct request {
    const char *dtype, *shape;
    size_t bytes;
    const char *target_shape;
    size_t targets;
    const char *options;
} requests[] = {
    {"F64", "[2,3]", 48, "[2]", 2, "'return':'" EVERYTHING "'"},
    {"F32", "[2,3]", 24, "[2]", 2, "'return':'" EVERYTHING "','bins':'1'"},
    {"F16", "[2,3]", 12, "[2]", 2, "'return':'" EVERYTHING "'"},
    {"BF16", "[2,3]", 12, "[2]", 2, "'return':'" EVERYTHING "','reduction':'none'"},
    {"F32", "[3]", 12, "[]", 1, "'return':'" EVERYTHING "','reduction':'none'"},
    {"F64", "[2,3,1]", 48, "[2,1]", 2, "'return':'losses,predictions','reduction':'none'"},
    {"F32", "[0,3]", 0, "[0]", 0, "'return':'" EVERYTHING "','reduction':'none'"},
    {"F16", "[2,3]", 12, "[2]", 2, "'id':'\\u0001\\\"\\\\\\u00e9','ignore_index':'0'"},
    {"F32", "[2,3]", 24, "[2]", 2, "'reduction':'sum'"},
    {"BF16", "[2,3]", 12, "[2,3]", 12, "'return':'losses,entropy'"},
};

static void make_request(struct file *file, const struct request *request)
{
    /* any bits that are numbers, among them a NaN of float16 and large ones */
    static const unsigned char bytes[48] = {0x12, 0x3c, 0x40, 0x40, 0x00, 0x7e, 0x01, 0x40,
                                            0x80, 0xc0, 0x10, 0x41, 0x00, 0x00, 0x20, 0x40};
    char header[1024], buffer[64] = {0};

    memcpy(buffer, bytes, request->bytes);
    buffer[request->bytes] = 2;
    (void)snprintf(header, sizeof header,
                   "{'__metadata__':{%s},'logits':{'dtype':'%s','shape':%s,'data_offsets':[0,%zu]},"
                   "'targets':{'dtype':'%s','shape':%s,'data_offsets':[%zu,%zu]}}",
                   request->options, request->dtype, request->shape, request->bytes,
                   strcmp(request->target_shape, request->shape) == 0 ? request->dtype : "U8",
                   request->target_shape, request->bytes, request->bytes + request->targets);
    file_make(file, header, buffer, request->bytes + request->targets, 0);
}

/* Elements of a tensor from `*index` on, and of nested arrays of JSON. */
static void check_elements(const char *name, const struct loss_tensor *tensor, const json_t *want,
                           size_t *index)
{
    double got, wanted;

    if (json_is_array(want)) {
        for (size_t i = 0; i < json_array_size(want); i++)
            check_elements(name, tensor, json_array_get(want, i), index);
        return;
    }
    got = number_at(tensor, (*index)++);
    wanted = json_number(want);
    if (tensor->dtype != LOSS_FLOAT64 && tensor->dtype != LOSS_INT64) /* JSON has it in float32 */
        wanted = (double)(float)wanted;
    if (got != wanted && !(isnan(got) && isnan(wanted)) && !isinf(got))
        fail_msg("%s: element %zu is %.17g, not %.17g", name, *index - 1, got, wanted);
}

/* A tensor has what the JSON form has, and if it is one number, so has the metadata. */
static void check_tensor(const char *bytes, const json_t *header, const char *name,
                         const json_t *want)
{
    const struct loss_tensor tensor = file_tensor(bytes, header, name);
    const char *word =
        json_string_value(json_object_get(json_object_get(header, "__metadata__"), name));
    size_t elements = 0;

    check_elements(name, &tensor, want, &elements);
    assert_int_equal(elements, loss_tensor_elements(&tensor));
    assert_int_equal(word != NULL, tensor.rank == 0);
    if (word != NULL) {
        double value = json_is_string(want) ? NAN : strtod(word, NULL);

        assert_true(json_is_string(want) ? strcmp(word, json_string_value(want)) == 0
                                         : value == json_number_value(want));
    }
}

/* Every member of the JSON reply is a tensor, or two or three, or metadata; returns how many. */
static size_t check_members(const char *bytes, const json_t *header, const json_t *reply)
{
    const json_t *metadata = json_object_get(header, "__metadata__");
    size_t tensors = 0;
    const char *name, *column;
    json_t *value, *part;
    char whole[64];

    json_object_foreach ((json_t *)(uintptr_t)reply, name, value) {
        if (strcmp(name, "dtype") == 0 || strcmp(name, "id") == 0) {
            assert_true(json_equal(json_object_get(metadata, name), value));
            continue;
        }
        if (!json_is_object(value)) {
            check_tensor(bytes, header, name, value);
            tensors++;
            continue;
        }
        json_object_foreach (value, column, part) {
            (void)snprintf(whole, sizeof whole, "%s.%s", name, column);
            check_tensor(bytes, header, whole, part);
            tensors++;
        }
    }
    return tensors;
}

/* The entries in the order of the header: no wider element after a narrower, then by name; and the
 * buffer is filled from its first byte to its last. */
static void check_order(const char *bytes, size_t length, const json_t *header)
{
    const char *name, *before = "";
    size_t width = 8, end = 0;
    uint64_t header_bytes;
    json_t *entry;

    memcpy(&header_bytes, bytes, sizeof header_bytes);
    assert_int_equal(header_bytes % 8, 0);
    json_object_foreach ((json_t *)(uintptr_t)header, name, entry) {
        struct loss_tensor tensor;
        const json_t *offsets = json_object_get(entry, "data_offsets");
        size_t bytes_each;

        if (strcmp(name, "__metadata__") == 0)
            continue;
        tensor = file_tensor(bytes, header, name);
        bytes_each = loss_dtype_bytes(tensor.dtype);
        assert_true(bytes_each < width || (bytes_each == width && strcmp(before, name) < 0));
        assert_int_equal(json_integer_value(json_array_get(offsets, 0)), end);
        end = (size_t)json_integer_value(json_array_get(offsets, 1));
        width = bytes_each;
        before = name;
    }
    assert_int_equal(8 + header_bytes + end, length);
}

static void replies_have_what_the_json_form_has(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct loss_arena arena;
        struct answer answer, text;
        struct loss_error error;
        struct file file;
        json_t *header, *reply;

        make_request(&file, &requests[i]);
        loss_arena_init(&arena, NULL);
        if (file_answer(&file, ANSWER_SAFETENSORS, &arena, &answer, &error) != LOSS_OK)
            fail_msg("request %zu: %s", i, error.sentence);
        assert_int_equal(file_answer(&file, ANSWER_JSON, &arena, &text, &error), LOSS_OK);
        assert_string_equal(answer.media_type, "application/x-safetensors");
        header = file_header(answer.body, answer.length);
        reply = json_loadb(text.body, text.length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(reply);
        assert_int_equal(check_members(answer.body, header, reply), json_object_size(header) - 1);
        check_order(answer.body, answer.length, header);
        json_decref(header);
        json_decref(reply);
        loss_arena_reset(&arena);
        file_free(&file);
    }
}

static void a_reply_to_the_byte(void **state)
{
    static const char request[] = "{'__metadata__':{'reduction':'none','id':'a'},"
                                  "'logits':{'dtype':'F32','shape':[2,1],'data_offsets':[0,8]},"
                                  "'targets':{'dtype':'I8','shape':[2],'data_offsets':[8,10]}}";
    static const char want[] =
        "{\"__metadata__\":{\"dtype\":\"float32\",\"id\":\"a\",\"loss_sum\":\"0\",\"weight_sum\":"
        "\"2\",\"count\":\"2\",\"ignored\":\"0\",\"correct\":\"2\",\"classes\":\"1\"},"
        "\"classes\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"correct\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
        "\"count\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]},"
        "\"ignored\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]},"
        "\"loss_sum\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[32,40]},"
        "\"weight_sum\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[40,48]},"
        "\"loss\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[48,56]}}";
    static const int64_t integers[4] = {1, 2, 2, 0};
    static const double doubles[2] = {0, 2};
    static const char buffer[10] = {0};
    size_t padded = (sizeof want - 1 + 7) / 8 * 8;
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;
    struct file file;

    (void)state;
    file_make(&file, request, buffer, sizeof buffer, 0);
    loss_arena_init(&arena, NULL);
    assert_int_equal(file_answer(&file, ANSWER_SAFETENSORS, &arena, &answer, &error), LOSS_OK);
    assert_int_equal(answer.length, 8 + padded + 56);
    assert_memory_equal(answer.body, &padded, 8);
    assert_memory_equal(answer.body + 8, want, sizeof want - 1);
    for (size_t i = sizeof want - 1; i < padded; i++)
        assert_int_equal(answer.body[8 + i], ' ');
    assert_memory_equal(answer.body + 8 + padded, integers, 32);
    assert_memory_equal(answer.body + 8 + padded + 32, doubles, 16);
    assert_memory_equal(answer.body + 8 + padded + 48, buffer, 8);
    loss_arena_reset(&arena);
    file_free(&file);
}

/* Replies have 16-bit numbers in JSON, too: each as the float32 that it equals. */
static void every_16_bit_number_as_text(void **state)
{
    static const enum loss_dtype dtypes[] = {LOSS_FLOAT16, LOSS_BFLOAT16};

    (void)state;
    for (uint32_t i = 0; i < 2 * 65536; i++) {
        uint16_t bits = (uint16_t)i;
        const struct loss_tensor tensor = {.dtype = dtypes[i >> 16], .data = &bits};
        double want = number_at(&tensor, 0);
        char got[SHORTEST_BYTES_MAX + 1], expected[SHORTEST_BYTES_MAX + 1];

        got[text_element(&tensor, 0, got)] = '\0';
        expected[shortest_float32((float)want, expected)] = '\0';
        assert_string_equal(got, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_have_what_the_json_form_has),
        cmocka_unit_test(a_reply_to_the_byte),
        cmocka_unit_test(every_16_bit_number_as_text),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
