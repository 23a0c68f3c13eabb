/* test_answer.c - from the bytes of a request to those of its reply: exact ones, stopped ones, ones
 * without memory, and damaged ones. */
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

#include "codec/answer.h"
#include "codec/envelope.h"
#include "codec/request_json.h"
#include "support/numbers.h"
#include "support/source.h"

static const struct codec_limits limits = {.elements_max = 1000000,
                                           .envelope_bytes_max = 65536,
                                           .json_depth_max = 32,
                                           .confusion_classes_max = 1000};

/* Answer a body that lies in a block which ends with its padding. */
static enum loss_status answer_bytes(const char *bytes, size_t length,
                                     const struct answer_host *host, struct loss_arena *arena,
                                     struct answer *answer, struct loss_error *error)
{
    static const struct answer_host never = {.context = NULL};
    char *text = calloc(length + CODEC_PADDING, 1);
    enum loss_status status;

    assert_non_null(text);
    memcpy(text, bytes, length);
    error->status = LOSS_OK;
    status =
        answer_request(&(struct codec_body){.bytes = text, .length = length}, ANSWER_JSON,
                       ANSWER_JSON, &limits, host != NULL ? host : &never, arena, answer, error);
    assert_int_equal(error->status, status);
    free(text);
    return status;
}

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

        if (answer_bytes(request, strlen(request), NULL, &arena, &answer, &error) != LOSS_OK)
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
        answer_bytes(text, strlen(text),
                     &(struct answer_host){.stopped = is_out_of_patience, .context = &endless},
                     &arena, &answer, &error),
        LOSS_OK);
    assert_int_equal(answer.rows, 50000);
    assert_in_range(endless.asked, 3, 50000);
    loss_arena_reset(&arena);
    for (size_t n = 0; n < endless.asked; n += n / 3 + 1) {
        struct patience patience = {.patience = n};

        assert_int_equal(
            answer_bytes(text, strlen(text),
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

/* Everything there is in a request.  Under `reserved` bytes that are gone before it starts, another
 * of its pieces is the one that needs a new block. */
static char *full_request(bool has_probabilities)
{
    enum { ROWS = 300, CLASSES = 7 };
    char *text = malloc(1000 + ROWS * CLASSES * 16), *at = text;

    assert_non_null(text);
    at += sprintf(at, "{\"logits\":[");
    for (int i = 0; i < ROWS; i++)
        at += sprintf(at, "%s[0.1,2,-3.25,%d,1e-3,0.7,8]", i > 0 ? "," : "", i % 11);
    at += sprintf(at, "],\"targets\":[");
    for (int i = 0; i < ROWS; i++)
        at += has_probabilities ? sprintf(at, "%s[0,0.25,0.5,%d,0,0,0]", i > 0 ? "," : "", i % 2)
                                : sprintf(at, "%s%d", i > 0 ? "," : "", i % CLASSES);
    (void)sprintf(at, "],\"weights\":[1,2,3,0.5,1,1,1],\"label_smoothing\":0.1,\"id\":\"an id\","
                      "\"reduction\":\"mean\",\"reduce\":false,\"size_average\":true,"
                      "\"return\":[\"losses\",\"softmax\",\"log_softmax\",\"predictions\"],"
                      "\"ignore_index\":-7,\"dtype\":\"float64\"}");
    return text;
}

/* The answer with `reserved` bytes gone before and a failing source: the right one, or none. */
static void check_answer(const char *text, size_t reserved, struct source *source,
                         const struct answer *right)
{
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;
    enum loss_status status = LOSS_OUT_OF_MEMORY;

    source_init(&arena, source);
    if (loss_arena_take(&arena, reserved, 1) != NULL)
        status = answer_bytes(text, strlen(text), NULL, &arena, &answer, &error);
    if (status == LOSS_OK) {
        assert_int_equal(answer.length, right->length);
        assert_memory_equal(answer.body, right->body, right->length);
        assert_true(source->fails_at == 0 || source->takes < source->fails_at);
    } else {
        assert_int_equal(status, LOSS_OUT_OF_MEMORY);
        assert_in_range(source->fails_at, 1, source->takes);
    }
    loss_arena_reset(&arena);
    assert_int_equal(source->out, 0);
}

/* Row 84 of tests/faults/rows.txt. */
static void a_missing_block_is_never_a_wrong_answer(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        char *text = full_request(kind == 1);
        struct loss_arena arena;
        struct answer right;
        struct loss_error error;

        loss_arena_init(&arena, NULL);
        assert_int_equal(answer_bytes(text, strlen(text), NULL, &arena, &right, &error), LOSS_OK);
        for (size_t reserved = 0; reserved < 16384; reserved += 192) {
            struct source calm = {0};

            check_answer(text, reserved, &calm, &right);
            for (size_t n = 1; n <= calm.takes + 1; n++) {
                struct source once = {.fails_at = n};
                struct source onward = {.fails_at = n, .fails_onward = true};

                check_answer(text, reserved, &once, &right);
                check_answer(text, reserved, &onward, &right);
            }
        }
        loss_arena_reset(&arena);
        free(text);
    }
}

/* What costs jansson the most memory for its text: the reserve is enough, and the value judged. */
static void options_of_any_kind_fit_their_memory(void **state)
{
    static const char *const elements[] = {"[]",      "{}",        "0",         "1.5",
                                           "\"\"",    "{\"\":{}}", "null",      "[[[]]]",
                                           "\"abc\"", "\"\\n\"",   "{\"a\":[]}"};
    char *text = malloc(70000);

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        for (size_t count = 1; count < 7000; count = 3 * count + 1) {
            struct loss_arena arena;
            struct answer answer;
            struct loss_error error;
            char *at = text + sprintf(text, "{\"id\":[%s", elements[i]);

            for (size_t j = 1; j < count; j++)
                at += sprintf(at, ",%s", elements[i]);
            (void)sprintf(at, "]}");
            loss_arena_init(&arena, NULL);
            if (answer_bytes(text, strlen(text), NULL, &arena, &answer, &error) != LOSS_WRONG_TYPE)
                fail_msg("%zu of %s: %s", count, elements[i], error.sentence);
            loss_arena_reset(&arena);
        }
    }
    free(text);
}

static void an_object_of_many_keys_fits_its_memory(void **state)
{
    char *text = malloc(70000), *at = text + sprintf(text, "{\"id\":{\"\":0");
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;

    (void)state;
    loss_arena_init(&arena, NULL);
    for (int i = 0; i < 6500; i++)
        at += sprintf(at, ",\"%x\":0", i);
    (void)sprintf(at, "}}");
    assert_int_equal(answer_bytes(text, strlen(text), NULL, &arena, &answer, &error),
                     LOSS_WRONG_TYPE);
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
        if (answer_bytes(text, length, NULL, &arena, &answer, &error) == LOSS_OK) {
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
        cmocka_unit_test(a_missing_block_is_never_a_wrong_answer),
        cmocka_unit_test(options_of_any_kind_fit_their_memory),
        cmocka_unit_test(an_object_of_many_keys_fits_its_memory),
        cmocka_unit_test(damaged_requests_are_answered),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
