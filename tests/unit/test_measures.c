/* test_measures.c - measures and gradients of whole batches against tests/data/measures.json, whose
 * values multiprecision arithmetic made beside four libraries; and what is refused. */
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
#include "support/replies.h"

static const struct codec_limits limits = {.elements_max = 100000,
                                           .envelope_bytes_max = 65536,
                                           .json_depth_max = 32,
                                           .confusion_classes_max = 20};

static json_t *read_data(const char *name)
{
    char path[256];
    json_t *data;

    (void)snprintf(path, sizeof path, "tests/data/%s", name);
    data = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(data);
    return data;
}

static void batches_are_as_expected(void **state)
{
    json_t *cases = read_data("measures.json");

    (void)state;
    assert_int_equal(json_array_size(cases), 10);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i), *want = json_object_get(one, "expected");
        const char *name = json_string_value(json_object_get(one, "name"));
        const char *data = json_string_value(json_object_get(one, "data"));
        json_t *request = data != NULL ? read_data(data) : json_object(), *reply;
        struct loss_error error;
        char *body;

        assert_int_equal(json_object_update(request, json_object_get(one, "request")), 0);
        body = json_dumps(request, JSON_REAL_PRECISION(17));
        assert_non_null(body);
        reply = reply_to(body, &limits, &error);
        if (reply == NULL)
            fail_msg("%s: %s", name, error.sentence);
        reply_check(name, reply, want);
        assert_int_equal(json_object_size(reply), json_object_size(want) + 1); /* and its dtype */
        reply_check_sums(name, reply);
        free(body);
        json_decref(reply);
        json_decref(request);
    }
    json_decref(cases);
}

/* Whatever they are: their confidence 1/C is the upper edge of the first of C bins. */
static void equal_logits_are_in_one_bin(void **state)
{
    (void)state;
    for (int quarters = -320; quarters <= 320; quarters++) {
        double x = quarters / 4.0;
        struct loss_error error;
        char body[200];
        json_t *reply, *counts;

        (void)snprintf(
            body, sizeof body,
            "{\"logits\":[[%g,%g,%g,%g]],\"targets\":[0],\"bins\":4,\"return\":[\"ece\"]}", x, x, x,
            x);
        reply = reply_to(body, &limits, &error);
        assert_non_null(reply);
        counts = json_object_get(json_object_get(reply, "ece_bins"), "count");
        if (json_integer_value(json_array_get(counts, 0)) != 1)
            fail_msg("%s: not in the first bin", body);
        json_decref(reply);
    }
}

/* Refused with this status, and with this word in the sentence. */
static void check_refused(const char *members, enum loss_status status, const char *word)
{
    char text[REPLY_TEXT_BYTES], body[REPLY_TEXT_BYTES];
    struct loss_error error;

    (void)snprintf(text, sizeof text, "{%s}", members);
    if (reply_to(reply_unquoted(text, body), &limits, &error) != NULL)
        fail_msg("%s is answered", body);
    if (error.status != status || strstr(error.sentence, word) == NULL)
        fail_msg("%s: %s, %s", body, loss_status_code(error.status), error.sentence);
}

static void class_indices_are_asked_for(void **state)
{
    static const char *const need[] = {"accuracy", "top_k_accuracy", "perplexity",      "brier",
                                       "ece",      "per_class",      "confusion_matrix"};
    char members[REPLY_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof need / sizeof need[0]; i++) {
        (void)snprintf(members, sizeof members,
                       "'logits':[[0,1]],'targets':[[0.5,0.5]],'return':['entropy','%s']", need[i]);
        check_refused(members, LOSS_TARGET_NOT_INTEGER, need[i]);
    }
}

static void options_out_of_range_are_refused(void **state)
{
    static const struct {
        const char *option;
        enum loss_status status;
    } rows[] = {
        {"'k':0", LOSS_VALUE_OUT_OF_RANGE},     {"'k':-1", LOSS_VALUE_OUT_OF_RANGE},
        {"'bins':0", LOSS_VALUE_OUT_OF_RANGE},  {"'bins':1001", LOSS_VALUE_OUT_OF_RANGE},
        {"'bins':-1", LOSS_VALUE_OUT_OF_RANGE}, {"'k':'3'", LOSS_WRONG_TYPE},
        {"'k':1.5", LOSS_WRONG_TYPE},           {"'k':[1]", LOSS_WRONG_TYPE},
        {"'k':true", LOSS_WRONG_TYPE},          {"'bins':'ten'", LOSS_WRONG_TYPE},
        {"'bins':9.5", LOSS_WRONG_TYPE},        {"'bins':[10]", LOSS_WRONG_TYPE},
    };
    char members[REPLY_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(members, sizeof members,
                       "'logits':[[0,1]],'targets':[0],'return':['top_k_accuracy','ece'],%s",
                       rows[i].option);
        check_refused(members, rows[i].status, strchr(rows[i].option, 'k') != NULL ? "k" : "bins");
    }
}

static void a_confusion_matrix_has_its_limit(void **state)
{
#define TEN   "0,0,0,0,0,0,0,0,0,0"
#define LARGE ",'targets':19,'return':['confusion_matrix']"
    char body[REPLY_TEXT_BYTES];
    struct loss_error error;
    json_t *reply =
        reply_to(reply_unquoted("{'logits':[" TEN "," TEN "]" LARGE "}", body), &limits, &error);

    (void)state;
    assert_int_equal(json_array_size(json_object_get(reply, "confusion_matrix")), 20);
    json_decref(reply);
    check_refused("'logits':[" TEN "," TEN ",0]" LARGE, LOSS_TOO_MANY_ELEMENTS, "confusion_matrix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_as_expected),
        cmocka_unit_test(equal_logits_are_in_one_bin),
        cmocka_unit_test(class_indices_are_asked_for),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_confusion_matrix_has_its_limit),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
