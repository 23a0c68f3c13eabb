/* test_infer_forms.c - the same tensors in every datatype, as JSON and as bytes at any address, and
 * the same request to /v1/evaluate: the same bits come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/shortest.h"
#include "support/messages.h"
#include "support/numbers.h"

struct datatype {
    const char *name;
    size_t bytes;
    enum loss_dtype dtype; /* LOSS_DTYPE_COUNT: an unsigned integer that libloss has not */
};

static const struct datatype floats[] = {
    {"FP16", 2, LOSS_FLOAT16},
    {"BF16", 2, LOSS_BFLOAT16},
    {"FP32", 4, LOSS_FLOAT32},
    {"FP64", 8, LOSS_FLOAT64},
};
static const struct datatype integers[] = {
    {"INT8", 1, LOSS_INT8},          {"INT16", 2, LOSS_INT16},
    {"INT32", 4, LOSS_INT32},        {"INT64", 8, LOSS_INT64},
    {"UINT8", 1, LOSS_UINT8},        {"UINT16", 2, LOSS_DTYPE_COUNT},
    {"UINT32", 4, LOSS_DTYPE_COUNT}, {"UINT64", 8, LOSS_DTYPE_COUNT},
};

enum { ROWS = 3, CLASSES = 4, ELEMENTS = ROWS * CLASSES };

/* A message that grows. */
struct sheet {
    char json[4096], tail[512];
    size_t length, tail_bytes;
};

__attribute__((format(printf, 2, 3))) static void put(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    sheet->length += (size_t)vsnprintf(sheet->json + sheet->length,
                                       sizeof sheet->json - sheet->length, format, arguments);
    va_end(arguments);
    assert_true(sheet->length < sizeof sheet->json);
}

/* The value's bytes in a datatype. */
static void store(const struct datatype *datatype, double value, char *bytes)
{
    int64_t integer = (int64_t)value;

    if (datatype->dtype < LOSS_INT64)
        loss_dtype_store(datatype->dtype, bytes, 0, value);
    else
        memcpy(bytes, &integer, datatype->bytes);
}

static void put_input(struct sheet *sheet, const char *name, const char *shape,
                      const struct datatype *datatype, const double *values, size_t count,
                      bool is_binary)
{
    put(sheet, "%s{\"name\":\"%s\",\"shape\":%s,\"datatype\":\"%s\",",
        sheet->json[sheet->length - 1] == '}' ? "," : "", name, shape, datatype->name);
    if (is_binary)
        put(sheet, "\"parameters\":{\"binary_data_size\":%zu}}", count * datatype->bytes);
    else
        put(sheet, "\"data\":[");
    for (size_t i = 0; i < count; i++) {
        char text[SHORTEST_BYTES_MAX + 1];

        if (is_binary) {
            store(datatype, values[i], sheet->tail + sheet->tail_bytes);
            sheet->tail_bytes += datatype->bytes;
            continue;
        }
        text[shortest_float64(values[i], text)] = '\0';
        put(sheet, "%s%s", i > 0 ? "," : "", text);
    }
    if (!is_binary)
        put(sheet, "]}");
}

/* Write a request with one of its tensors in the datatype, and take its whole reply. */
static struct answer ask(enum loss_stage stage, const struct datatype *of_floats,
                         const struct datatype *of_targets, const double *values, bool is_binary,
                         size_t shift, struct loss_arena *arena)
{
    static const double labels[ROWS] = {3, 0, 1};
    static const double weights[CLASSES] = {1, 0.5, 2, 0.1};
    bool has_classes = of_targets->dtype < LOSS_INT64;
    struct sheet sheet = {.length = 0};
    struct answer answer;
    struct loss_error error;

    put(&sheet, "{\"inputs\":[");
    put_input(&sheet, loss_stage_name(stage), "[3,4]", of_floats, values, ELEMENTS, is_binary);
    put_input(&sheet, "targets", has_classes ? "[3,4]" : "[3]", of_targets,
              has_classes ? values + 1 : labels, has_classes ? ELEMENTS : ROWS, is_binary);
    put_input(&sheet, "weights", "[4]", of_floats, weights, CLASSES, is_binary);
    put(&sheet, "],\"outputs\":[{\"name\":\"loss\"},{\"name\":\"loss_sum\"},{\"name\":\"weight_sum"
                "\"},{\"name\":\"gradient\",\"parameters\":{\"binary_data\":true}},{\"name\":"
                "\"losses\",\"parameters\":{\"binary_data\":true}},{\"name\":\"softmax\"}]}");
    if (message_answer(
            &(struct message){stage, sheet.json, is_binary ? sheet.tail : NULL, sheet.tail_bytes},
            shift, arena, &answer, &error) != LOSS_OK)
        fail_msg("%s: %s", sheet.json, error.sentence);
    return answer;
}

static void assert_same(const struct answer *a, const struct answer *b)
{
    assert_int_equal(a->length, b->length);
    assert_int_equal(a->head_length, b->head_length);
    assert_memory_equal(a->body, b->body, a->length);
}

static void check_forms(enum loss_stage stage, const struct datatype *of_floats,
                        const struct datatype *of_targets, const double *values)
{
    struct loss_arena arena;
    struct answer text;

    loss_arena_init(&arena, NULL);
    text = ask(stage, of_floats, of_targets, values, false, 0, &arena);
    for (size_t shift = 0; shift < 8; shift++) {
        struct answer binary = ask(stage, of_floats, of_targets, values, true, shift, &arena);

        assert_same(&text, &binary);
    }
    loss_arena_reset(&arena);
}

/* Values that are rounded to each type, subnormal ones and ties among them. */
static void every_datatype_means_the_same_in_both_forms(void **state)
{
    static const double logits[ELEMENTS + 1] = {
        0.1,        -2.7,    3.3333333333333335, 1 + 0x1p-11, 1 + 0x3p-11, 1 + 0x1p-8,
        1 + 0x3p-8, 0x1p-24, 0x1.8p-24,          65503,       6e-8,        -0.0,
        0.7};
    double others[2][ELEMENTS + 1];

    (void)state;
    for (size_t i = 0; i <= ELEMENTS; i++) {
        others[0][i] = 0.01 + fabs(logits[i]) / 65504;
        others[1][i] = -fabs(logits[i]);
    }
    for (size_t f = 0; f < 4; f++) {
        for (size_t t = 0; t < 8; t++)
            check_forms(LOSS_STAGE_LOGITS, &floats[f], &integers[t], logits);
        for (size_t t = 0; t < 4; t++)
            check_forms(LOSS_STAGE_PROBABILITIES, &floats[f], &floats[t], others[0]);
        check_forms(LOSS_STAGE_LOG_PROBABILITIES, &floats[f], &integers[3], others[1]);
    }
}

/* Numbers are rounded once, from float64: by way of float32 some would
 * become ties that they are not. */
static void sixteen_bits_are_rounded_once(void **state)
{
    static const struct {
        const char *datatype, *number, *data;
    } rows[] = {
        {"FP16", "1.00048828125", "1"},              /* 1 + 2^-11: a tie, to even */
        {"FP16", "1.0004882812500002", "1.0009766"}, /* above it, but not in float32 */
        {"FP16", "65519.99", "65504"},
        {"FP16", "2.9802322387695312e-8", "0"},
        {"FP16", "2.980232238769532e-8", "5.9604645e-8"},
        {"FP16", "NaN", "\"NaN\""},
        {"FP16", "\"-Infinity\"", "\"-Infinity\""},
        {"BF16", "1.00390625", "1"},
        {"BF16", "1.0039062500000002", "1.0078125"},
        {"BF16", "3.3961e38", "3.3895314e38"},
        {"BF16", "-0.0", "-0.0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_arena arena;
        struct answer answer;
        char text[512], want[64];

        loss_arena_init(&arena, NULL);
        (void)snprintf(
            text, sizeof text,
            "{\"inputs\":[{\"name\":\"log_probabilities\",\"datatype\":\"%s\",\"shape\":[1],"
            "\"data\":[%s]},{\"name\":\"targets\",\"datatype\":\"INT8\",\"shape\":[],"
            "\"data\":[-100]}],\"outputs\":[{\"name\":\"log_softmax\"}]}",
            rows[i].datatype, rows[i].number);
        (void)snprintf(want, sizeof want, "\"data\":[%s]}]", rows[i].data);
        answer =
            message_reply(&(struct message){LOSS_STAGE_LOG_PROBABILITIES, text, NULL, 0}, &arena);
        if (strstr(answer.body, want) == NULL)
            fail_msg("%s: %s", rows[i].number, answer.body);
        loss_arena_reset(&arena);
    }
}

/* The bits of /v1/evaluate: its reply has the same digits. */
static void the_losses_are_those_of_evaluate(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int i = 0; i < 300; i++) {
        static const struct answer_host never = {.context = NULL};
        size_t rows = 1 + (size_t)(number_random(&seed) * 20);
        const char *dtype = i % 2 == 0 ? "32" : "64";
        struct sheet data = {.length = 0}, labels = {.length = 0};
        char *plain = calloc(12000, 1), *message = calloc(12000, 1), figures[2][256], *at;
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;

        assert_true(plain != NULL && message != NULL);
        for (size_t j = 0; j < rows; j++) {
            put(&data, "%s[%.9g,%.9g,%.9g]", j > 0 ? "," : "", 9 * number_random(&seed),
                9 * number_random(&seed), 9 * number_random(&seed));
            put(&labels, "%s%d", j > 0 ? "," : "", (int)(number_random(&seed) * 3));
        }
        (void)snprintf(plain, 12000, "{\"dtype\":\"float%s\",\"logits\":[%s],\"targets\":[%s]}",
                       dtype, data.json, labels.json);
        (void)snprintf(message, 12000,
                       "{\"inputs\":[{\"name\":\"logits\",\"datatype\":\"FP%s\",\"shape\":[%zu,3],"
                       "\"data\":[%s]},{\"name\":\"targets\",\"datatype\":\"INT16\",\"shape\":[%zu]"
                       ",\"data\":[%s]}]}",
                       dtype, rows, data.json, rows, labels.json);
        loss_arena_init(&arena, NULL);
        assert_int_equal(
            answer_request(&(struct codec_body){.bytes = plain, .length = strlen(plain)},
                           ANSWER_JSON, ANSWER_JSON, &message_limits, &never, &arena, &answer,
                           &error),
            LOSS_OK);
        (void)snprintf(figures[0], sizeof figures[0], "%.*s", (int)answer.length, answer.body);
        at = figures[1] + sprintf(figures[1], "{");
        for (const char *reply = message_text(message, &arena), *name;
             (name = strstr(reply, "{\"name\":\"")) != NULL;) {
            int name_length = (int)strcspn(name + 9, "\"");

            reply = strstr(name, "\"data\":[") + 8;
            at += sprintf(at, "\"%.*s\":%.*s,", name_length, name + 9, (int)strcspn(reply, "]"),
                          reply);
        }
        (void)sprintf(at, "\"dtype\":\"float%s\"}\n", dtype);
        assert_string_equal(figures[0], figures[1]);
        loss_arena_reset(&arena);
        free(plain);
        free(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_datatype_means_the_same_in_both_forms),
        cmocka_unit_test(sixteen_bits_are_rounded_once),
        cmocka_unit_test(the_losses_are_those_of_evaluate),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
