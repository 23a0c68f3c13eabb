/* test_faults.c - bad bodies: each has its status, code and place, does no computation, and
 * leaves the connection, the gauges and the counters as they should be.  Rows A and B of the
 * table of faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"

static int start(void **state)
{
    (void)state;
    if (session_start(NULL, NULL) != 0)
        return 1;
    return client_send(client, "GET", "/livez", NULL, NULL, 0)->status == 200 ? 0 : 1;
}

/* In a body, '^' is not sent, but stands before the byte that is named as the place of the
 * fault. */
struct fault {
    const char *body;
    size_t length;
    const char *code;
    const char *where; /* NULL: none, or the '^' */
    const char *says;  /* part of the sentence, or NULL */
};

/* clang-format off */
#define TEXT(text)    text, sizeof(text) - 1
#define L(logits)     TEXT("{\"logits\":" logits ",\"targets\":[0]}")
#define T(targets)    TEXT("{\"logits\":[[1,2]],\"targets\":" targets "}")
#define WITH(options) TEXT("{\"logits\":[[1,2]],\"targets\":[0]," options "}")
#define BRACKETS_15   "[[[[[[[[[[[[[[["

static const struct fault faults[] = {
    /* 1 to 6: the whole text */
    {TEXT(""), "empty_body", NULL, NULL},
    {TEXT(" \t\r\n "), "empty_body", NULL, NULL},
    {TEXT("{\"logits\":[[1,^"), "invalid_json", NULL, "end of the body"},
    {TEXT("{^"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits^"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits\"^"), "invalid_json", NULL, "':'"},
    {TEXT("{\"logits\":^"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits\":[[1,2]]^"), "invalid_json", NULL, NULL},
    {TEXT("{}^x"), "trailing_data", NULL, NULL},
    {TEXT("{\"logits\":[1,2],\"targets\":0} ^{}"), "trailing_data", NULL, NULL},
    {TEXT("{\"logits\":[1,2],\"targets\":0}^}"), "trailing_data", NULL, NULL},
    {TEXT("{\"logits\":[1,2],\"targets\":0,^}"), "invalid_json", NULL, NULL},
    {L("[[1,2,^]]"), "invalid_json", NULL, NULL},
    {L("[[1,2],^]"), "invalid_json", NULL, NULL},
    {L("[[1,2^}"), "invalid_json", NULL, NULL},
    {L("[^,1]"), "invalid_json", NULL, NULL},
    {L("[1 ^2]"), "invalid_json", NULL, NULL},
    {TEXT("{^,}"), "invalid_json", NULL, NULL},
    {TEXT("{^/* x */\"logits\":[1]}"), "invalid_json", NULL, NULL},
    {L("[1,^// x\n2]"), "invalid_json", NULL, NULL},
    {TEXT("{^'logits':[1,2]}"), "invalid_json", NULL, NULL},
    {TEXT("{^logits:[1,2]}"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits\" ^[1,2]}"), "invalid_json", NULL, NULL},
    {TEXT("^[1]"), "expected_object", NULL, "an array"},
    {TEXT("^\"x\""), "expected_object", NULL, "a string"},
    {TEXT("^3.5"), "expected_object", NULL, "a number"},
    {TEXT("^null"), "expected_object", NULL, "null"},
    {TEXT("^true"), "expected_object", NULL, "a boolean"},
    {TEXT("[1^"), "invalid_json", NULL, NULL},
    {TEXT("^nul"), "invalid_json", NULL, NULL},
    {TEXT("^NaN"), "invalid_json", NULL, NULL},
    /* 7: duplicates */
    {TEXT("{\"logits\":[1,2],\"logits\":[1,2],\"targets\":0}"), "duplicate_key", "/logits",
     "logits"},
    {TEXT("{\"logits\":[1,2],\"l\\u006fgits\":[1,2]}"), "duplicate_key", "/logits", "logits"},
    {T("[0],\"targets\":[0]"), "duplicate_key", "/targets", "targets"},
    {WITH("\"weights\":[1,1],\"weights\":[1,1]"), "duplicate_key", "/weights", NULL},
    {WITH("\"reduction\":\"sum\",\"reduction\":\"sum\""), "duplicate_key", "/reduction", NULL},
    {WITH("\"dtype\":\"float32\",\"\\u0064type\":\"float32\""), "duplicate_key", "/dtype", NULL},
    {WITH("\"id\":{\"a\":1,\"\\u0061\":2}"), "duplicate_key", "/id", "a"},
    {WITH("\"return\":[{\"a\":{\"b\":1,\"b\":2}}]"), "duplicate_key", "/return", "b"},
    /* 8a, 8b: NaN and the like where they may not be, and what is not spelt like them */
    {WITH("\"label_smoothing\":NaN"), "non_finite_not_allowed", "/label_smoothing", NULL},
    {WITH("\"label_smoothing\":\"NaN\""), "non_finite_not_allowed", "/label_smoothing", NULL},
    {WITH("\"label_smoothing\":-Infinity"), "non_finite_not_allowed", "/label_smoothing", NULL},
    {WITH("\"ignore_index\":Infinity"), "non_finite_not_allowed", "/ignore_index", NULL},
    {WITH("\"ignore_index\":\"-Infinity\""), "non_finite_not_allowed", "/ignore_index", NULL},
    {WITH("\"id\":NaN"), "non_finite_not_allowed", "/id", NULL},
    {WITH("\"return\":[Infinity]"), "non_finite_not_allowed", "/return", NULL},
    {L("[[^nan,1]]"), "invalid_json", NULL, NULL},
    {L("[[^inf,1]]"), "invalid_json", NULL, NULL},
    {L("[[^+Infinity,1]]"), "invalid_json", NULL, NULL},
    {L("[[NaN^x,1]]"), "invalid_json", NULL, NULL},
    {L("[[-^NaN,1]]"), "invalid_json", NULL, NULL},
    {L("[[\"nan\",1]]"), "wrong_type", "/logits/0/0", "a string"},
    {L("[[1,\"1.5\"]]"), "wrong_type", "/logits/0/1", "a string"},
    {L("[[1,\"NaN \"]]"), "wrong_type", "/logits/0/1", "a string"},
    {L("[[1,2],[null,1]]"), "wrong_type", "/logits/1/0", "null"},
    {L("[[1,true]]"), "wrong_type", "/logits/0/1", "a boolean"},
    {L("[[1,{\"a\":1}]]"), "wrong_type", "/logits/0/1", "an object"},
    {L("{\"a\":1}"), "wrong_type", "/logits", "an object"},
    {L("\"1\""), "wrong_type", "/logits", "a string"},
    {L("null"), "wrong_type", "/logits", "null"},
    {WITH("\"weights\":[1,\"x\"]"), "wrong_type", "/weights/1", NULL},
    {WITH("\"weights\":null"), "wrong_type", "/weights", NULL},
    {T("[[1,\"x\"]]"), "wrong_type", "/targets/0/1", NULL},
    /* 9, 11, 13: numbers */
    {L("[[1,1e999]]"), "number_out_of_range", "/logits/0/1", NULL},
    {L("[[-1e999,1]]"), "number_out_of_range", "/logits/0/0", NULL},
    {L("[[1,1e39]]"), "number_out_of_range", "/logits/0/1", "float64"},
    {L("[[1,-3.4028235677973367e38]]"), "number_out_of_range", "/logits/0/1", NULL},
    {WITH("\"weights\":[1e39,1]"), "number_out_of_range", "/weights/0", NULL},
    {WITH("\"weights\":[1,1e400],\"dtype\":\"float64\""), "number_out_of_range", "/weights/1",
     NULL},
    {T("[[1e39,1]]"), "number_out_of_range", "/targets/0/0", NULL},
    {T("[[1,1e999]]"), "number_out_of_range", "/targets/0/1", NULL},
    {WITH("\"label_smoothing\":1e999"), "number_out_of_range", "/label_smoothing", NULL},
    {WITH("\"ignore_index\":9223372036854775808"), "number_out_of_range", "/ignore_index", NULL},
    {WITH("\"ignore_index\":1e19"), "value_out_of_range", "/ignore_index", NULL},
    {L("[[0^1,1]]"), "invalid_json", NULL, NULL},
    {L("[[^+1,1]]"), "invalid_json", NULL, NULL},
    {L("[[^.5,1]]"), "invalid_json", NULL, NULL},
    {L("[[1.^,1]]"), "invalid_json", NULL, NULL},
    {L("[[0^x1,1]]"), "invalid_json", NULL, NULL},
    {L("[[1e^,1]]"), "invalid_json", NULL, NULL},
    {L("[[1e+^,1]]"), "invalid_json", NULL, NULL},
    {L("[[-^-1,1]]"), "invalid_json", NULL, NULL},
    {L("[[-^,1]]"), "invalid_json", NULL, NULL},
    {WITH("\"label_smoothing\":^.5"), "invalid_json", NULL, NULL},
    {WITH("\"label_smoothing\":0^1"), "invalid_json", NULL, NULL},
    /* 16: targets that are no integers */
    {T("[1.5]"), "target_not_integer", "/targets/0", "1.5"},
    {T("[\"1\"]"), "target_not_integer", "/targets/0", NULL},
    {T("[true]"), "target_not_integer", "/targets/0", "true"},
    {T("[null]"), "target_not_integer", "/targets/0", "null"},
    {T("[NaN]"), "target_not_integer", "/targets/0", "NaN"},
    {T("[\"Infinity\"]"), "target_not_integer", "/targets/0", NULL},
    {TEXT("{\"logits\":[1,2],\"targets\":0.5}"), "target_not_integer", "/targets", "0.5"},
    {TEXT("{\"logits\":[1,2],\"targets\":\"0\"}"), "target_not_integer", "/targets", NULL},
    /* 17 to 21: depth, UTF-8, other encodings, NUL */
    {TEXT("{\"logits\":" BRACKETS_15 BRACKETS_15 "[^[1]]}"), "too_deep", NULL, "32"},
    {WITH("\"id\":" BRACKETS_15 BRACKETS_15 "[^[1]]"), "too_deep", NULL, "32"},
    {WITH("\"id\":\"a^\xff\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\xc0\xaf\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\xed\xa0\x80\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\xf4\x90\x80\x80\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\xe2\x82\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\\ud800\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\\ud800\\u0041\""), "invalid_utf8", NULL, NULL},
    {WITH("\"id\":\"^\\udc00\""), "invalid_utf8", NULL, NULL},
    {TEXT("{\"^\xff\":1}"), "invalid_utf8", NULL, NULL},
    {L("[[\"^\xff\",1]]"), "invalid_utf8", NULL, NULL},
    {TEXT("^\xef\xbb\xbf{\"logits\":[1,2],\"targets\":0}"), "invalid_json", NULL, NULL},
    {TEXT("^\xff\xfe{\0\"\0"), "invalid_json", NULL, NULL},
    {TEXT("{^\0\"\0l\0"), "invalid_json", NULL, NULL},
    {TEXT("^\0{}"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits\":^\0[1,2],\"targets\":0}"), "invalid_json", NULL, NULL},
    {L("[1^\0,2]"), "invalid_json", NULL, NULL},
    {WITH("\"id\":\"a^\0b\""), "invalid_json", NULL, NULL},
    {WITH("\"id\":\"a^\nb\""), "invalid_json", NULL, NULL},
    {WITH("\"id\":\"a^\\x\""), "invalid_json", NULL, NULL},
    {WITH("\"id\":\"^\\u0000\""), "invalid_json", NULL, NULL},
    {TEXT("{\"logits^\\u0000\":[1]}"), "invalid_json", NULL, NULL},
    {TEXT("{\"logits\":[1,2],\"targets\":0}^\0"), "trailing_data", NULL, NULL},
    /* 23 to 27: fields and shapes */
    {TEXT("{}"), "missing_field", NULL, "logits"},
    {TEXT("{\"targets\":[0]}"), "missing_field", NULL, "log_probabilities"},
    {TEXT("{\"logits\":[1,2]}"), "missing_field", NULL, "targets"},
    {WITH("\"probabilities\":[[1,2]]"), "conflicting_fields", "/probabilities", "\"logits\""},
    {TEXT("{\"log_probabilities\":[1],\"logits\":[1],\"targets\":0}"), "conflicting_fields",
     "/logits",
     "\"log_probabilities\""},
    {TEXT("[1e999]"), "expected_object", "0", "an array"},
    {TEXT("[NaN]"), "expected_object", "0", NULL},
    {WITH("\"lables\":[0]"), "unknown_field", "/lables", "lables"},
    {TEXT("{\"logits\":[1,2],\"targest\":0}"), "unknown_field", "/targest", "\"targets\"?"},
    {WITH("\"Reduction\":\"sum\""), "unknown_field", "/Reduction", "\"reduction\"?"},
    {WITH("\"\":1"), "unknown_field", "/", NULL},
    {WITH("\"a/b~c\":1"), "unknown_field", "/a~1b~0c", NULL},
    {WITH("\"n\":1"), "unknown_field", "/n", NULL},
    {WITH("\"reduction\":\"Mean\""), "unknown_value", "/reduction",
     "\"mean\", \"sum\" or \"none\""},
    {WITH("\"reduction\":\"batchmean\""), "unknown_value", "/reduction", "\"mean\""},
    {WITH("\"reduction\":null"), "wrong_type", "/reduction", "null"},
    {WITH("\"reduction\":1"), "wrong_type", "/reduction", "a number"},
    {WITH("\"return\":[\"losses\",\"sofmax\"]"), "unknown_value", "/return/1", "\"softmax\""},
    {WITH("\"return\":[\"Softmax\"]"), "unknown_value", "/return/0", "\"softmax\""},
    {WITH("\"return\":[\"\"]"), "unknown_value", "/return/0", NULL},
    {WITH("\"return\":\"softmax\""), "wrong_type", "/return", "a string"},
    {WITH("\"return\":[[\"softmax\"]]"), "wrong_type", "/return/0", "an array"},
    {WITH("\"return\":null"), "wrong_type", "/return", "null"},
    {WITH("\"size_average\":1"), "wrong_type", "/size_average", "a number"},
    {WITH("\"reduce\":\"no\""), "wrong_type", "/reduce", "a string"},
    {WITH("\"ignore_index\":1.5"), "wrong_type", "/ignore_index", NULL},
    {WITH("\"ignore_index\":true"), "wrong_type", "/ignore_index", NULL},
    {WITH("\"label_smoothing\":\"0.1\""), "wrong_type", "/label_smoothing", "a string"},
    {WITH("\"label_smoothing\":-0.1"), "value_out_of_range", "/label_smoothing", "-0.1"},
    {WITH("\"label_smoothing\":1.0001"), "value_out_of_range", "/label_smoothing", "1.0001"},
    {WITH("\"dtype\":\"float16\""), "unknown_dtype", "/dtype", "\"float32\" or \"float64\""},
    {WITH("\"dtype\":\"Float32\""), "unknown_dtype", "/dtype", NULL},
    {WITH("\"dtype\":32"), "wrong_type", "/dtype", NULL},
    {WITH("\"id\":7"), "wrong_type", "/id", "a number"},
    {L("[[1,2],[3]]"), "ragged_array", "/logits/1", "logits[1]"},
    {L("[[1,2],[3,4,5],[6]]"), "ragged_array", "/logits/1", NULL},
    {L("[[[1],[2]],[[3]]]"), "ragged_array", "/logits/1", NULL},
    {L("[[1,2],[]]"), "ragged_array", "/logits/1", NULL},
    {L("[[],[1]]"), "ragged_array", "/logits/1", NULL},
    {L("[1,[2]]"), "ragged_array", "/logits/1", "an array"},
    {L("[[1],2]"), "ragged_array", "/logits/1", "a number"},
    {L("[[1],null]"), "ragged_array", "/logits/1", "null"},
    {T("[[0],0]"), "ragged_array", "/targets/1", NULL},
    {WITH("\"weights\":[1,[2]]"), "ragged_array", "/weights/1", NULL},
    {TEXT("{\"logits\":5,\"targets\":0}"), "invalid_shape", "/logits", NULL},
    {TEXT("{\"probabilities\":0.5,\"targets\":0}"), "invalid_shape", "/probabilities", NULL},
    {T("[0,1]"), "shape_mismatch", "/targets", "[2]"},
    {T("0"), "shape_mismatch", "/targets", "[1, 2]"},
    {T("[[0]]"), "shape_mismatch", "/targets", NULL},
    {T("[]"), "shape_mismatch", "/targets", NULL},
    {WITH("\"weights\":[1,1,1]"), "shape_mismatch", "/weights", "[3]"},
    {WITH("\"weights\":[[1,1]]"), "shape_mismatch", "/weights", NULL},
    {WITH("\"weights\":1"), "shape_mismatch", "/weights", NULL},
    /* 28 to 36: values */
    {L("[[]]"), "target_out_of_range", "/targets/0", "no classes"},
    {T("[2]"), "target_out_of_range", "/targets/0", "2 classes (0..1)"},
    {T("[-1]"), "target_out_of_range", "/targets/0", "-1"},
    {T("[1e300]"), "target_out_of_range", "/targets/0", NULL},
    {T("[9223372036854775807]"), "target_out_of_range", "/targets/0", NULL},
    {T("[9223372036854775808]"), "target_out_of_range", "/targets/0", NULL},
    {T("[-101]"), "target_out_of_range", "/targets/0", NULL},
    {WITH("\"ignore_index\":1e3,\"return\":[\"losses\"],\"targets\":[9]"), "duplicate_key",
     "/targets",
     NULL},
    {TEXT("{\"logits\":[[1,2],[1,2],[1,2]],\"targets\":[0,1,2]}"), "target_out_of_range",
     "/targets/2",
     "targets[2] is 2"},
    {TEXT("{\"logits\":[[[1,2],[1,2]]],\"targets\":[[1,5]]}"), "target_out_of_range",
     "/targets/0/1", NULL},
    {TEXT("{\"logits\":[[1,2]],\"targets\":[[0,1]],\"ignore_index\":0}"), "value_out_of_range",
     "/ignore_index", NULL},
    {TEXT("{\"probabilities\":[[0.5,-0.5]],\"targets\":[0]}"), "value_out_of_range",
     "/probabilities/0/1", "negative"},
};
/* clang-format on */

/* What is to come back to where it was. */
struct snapshot {
    double in_flight, bytes, queue, errors, of_code, rows;
};

static struct snapshot look(const char *code)
{
    const struct response *response = client_send(client, "GET", "/metrics", NULL, NULL, 0);
    struct snapshot now = {0};
    char series[128];

    assert_int_equal(response->status, 200);
    assert_int_equal(response->connects, 0);
    (void)snprintf(series, sizeof series, "lossd_errors_total{code=\"%s\"}", code);
    now.in_flight = metric_value_in(response->body, "lossd_in_flight_requests");
    now.bytes = metric_value_in(response->body, "lossd_in_flight_bytes");
    now.queue = metric_value_in(response->body, "lossd_queue_jobs");
    now.of_code = metric_value_in(response->body, series);
    now.rows = metric_value_in(response->body, "lossd_rows_evaluated_total");
    for (const char *line = strstr(response->body, "\nlossd_errors_total{"); line != NULL;
         line = strstr(line + 1, "\nlossd_errors_total{"))
        now.errors += strtod(strchr(line, ' '), NULL);
    return now;
}

/* A good request: its loss, log(1 + e^-1), and one row of work.  On the same connection, unless
 * libcurl itself may have ended that: since 8.0 it does if an error comes before it noticed that it
 * had nothing to send. */
static void check_good_request(const char *name, bool on_same_connection)
{
    const struct response *response = client_evaluate(client, "{\"logits\":[2,1],\"targets\":0}");
    json_t *json = response_json(response);
    double loss = json_number(json_object_get(json, "loss"));

    json_decref(json);
    if (response->status != 200 || (on_same_connection && response->connects != 0) ||
        !(fabs(loss - 0.31326169) < 1e-7))
        fail_msg("%s: then a good request gets %ld %s (%ld connects)", name, response->status,
                 response->body, response->connects);
}

static void check_fault(const char *name, const struct fault *fault, const char *body,
                        size_t length, const char *where)
{
    struct snapshot before = look(fault->code), after;
    const struct response *response =
        client_send(client, "POST", "/v1/evaluate", NULL, body, length);
    char text[600];

    if (response_fault(response, 400, fault->code, where, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
    if (response->connects != 0 || response_header(response, "Connection", text, sizeof text))
        fail_msg("%s: the connection is not kept", name);
    if (fault->says != NULL) {
        json_t *json = response_json(response);
        const char *sentence = json_text(json, "error");

        if (strstr(sentence, fault->says) == NULL)
            fail_msg("%s: \"%s\" does not say %s", name, sentence, fault->says);
        json_decref(json);
    }
    check_good_request(name, length > 0);
    after = look(fault->code);
    if (after.in_flight != 1.0 || after.bytes != before.bytes || after.queue != 0.0)
        fail_msg("%s: left %g requests, %g bytes of %g, %g jobs", name, after.in_flight,
                 after.bytes, before.bytes, after.queue);
    if (after.errors != before.errors + 1.0 || after.of_code != before.of_code + 1.0 ||
        after.rows != before.rows + 1.0)
        fail_msg("%s: counted %g errors, %g %s, %g rows", name, after.errors - before.errors,
                 after.of_code - before.of_code, fault->code, after.rows - before.rows);
}

/* Take the '^' out of a body; `where` becomes its offset in decimal digits, if there is one. */
static char *without_mark(const struct fault *fault, size_t *length, char *where, size_t size)
{
    const char *mark = fault->where == NULL ? memchr(fault->body, '^', fault->length) : NULL;
    size_t at = mark != NULL ? (size_t)(mark - fault->body) : fault->length;
    char *body = calloc(fault->length + 1, 1);

    assert_non_null(body);
    memcpy(body, fault->body, at);
    where[0] = '\0';
    *length = fault->length;
    if (mark != NULL) {
        memcpy(body + at, mark + 1, fault->length - at - 1);
        *length = fault->length - 1;
        (void)snprintf(where, size, "%zu", at);
    }
    return body;
}

static void each_fault_has_its_code_and_place(void **state)
{
    char at[24], name[200];

    (void)state;
    check_good_request("at first", false);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        size_t length;
        char *body = without_mark(&faults[i], &length, at, sizeof at);

        (void)snprintf(name, sizeof name, "row %zu, %s", i, body);
        check_fault(name, &faults[i], body, length, at[0] != '\0' ? at : faults[i].where);
        free(body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_code_and_place),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
