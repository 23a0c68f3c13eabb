/* test_evaluate.c - the golden example, H(p, q) of distributions, predictions, counts and sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "loss/evaluation.h"
#include "support/numbers.h"
#include "support/wants.h"

enum { N = 3, C = 5 };

/* The seed example and its true values, by multiprecision arithmetic. */
static const double golden_logits[N][C] = {{13, 3, 2, 5, 1}, {1, 8, 20, 2, 3}, {1, 14, 3, 5, 3}};
static const int64_t golden_labels[N] = {0, 2, 1};
static const double golden_softmax[N][C] = {
    {9.99596454443951e-1, 4.53816088225843e-5, 1.66949608931133e-5, 3.35327253449801e-4,
     6.14173288373760e-6},
    {5.60276166430791e-9, 6.14417421985187e-6, 9.99993793594013e-1, 1.52298852212752e-8,
     4.13991202465092e-8},
    {2.25996990557901e-6, 9.99840951765291e-1, 1.66990444142183e-5, 1.23390175975194e-4,
     1.66990444142183e-5},
};
static const double golden_log_softmax[N][C] = {
    {-4.03627002469438e-4, -10.0004036270025, -11.0004036270025, -8.00040362700247,
     -12.0004036270025},
    {-19.0000062064252, -12.0000062064252, -6.20642524680129e-6, -18.0000062064252,
     -17.0000062064252},
    {-13.0001590608842, -1.59060884220964e-4, -11.0001590608842, -9.00015906088422,
     -11.0001590608842},
};
static const double golden_losses[N] = {4.03627002469438e-4, 6.20642524680129e-6,
                                        1.59060884220964e-4};
static const double golden_sum = 5.68894311937203e-4, golden_mean = 1.89631437312401e-4;

static void check_all(const char *what, const struct loss_tensor *got, const double *want,
                      double relative)
{
    for (size_t i = 0; i < loss_tensor_elements(got); i++) {
        if (!number_is_near(number_at(got, i), want[i], relative, 0.0))
            fail_msg("%s[%zu]: got %.17g, want %.17g", what, i, number_at(got, i), want[i]);
    }
}

static void the_golden_example_has_twelve_digits(void **state)
{
    const double wanted[LOSS_REDUCTION_COUNT][N] = {
        [LOSS_REDUCTION_MEAN] = {golden_mean},
        [LOSS_REDUCTION_SUM] = {golden_sum},
        [LOSS_REDUCTION_NONE] = {golden_losses[0], golden_losses[1], golden_losses[2]},
    };
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions = (struct loss_tensor){
        .dtype = LOSS_FLOAT64, .rank = 2, .shape = {N, C}, .data = golden_logits};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {N}, .data = golden_labels};
    want_everything(&request);
    for (int r = 0; r < LOSS_REDUCTION_COUNT; r++) {
        request.reduction = (enum loss_reduction)r;
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
        check_all(loss_reduction_name(request.reduction), &result.loss, wanted[r], 1e-12);
        check_all("losses", &result.parts[LOSS_PART_LOSSES], golden_losses, 1e-12);
        check_all("softmax", &result.parts[LOSS_PART_SOFTMAX], golden_softmax[0], 1e-12);
        check_all("log_softmax", &result.parts[LOSS_PART_LOG_SOFTMAX], golden_log_softmax[0],
                  1e-12);
        assert_true(number_is_near(result.loss_sum, golden_sum, 1e-12, 0.0));
        assert_true(result.weight_sum == 3.0);
        assert_int_equal(result.correct, 3);
    }
    loss_arena_reset(&arena);
}

/* H(p, q) of two distributions over five classes, through the probabilities stage, by both kinds of
 * target where p is one-hot. */
static void entropies_of_distributions_have_twelve_digits(void **state)
{
    static const double p[C] = {1, 0, 0, 0, 0}, q1[C] = {0.4, 0.3, 0.05, 0.05, 0.2};
    static const double q2[C] = {0.98, 0.01, 0, 0, 0.01};
    static const int64_t first = 0;
    static const struct {
        const char *name;
        const double *p, *q;
        double entropy;
    } rows[] = {
        {"H(P, Q1)", p, q1, 0.916290731874155},    {"H(P, Q2)", p, q2, 0.0202027073175194},
        {"H(Q1, Q1)", q1, q1, 1.34916894388966},   {"H(Q2, Q2)", q2, q2, 0.111902056890931},
        {"H(Q2, Q1)", q2, q1, 0.926099024404272},  {"H(Q1, Q2)", q1, q2, (double)INFINITY},
        {"H(0, Q1)", NULL, q1, 0.916290731874155}, /* the class index 0 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_request request = LOSS_REQUEST_DEFAULTS;
        struct loss_result result;
        struct loss_error error;
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        request.stage = LOSS_STAGE_PROBABILITIES;
        request.predictions =
            (struct loss_tensor){.dtype = LOSS_FLOAT64, .rank = 1, .shape = {C}, .data = rows[i].q};
        request.targets = request.predictions;
        request.targets.data = rows[i].p;
        if (rows[i].p == NULL)
            request.targets = (struct loss_tensor){.dtype = LOSS_INT64, .data = &first};
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
        check_all(rows[i].name, &result.loss, &rows[i].entropy, 1e-12);
        loss_arena_reset(&arena);
    }
}

static void ties_go_to_the_lowest_index_and_nan_is_the_largest(void **state)
{
    static const float x[6][3] = {{1, 3, 3},   {2, 2, 2},         {-INFINITY, -INFINITY, -INFINITY},
                                  {9, NAN, 1}, {NAN, NAN, 10000}, {-5, -0.0f, 0}};
    static const int64_t want[6] = {1, 0, 0, 1, 0, 1}, labels[6] = {1, 2, -100, 1, 2, 2};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT32, .rank = 2, .shape = {6, 3}, .data = x};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {6}, .data = labels};
    request.wants[LOSS_OUTPUT_PREDICTIONS] = true;
    loss_arena_init(&arena, NULL);
    for (int stage = 0; stage < LOSS_STAGE_COUNT; stage++) {
        const struct loss_tensor *got = &result.parts[LOSS_PART_PREDICTIONS];

        request.stage = (enum loss_stage)stage;
        request.predictions.shape[0] = request.targets.shape[0] = 6;
        if (request.stage == LOSS_STAGE_PROBABILITIES) /* where the last row is refused */
            request.predictions.shape[0] = request.targets.shape[0] = 5;
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
        assert_int_equal(got->dtype, LOSS_INT64);
        assert_int_equal(got->rank, 1);
        assert_int_equal(got->shape[0], request.targets.shape[0]);
        for (size_t i = 0; i < got->shape[0]; i++)
            assert_int_equal(((const int64_t *)got->data)[i], want[i]);
        assert_true(result.has_correct);
        assert_int_equal(result.correct, 2); /* rows 0 and 3 */
        assert_int_equal(result.ignored, 1);
        assert_int_equal(result.count, got->shape[0] - 1);
        assert_int_equal(result.classes, 3);
    }
    loss_arena_reset(&arena);
}

/* A mean comes apart into numerator and denominator, by which the means of batches are combined. */
static void sums_are_those_of_the_mean(void **state)
{
    static const double x[4][2] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}}, weights[2] = {0.5, 3};
    static const double q[4][2] = {{1, 0}, {0, 1}, {0.5, 0.5}, {0, 0}}, ln2 = 0.69314718055994531;
    static const int64_t labels[4] = {0, 1, 7, 1};
    const struct loss_tensor w = {.dtype = LOSS_FLOAT64, .rank = 1, .shape = {2}, .data = weights};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT64, .rank = 2, .shape = {4, 2}, .data = x};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {4}, .data = labels};
    request.weights = &w;
    request.ignore_index = 7;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_true(number_is_near(result.loss_sum, 6.5 * ln2, 1e-15, 0.0));
    assert_true(result.weight_sum == 6.5);
    assert_int_equal(result.count, 3);
    assert_int_equal(result.ignored, 1);

    request.targets =
        (struct loss_tensor){.dtype = LOSS_FLOAT64, .rank = 2, .shape = {4, 2}, .data = q};
    request.ignore_index = -100;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_true(number_is_near(result.loss_sum, 5.25 * ln2, 1e-15, 0.0));
    assert_true(result.weight_sum == 4.0); /* positions: the mean does not divide by weights */
    assert_false(result.has_correct);
    assert_int_equal(result.correct, 0);
    loss_arena_reset(&arena);
}

/* Of no rows there may be any number of classes: no lane has to count them. */
static void no_rows_may_have_many_classes(void **state)
{
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_arena arena;
    struct loss_result result;
    struct loss_error error;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions = (struct loss_tensor){
        .dtype = LOSS_FLOAT32, .rank = 2, .shape = {0, 3000000000}, .data = &result};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {0}, .data = &result};
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_int_equal(result.classes, 3000000000);
    assert_int_equal(result.count, 0);
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_example_has_twelve_digits),
        cmocka_unit_test(entropies_of_distributions_have_twelve_digits),
        cmocka_unit_test(ties_go_to_the_lowest_index_and_nan_is_the_largest),
        cmocka_unit_test(sums_are_those_of_the_mean),
        cmocka_unit_test(no_rows_may_have_many_classes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
