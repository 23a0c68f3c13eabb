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

        if (body_answer(request, strlen(request), &message_limits, NULL, &arena, &answer, &error) !=
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

struct patience {
    size_t asked, patience;
};

static bool is_out_of_patience(void *context)
{
    struct patience *patience = context;

    return patience->asked++ >= patience->patience;
}

/* Enough rows for several blocks, and so for several questions. */
static char *long_request(size_t rows)
{
    char *text = malloc(100 + rows * 16), *at = text;

    assert_non_null(text);
    at += sprintf(at, "{\"targets\":[0");
    for (size_t i = 1; i < rows; i++)
        at += sprintf(at, ",%zu", i % 3);
    at += sprintf(at, "],\"logits\":[[1,2,3]");
    for (size_t i = 1; i < rows; i++)
        at += sprintf(at, ",[%zu,2,3]", i % 10);
    (void)sprintf(at, "]}");
    return text;
}

static void whoever_stops_waiting_is_heard_between_blocks(void **state)
{
    char *text = long_request(50000);
    struct patience endless = {.patience = SIZE_MAX};
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    (void)state;
    loss_arena_init(&arena, NULL);
    assert_int_equal(
        body_answer(text, strlen(text), &message_limits,
                    &(struct answer_host){.stopped = is_out_of_patience, .context = &endless},
                    &arena, &answer, &error),
        LOSS_OK);
    assert_int_equal(answer.rows, 50000);
    assert_in_range(endless.asked, 3, 50000);
    loss_arena_reset(&arena);
    for (size_t n = 0; n < endless.asked; n += n / 3 + 1) {
        struct patience patience = {.patience = n};

        assert_int_equal(
            body_answer(text, strlen(text), &message_limits,
                        &(struct answer_host){.stopped = is_out_of_patience, .context = &patience},
                        &arena, &answer, &error),
            LOSS_DEADLINE_EXCEEDED);
        assert_int_equal(patience.asked, n + 1); /* and not asked again */
        assert_string_equal(error.where, "");
        assert_string_equal(error.sentence, loss_status_text(LOSS_DEADLINE_EXCEEDED));
        loss_arena_reset(&arena);
    }
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
        if (body_answer(text, length, &message_limits, NULL, &arena, &answer, &error) == LOSS_OK) {
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
        cmocka_unit_test(whoever_stops_waiting_is_heard_between_blocks),
        cmocka_unit_test(damaged_requests_are_answered),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
