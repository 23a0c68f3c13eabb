/* test_evaluate.c - right answers over HTTP: the golden example, a batch of digits, every stage and
 * option, and numbers that are special. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/numbers.h"
#include "support/session.h"

#define GOLDEN "\"logits\":[[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]],\"targets\":[0,2,1]"

/* The reply to a request that is good, to be json_decref'd. */
static json_t *evaluate(const char *body)
{
    const struct response *response = client_evaluate(client, body);
    char type[64];
    json_t *json = response_json(response);

    if (response->status != 200 || json == NULL)
        fail_msg("%.200s: got %ld %s", body, response->status, response->body);
    assert_string_equal(response_header(response, "Content-Type", type, sizeof type),
                        "application/json");
    return json;
}

/* Compare numbers in nested arrays, in order, with wanted ones; returns how many there were. */
static size_t check_numbers(const char *name, const json_t *value, const double *want, size_t at,
                            size_t count, double relative)
{
    size_t used = 0;

    if (!json_is_array(value)) {
        if (at >= count || !number_is_near(json_number(value), want[at], relative, 0.0))
            fail_msg("%s[%zu]: got %.17g, want %.17g", name, at, json_number(value),
                     at < count ? want[at] : 0.0);
        return 1;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        used += check_numbers(name, json_array_get(value, i), want, at + used, count, relative);
    return used;
}

static void check_member(const json_t *reply, const char *name, const double *want, size_t count,
                         double relative)
{
    const json_t *value = json_object_get(reply, name);

    if (value == NULL)
        fail_msg("%s is missing", name);
    if (check_numbers(name, value, want, 0, count, relative) != count)
        fail_msg("%s: too few numbers", name);
}

/* The seed example and its true values, by multiprecision arithmetic. */
static const double golden_softmax[] = {
    9.99596454443951e-1, 4.53816088225843e-5, 1.66949608931133e-5, 3.35327253449801e-4,
    6.14173288373760e-6, 5.60276166430791e-9, 6.14417421985187e-6, 9.99993793594013e-1,
    1.52298852212752e-8, 4.13991202465092e-8, 2.25996990557901e-6, 9.99840951765291e-1,
    1.66990444142183e-5, 1.23390175975194e-4, 1.66990444142183e-5};
static const double golden_log_softmax[] = {
    -4.03627002469438e-4, -10.0004036270025, -11.0004036270025, -8.00040362700247,
    -12.0004036270025,    -19.0000062064252, -12.0000062064252, -6.20642524680129e-6,
    -18.0000062064252,    -17.0000062064252, -13.0001590608842, -1.59060884220964e-4,
    -11.0001590608842,    -9.00015906088422, -11.0001590608842};
static const double golden_losses[] = {4.03627002469438e-4, 6.20642524680129e-6,
                                       1.59060884220964e-4};
static const double golden_sum = 5.68894311937203e-4, golden_mean = 1.89631437312401e-4;

static void the_golden_example_has_all_its_outputs(void **state)
{
    static const double three = 3, none = 0, five = 5, predictions[] = {0, 2, 1};
    static const char *const members[] = {
        "loss",  "loss_sum", "weight_sum", "count",       "ignored",     "correct", "classes",
        "dtype", "losses",   "softmax",    "log_softmax", "predictions", "id"};
    char body[512];

    (void)state;
    for (int i = 0; i < 2; i++) {
        double relative = i == 0 ? 3e-7 : 5e-15;

        (void)snprintf(body, sizeof body,
                       "{\"id\":\"m\\u00e9 \\\"1\\\" \\ud83d\\ude00\"," GOLDEN
                       ",\"return\":[\"losses\",\"softmax\",\"log_softmax\",\"predictions\"]%s}",
                       i == 0 ? "" : ",\"dtype\":\"float64\"");
        json_t *reply = evaluate(body);

        check_member(reply, "loss", &golden_mean, 1, relative);
        check_member(reply, "loss_sum", &golden_sum, 1, i == 0 ? 0x1p-25 : 5e-15);
        check_member(reply, "weight_sum", &three, 1, 0);
        check_member(reply, "count", &three, 1, 0);
        check_member(reply, "ignored", &none, 1, 0);
        check_member(reply, "correct", &three, 1, 0);
        check_member(reply, "classes", &five, 1, 0);
        check_member(reply, "losses", golden_losses, 3, relative);
        check_member(reply, "softmax", golden_softmax, 15, relative);
        check_member(reply, "log_softmax", golden_log_softmax, 15, relative);
        check_member(reply, "predictions", predictions, 3, 0);
        assert_string_equal(json_text(reply, "dtype"), i == 0 ? "float32" : "float64");
        assert_string_equal(json_text(reply, "id"), "m\xc3\xa9 \"1\" \xf0\x9f\x98\x80");
        assert_int_equal(json_object_size(reply), sizeof members / sizeof members[0]);
        for (size_t m = 0; m < sizeof members / sizeof members[0]; m++)
            assert_non_null(json_object_get(reply, members[m]));
        json_decref(reply);
    }
}

/* Requests, whether well-behaved or odd, that have an answer: the loss, or one other number. */
/* clang-format off */
static const struct {
    const char *name, *body;
    const char *member; /* NULL: loss */
    double want[4];
    size_t count;
    double relative;
} answers[] = {
#define LOG2       0.69314718055994530942
#define D          ",\"dtype\":\"float64\"}"
#define HALVES     "{\"logits\":[[0,0],[0,0]],\"targets\":[0,1]"
#define WEIGHTED   HALVES ",\"weights\":[1,3]"
#define PER_ROW(x) "{\"probabilities\":" x ",\"targets\":0,\"dtype\":\"float64\"}"
    {"mean", HALVES D, NULL, {LOG2}, 1, 1e-15},
    {"sum", HALVES ",\"reduction\":\"sum\"" D, NULL, {2 * LOG2}, 1, 1e-15},
    {"none", HALVES ",\"reduction\":\"none\"" D, NULL, {LOG2, LOG2}, 2, 1e-15},
    {"weights", WEIGHTED ",\"reduction\":\"none\"" D, NULL, {LOG2, 3 * LOG2}, 2, 1e-15},
    {"weights, mean", WEIGHTED D, NULL, {LOG2}, 1, 1e-15},
    {"weights, sum of them", WEIGHTED D, "weight_sum", {4}, 1, 0},
    {"ignore_index", HALVES ",\"ignore_index\":1,\"reduction\":\"none\"" D, NULL, {LOG2, 0}, 2,
     1e-15},
    {"ignored", HALVES ",\"ignore_index\":1" D, "ignored", {1}, 1, 0},
    {"ignore_index 1.0", HALVES ",\"ignore_index\":1.0" D, "count", {1}, 1, 0},
    {"the smallest ignore_index", HALVES ",\"ignore_index\":-9223372036854775808" D, "count", {2},
     1, 0},
    {"-100 is ignored", "{\"logits\":[[1,2],[3,4]],\"targets\":[-100,1]" D, "ignored", {1}, 1, 0},
    {"smoothing", "{\"log_probabilities\":[[-1,-3]],\"targets\":[0],\"label_smoothing\":0.5" D,
     NULL, {1.5}, 1, 1e-15},
    {"smoothing 1", "{\"log_probabilities\":[-1,-3],\"targets\":0,\"label_smoothing\":1" D, NULL,
     {2}, 1, 1e-15},
    {"probabilities", "{\"probabilities\":[[0.25,0.75]],\"targets\":[0]" D, NULL, {2 * LOG2}, 1,
     1e-15},
    {"log-probabilities", "{\"log_probabilities\":[[-1,-3]],\"targets\":[1]" D, NULL, {3}, 1, 0},
    {"class probabilities", "{\"log_probabilities\":[[-1,-3]],\"targets\":[[0.5,0.5]]" D, NULL, {2},
     1, 1e-15},
    {"class probabilities that are integers",
     "{\"log_probabilities\":[[-1,-3]],\"targets\":[[0,1]]" D, NULL, {3}, 1, 0},
    {"two positions", "{\"logits\":[[[0,1],[0,1]]],\"targets\":[[0,1]],\"reduction\":\"none\"" D,
     NULL, {LOG2, LOG2}, 2, 1e-15},
    {"(C)", "{\"logits\":[0,0],\"targets\":1" D, NULL, {LOG2}, 1, 1e-15},
    {"size_average", HALVES ",\"size_average\":false" D, NULL, {2 * LOG2}, 1, 1e-15},
    {"reduce", HALVES ",\"reduce\":false,\"reduction\":\"odd\"" D, NULL, {LOG2, LOG2}, 2, 1e-15},
    {"flags that are null", HALVES ",\"reduce\":null,\"size_average\":null" D, NULL, {LOG2}, 1,
     1e-15},
    {"space everywhere", " \t\r\n{\"logits\" : [ 0 ,\n0 ] , \"targets\" : 1} \n", NULL, {LOG2}, 1,
     1e-7},
    {"the options first", "{\"dtype\":\"float64\",\"targets\":1,\"logits\":[0,0]}", NULL, {LOG2}, 1,
     1e-15},
    {"an escaped field name", "{\"\\u006cogits\":[0,0],\"target\\u0073\":1" D, NULL, {LOG2}, 1,
     1e-15},
    /* A 8 */
    {"NaN", "{\"logits\":[[NaN,1]],\"targets\":[1]}", NULL, {NAN}, 1, 0},
    {"\"NaN\"", "{\"logits\":[[\"NaN\",1]],\"targets\":[1]}", NULL, {NAN}, 1, 0},
    {"Infinity", "{\"logits\":[[Infinity,1]],\"targets\":[0]}", NULL, {NAN}, 1, 0},
    {"-Infinity, elsewhere", "{\"logits\":[[-Infinity,1]],\"targets\":[1]}", NULL, {0}, 1, 0},
    {"-Infinity", "{\"logits\":[[\"-Infinity\",1]],\"targets\":[0]}", NULL, {INFINITY}, 1, 0},
    {"an infinite weight", HALVES ",\"weights\":[Infinity,1]}", "weight_sum", {INFINITY}, 1, 0},
    {"a weight that is NaN", HALVES ",\"weights\":[NaN,1]}", NULL, {NAN}, 1, 0},
    {"a class probability that is NaN", "{\"logits\":[0,0],\"targets\":[\"NaN\",1]}", NULL, {NAN},
     1, 0},
    /* A 10 to 16 */
    {"1e-999", "{\"log_probabilities\":[-1e-999,5],\"targets\":0" D, NULL, {0}, 1, 0},
    {"a subnormal", "{\"log_probabilities\":[-5e-324,5],\"targets\":0" D, NULL, {5e-324}, 1, 0},
    {"1e39 in float64", "{\"log_probabilities\":[-1e39,5],\"targets\":0" D, NULL, {1e39}, 1, 0},
    {"the largest float32", "{\"log_probabilities\":[-3.4028235e38,5],\"targets\":0}", NULL,
     {3.4028234663852886e38}, 1, 1e-7},
    {"what rounds to it", "{\"log_probabilities\":[-3.4028235677973362e38,5],\"targets\":0}", NULL,
     {3.4028234663852886e38}, 1, 1e-7},
    {"2^63", "{\"log_probabilities\":[-9223372036854775808,5],\"targets\":0" D, NULL, {0x1p63}, 1,
     0},
    {"2^64 + 2049", "{\"log_probabilities\":[-18446744073709553665,5],\"targets\":0" D, NULL,
     {18446744073709555712.0}, 1, 0},
    {"1.0 as a target", "{\"log_probabilities\":[-1,-3],\"targets\":1.0}", NULL, {3}, 1, 0},
    {"1e0 as a target", "{\"log_probabilities\":[[-1,-3]],\"targets\":[10e-1]}", NULL, {3}, 1, 0},
    /* B 28 to 38 */
    {"no rows, mean", "{\"logits\":[],\"targets\":[]}", NULL, {NAN}, 1, 0},
    {"no rows, sum", "{\"logits\":[],\"targets\":[],\"reduction\":\"sum\"}", NULL, {0}, 1, 0},
    {"no rows, none", "{\"logits\":[],\"targets\":[],\"reduction\":\"none\"}", NULL, {0}, 0, 0},
    {"one class", "{\"logits\":[[7],[-3]],\"targets\":[0,0],\"reduction\":\"none\"}", NULL, {0, 0},
     2, 0},
    {"all ignored, mean", "{\"logits\":[[1,2]],\"targets\":[-100]}", NULL, {NAN}, 1, 0},
    {"all ignored, sum", "{\"logits\":[[1,2]],\"targets\":[-100],\"reduction\":\"sum\"}", NULL, {0},
     1, 0},
    {"all ignored, count", "{\"logits\":[[1,2]],\"targets\":[-100]}", "count", {0}, 1, 0},
    {"no classes, ignored", "{\"logits\":[[]],\"targets\":[-100],\"reduction\":\"sum\"}", NULL, {0},
     1, 0},
    {"negative weights", HALVES ",\"weights\":[-1,-1],\"reduction\":\"sum\"" D, NULL, {-2 * LOG2},
     1, 1e-15},
    {"weights of zero", HALVES ",\"weights\":[0,0]}", NULL, {NAN}, 1, 0},
    {"class probabilities above 1", "{\"log_probabilities\":[[-1,-3]],\"targets\":[[2,-1]]" D, NULL,
     {-1}, 1, 1e-15},
    {"1e38 in float32", "{\"logits\":[[1e38,-1e38]],\"targets\":[1]}", NULL, {2e38}, 1, 1e-7},
    {"a loss above float32", "{\"logits\":[[3e38,-3e38]],\"targets\":[1]}", NULL, {INFINITY}, 1, 0},
    {"0 log 0", "{\"probabilities\":[1,0],\"targets\":[1,0]}", NULL, {0}, 1, 0},
    {"log 0", PER_ROW("[0,1]"), NULL, {INFINITY}, 1, 0},
};
/* clang-format on */

static void requests_have_their_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const char *member = answers[i].member != NULL ? answers[i].member : "loss";
        json_t *reply = evaluate(answers[i].body);

        if (check_numbers(answers[i].name, json_object_get(reply, member), answers[i].want, 0,
                          answers[i].count, answers[i].relative) != answers[i].count)
            fail_msg("%s: too few numbers", answers[i].name);
        json_decref(reply);
    }
}

/* The sum and divisor that the mean of a part is made of, for every stage, give the whole's. */
static void digits_have_their_true_loss(void **state)
{
    json_t *request = json_load_file("tests/data/digits.json", 0, NULL);
    json_t *expected = json_load_file("tests/data/digits.expected.json", 0, NULL), *reply;
    const json_t *truth = json_object_get(expected, "mpmath");

    (void)state;
    assert_non_null(request);
    assert_non_null(expected);
    for (int i = 0; i < 2; i++) {
        double relative = i == 0 ? 1e-14 : 1e-6;

        assert_int_equal(
            json_object_set_new(request, "dtype", json_string(i == 0 ? "float64" : "float32")), 0);
        char *body = json_dumps(request, JSON_REAL_PRECISION(17));

        reply = evaluate(body);
        free(body);
        const double mean = json_number(json_object_get(truth, "mean"));
        const double sum = json_number(json_object_get(truth, "sum"));
        const double weight_sum = json_number(json_object_get(truth, "weight_sum"));
        const double counts[] = {json_number(json_object_get(expected, "count")),
                                 json_number(json_object_get(expected, "correct")),
                                 json_number(json_object_get(expected, "classes"))};

        check_member(reply, "loss", &mean, 1, relative);
        check_member(reply, "loss_sum", &sum, 1, relative);
        check_member(reply, "weight_sum", &weight_sum, 1, relative);
        check_member(reply, "count", &counts[0], 1, 0);
        check_member(reply, "correct", &counts[1], 1, 0);
        check_member(reply, "classes", &counts[2], 1, 0);
        json_decref(reply);
    }
    json_decref(request);
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_example_has_all_its_outputs),
        cmocka_unit_test(requests_have_their_answers),
        cmocka_unit_test(digits_have_their_true_loss),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
