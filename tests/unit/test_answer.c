/* test_answer.c - from the bytes of a request to those of its reply: exact ones, stopped ones, and
 * damaged ones. */
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
#include "support/bodies.h"
#include "support/messages.h"
#include "support/numbers.h"

#define THREE "\"targets\":[0,2,1],\"logits\":[[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]]"

/* The values are those of 60-digit arithmetic, but for the last digit of the second loss and of the
 * weighted sum, which libloss rounds the other way. */
static void examples_are_answered_to_the_byte(void **state)
{
    static const struct {
        const char *request, *reply;
        size_t rows;
    } rows[] = {
        {"{" THREE "}",
         "{\"loss\":0.00018963144,\"loss_sum\":0.0005688943079662068,\"weight_sum\":3,\"count\":3,"
         "\"ignored\":0,\"correct\":3,\"classes\":5,\"dtype\":\"float32\"}\n",
         3},
        {"{" THREE ",\"dtype\":\"float64\",\"reduction\":\"none\",\"return\":[\"predictions\"],"
         "\"id\":\"\\u00e9\\n\"}",
         "{\"id\":\"\xc3\xa9\\u000a\",\"loss\":[0.0004036270024694375,6.206425246801294e-6,"
         "0.00015906088422096428],\"loss_sum\":0.0005688943119372031,\"weight_sum\":3,\"count\":3,"
         "\"ignored\":0,\"correct\":3,\"classes\":5,\"dtype\":\"float64\","
         "\"predictions\":[0,2,1]}\n",
         3},
        {"{" THREE ",\"ignore_index\":2,\"reduction\":\"sum\",\"weights\":[1,2,1,1,1],"
         "\"dtype\":\"float64\"}",
         "{\"loss\":0.0007217487709113661,\"loss_sum\":0.0007217487709113661,\"weight_sum\":3,"
         "\"count\":2,\"ignored\":1,\"correct\":2,\"classes\":5,\"dtype\":\"float64\"}\n",
         3},
        {"{\"probabilities\":[0.5,0.5],\"targets\":[0.5,0.5]}",
         "{\"loss\":0.6931472,\"loss_sum\":0.6931471805599453,\"weight_sum\":1,\"count\":1,"
         "\"ignored\":0,\"classes\":2,\"dtype\":\"float32\"}\n",
         1},
        {"{\"logits\":[],\"targets\":[]}",
         "{\"loss\":\"NaN\",\"loss_sum\":0,\"weight_sum\":0,\"count\":0,\"ignored\":0,"
         "\"correct\":0,\"classes\":0,\"dtype\":\"float32\"}\n",
         0},
        {"{\"logits\":[[1,2]],\"targets\":[-100],\"return\":[\"losses\"]}",
         "{\"loss\":\"NaN\",\"loss_sum\":0,\"weight_sum\":0,\"count\":0,\"ignored\":1,"
         "\"correct\":0,\"classes\":2,\"dtype\":\"float32\",\"losses\":[0]}\n",
         1},
    };
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *request = rows[i].request;
        struct answer answer;
        struct loss_error error;

        if (body_answer(request, strlen(request), &message_limits, &arena, &answer, &error) !=
            LOSS_OK)
            fail_msg("%s: %s", request, error.sentence);
        if (answer.length != strlen(rows[i].reply) ||
            memcmp(answer.body, rows[i].reply, answer.length) != 0)
            fail_msg("%s: got %.*s, want %s", request, (int)answer.length, answer.body,
                     rows[i].reply);
        assert_int_equal(answer.rows, rows[i].rows);
    }
    loss_arena_reset(&arena);
}

/* Who waits until he was asked `patience` times. */
struct waiter {
    size_t asked, patience;
};

static bool is_out_of_patience(void *context)
{
    struct waiter *waiter = context;

    return waiter->asked++ >= waiter->patience;
}

static enum loss_status answer_waiter(const char *text, enum answer_form form,
                                      struct waiter *waiter, struct loss_arena *arena,
                                      struct answer *answer, struct loss_error *error)
{
    static const struct answer_host alone = {.context = NULL};
    const struct codec_body body = {.bytes = text,
                                    .length = strlen(text),
                                    .head_length = CODEC_NO_HEAD,
                                    .patience = {is_out_of_patience, waiter}};

    return answer_request(&body, form, form, &message_limits, &alone, arena, answer, error);
}

enum { ROWS = 50000, TEXT_BYTES = 100 + ROWS * 16 };

/* ROWS numbers, with something around each. */
static char *put_rows(char *at, const char *row)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (i > 0)
            *at++ = ',';
        at += sprintf(at, row, i % 3);
    }
    return at;
}

/* The same text in a block that ends with its padding. */
static char *cut_to_padding(char *text)
{
    text = realloc(text, strlen(text) + CODEC_PADDING);
    assert_non_null(text);
    return text;
}

/* Enough rows for several pieces to read, to evaluate and to write. */
static char *long_request(enum answer_form form, const char *wanted)
{
    bool is_json = form == ANSWER_JSON;
    char *text = calloc(TEXT_BYTES + 400 + CODEC_PADDING, 1), *at = text;

    assert_non_null(text);
    at +=
        sprintf(at,
                is_json ? "{\"return\":[%s],\"targets\":["
                        : "{\"outputs\":[{\"name\":\"loss\"}%s],\"inputs\":[{\"name\":\"targets\","
                          "\"datatype\":\"INT64\",\"shape\":[50000],\"data\":[",
                wanted);
    at = put_rows(at, "%zu");
    at += sprintf(at, is_json ? "],\"logits\":["
                              : "]},{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[50000,3],"
                                "\"data\":[");
    at = put_rows(at, is_json ? "[%zu,2,3]" : "%zu,2,3");
    (void)sprintf(at, is_json ? "]}" : "]}]}");
    return cut_to_padding(text);
}

/* How often whoever waits for a long request's answer is asked; and what is refused at any of these
 * times is refused at once. */
static size_t times_asked(enum answer_form form, const char *wanted, size_t *read, size_t *written)
{
    char *text = long_request(form, wanted);
    struct waiter endless = {.patience = SIZE_MAX};
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    loss_arena_init(&arena, NULL);
    assert_int_equal(answer_waiter(text, form, &endless, &arena, &answer, &error), LOSS_OK);
    assert_int_equal(answer.rows, ROWS);
    *read = strlen(text);
    *written = answer.length;
    loss_arena_reset(&arena);
    for (size_t n = 0; n < endless.asked; n += n / 9 + 1) {
        struct waiter waiter = {.patience = n};

        assert_int_equal(answer_waiter(text, form, &waiter, &arena, &answer, &error),
                         LOSS_DEADLINE_EXCEEDED);
        assert_int_equal(waiter.asked, n + 1); /* and not asked again */
        assert_string_equal(error.where, "");
        assert_string_equal(error.sentence, loss_status_text(LOSS_DEADLINE_EXCEEDED));
        loss_arena_reset(&arena);
    }
    free(text);
    return endless.asked;
}

static void whoever_stops_waiting_is_heard_between_pieces(void **state)
{
    static const struct {
        enum answer_form form;
        const char *wanted;
        size_t ranked; /* questions between the pieces of ranking ROWS x 3 elements */
    } rows[] = {
        {ANSWER_JSON, "\"log_softmax\"", 0},
        {ANSWER_INFER, ",{\"name\":\"log_softmax\"}", 0},
        {ANSWER_INFER, ",{\"name\":\"log_softmax\",\"parameters\":{\"classification\":3}}",
         3 * ROWS / 4098},
        {ANSWER_INFER,
         ",{\"name\":\"log_softmax\",\"parameters\":{\"classification\":3,\"binary_data\":true}}",
         3 * ROWS / 4098 + 3 * ROWS / 512},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t read, written, more, asked = times_asked(rows[i].form, "", &read, &written);

        assert_in_range(asked, read / PIECE_BYTES + 2, 1000); /* two blocks or more */
        more = times_asked(rows[i].form, rows[i].wanted, &read, &written) - asked - rows[i].ranked;
        assert_in_range(more, written / PIECE_BYTES - 1, written / PIECE_BYTES + 1);
    }
}

/* Numbers that follow each other are read by runs, but not all at once. */
static void a_long_row_is_read_in_pieces(void **state)
{
    enum { CLASSES = 200000 };
    struct waiter endless = {.patience = SIZE_MAX};
    char *text = calloc(100 + CLASSES * 2, 1), *at = text;
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    (void)state;
    assert_non_null(text);
    loss_arena_init(&arena, NULL);
    at += sprintf(at, "{\"targets\":0,\"logits\":[1");
    for (size_t i = 1; i < CLASSES; i++)
        at += sprintf(at, ",1");
    (void)sprintf(at, "]}");
    text = cut_to_padding(text);
    assert_int_equal(answer_waiter(text, ANSWER_JSON, &endless, &arena, &answer, &error), LOSS_OK);
    /* before all, for the one block, and in between */
    assert_in_range(endless.asked - 2, strlen(text) / PIECE_BYTES - 1, strlen(text) / PIECE_BYTES);
    loss_arena_reset(&arena);
    free(text);
}

/* Pieces cut out, doubled and moved, and bytes changed: an answer that is JSON, or a fault. */
static void damaged_requests_are_answered(void **state)
{
    static const char whole[] =
        "{\"logits\":[[1,-2.5e0],[0.5,NaN]],\"targets\":[[1,0.0],[0,0.5]],\"weights\":[1,2],\"id\":"
        "\"a\\u00e9\",\"label_smoothing\":0.1,\"return\":[\"losses\",\"softmax\"]}";
    static const char bytes[] = "[]{},:\"0123456789-.eE tfn\\u\xc3\x80";
    uint64_t seed = 6;
    size_t accepted = 0;

    (void)state;
    for (int i = 0; i < 40000; i++) {
        size_t length = sizeof whole - 1;
        char text[2 * sizeof whole];
        struct loss_arena arena;
        struct answer answer;
        struct loss_error error;

        memcpy(text, whole, length);
        for (int edits = 1 + i % 3; edits > 0; edits--) {
            size_t from = (size_t)(number_random(&seed) * (double)length);
            size_t count = (size_t)(number_random(&seed) * (double)(length - from) / 4);
            int kind = (int)(number_random(&seed) * 3);

            if (kind == 0) {
                memmove(text + from, text + from + count, length - from - count);
                length -= count;
            } else if (kind == 1 && length + count < sizeof text) {
                memmove(text + from + count, text + from, length - from);
                length += count;
            } else {
                text[from] = bytes[(size_t)(number_random(&seed) * (sizeof bytes - 1))];
            }
        }
        loss_arena_init(&arena, NULL);
        if (body_answer(text, length, &message_limits, &arena, &answer, &error) == LOSS_OK) {
            json_t *reply = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, NULL);

            assert_non_null(json_object_get(reply, "loss"));
            json_decref(reply);
            accepted++;
        }
        loss_arena_reset(&arena);
    }
    assert_in_range(accepted, 100, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_are_answered_to_the_byte),
        cmocka_unit_test(whoever_stops_waiting_is_heard_between_pieces),
        cmocka_unit_test(a_long_row_is_read_in_pieces),
        cmocka_unit_test(damaged_requests_are_answered),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
