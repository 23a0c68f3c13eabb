/* test_accuracy.c - libloss against true values, made by multiprecision arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "loss/evaluation.h"
#include "support/numbers.h"
#include "support/records.h"

/* Fails unless each element of `got` is within `units_max` units in the last place of the truth. */
static void check_tensor(const char *name, const char *what, const struct loss_tensor *got,
                         const struct loss_tensor *want, double units_max)
{
    assert_true(loss_tensor_same_shape(got, want));
    for (size_t i = 0; i < loss_tensor_elements(want); i++) {
        double units = number_units_apart(got->dtype, number_at(got, i), number_at(want, i));

        if (!(units <= units_max))
            fail_msg("%s: %s[%zu] is %.17g, want %.17g: %g units apart", name, what, i,
                     number_at(got, i), number_at(want, i), units);
    }
}

/* Make a float32 tensor a float64 one. */
static void widen(struct loss_tensor *tensor, struct loss_arena *arena)
{
    size_t count = loss_tensor_elements(tensor);
    double *data = loss_arena_take(arena, count, sizeof *data);

    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = number_at(tensor, i);
    tensor->dtype = LOSS_FLOAT64;
    tensor->data = data;
}

/* The recorded batches, whose logits are float32, evaluated as `dtype`: losses, log-probabilities
 * and probabilities within so many units of it. */
static void check_accuracy(enum loss_dtype dtype, double units)
{
    size_t count;
    struct record *records = records_read("tests/data/accuracy_small.jsonl.gz", &count);

    assert_non_null(records);
    assert_int_equal(count, 16);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        struct loss_request request;
        struct loss_result result;
        struct loss_error error;
        struct loss_arena arena;

        loss_arena_init(&arena, NULL);
        assert_true(record_request(record, &request));
        if (dtype == LOSS_FLOAT64)
            widen(&request.predictions, &arena);
        request.reduction = LOSS_REDUCTION_NONE;
        request.wants[LOSS_OUTPUT_SOFTMAX] = request.wants[LOSS_OUTPUT_LOG_SOFTMAX] = true;
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
        assert_int_equal(result.loss.dtype, dtype);
        check_tensor(record->name, "loss", &result.loss, &record->loss64.tensor, units);
        check_tensor(record->name, "log_softmax", &result.parts[LOSS_PART_LOG_SOFTMAX],
                     &record->log_softmax.tensor, units);
        check_tensor(record->name, "softmax", &result.parts[LOSS_PART_SOFTMAX],
                     &record->softmax.tensor, units);
        loss_arena_reset(&arena);
    }
    records_free(records, count);
}

static void float32_is_within_a_unit_of_the_truth(void **state)
{
    (void)state;
    check_accuracy(LOSS_FLOAT32, 1.0);
}

static void float64_is_within_two_units_of_the_truth(void **state)
{
    (void)state;
    check_accuracy(LOSS_FLOAT64, 2.0);
}

/* float64 to 1e-12; the other dtypes to a unit of their own, their inputs being exact as stored. */
static void losses_of_all_dtypes_are_true(void **state)
{
    size_t count, refused = 0;
    struct record *records = records_read("tests/data/gradient_cases.jsonl.gz", &count);

    (void)state;
    assert_non_null(records);
    assert_int_equal(count, 162);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = &records[i];
        const struct loss_tensor *want = &record->loss64.tensor;
        struct loss_request request;
        struct loss_result result;
        struct loss_error error;
        struct loss_arena arena;
        enum loss_status status;

        loss_arena_init(&arena, NULL);
        assert_true(record_request(record, &request));
        status = loss_evaluate(&request, &arena, &result, &error);
        if (record->label_smoothing < 0.0) { /* refused on purpose: see differences.c */
            assert_int_equal(status, LOSS_VALUE_OUT_OF_RANGE);
            loss_arena_reset(&arena);
            refused++;
            continue;
        }
        if (status != LOSS_OK)
            fail_msg("%s: %s", record->name, error.sentence);
        if (result.dtype != LOSS_FLOAT64)
            check_tensor(record->name, "loss", &result.loss, want, 1.0);
        assert_true(loss_tensor_same_shape(&result.loss, want));
        for (size_t r = 0; result.dtype == LOSS_FLOAT64 && r < loss_tensor_elements(want); r++) {
            double got = number_at(&result.loss, r), truth = number_at(want, r);

            if (!number_is_near(got, truth, 1e-12, 0.0))
                fail_msg("%s: loss[%zu] is %.17g, want %.17g", record->name, r, got, truth);
        }
        loss_arena_reset(&arena);
    }
    assert_int_equal(refused, 1);
    records_free(records, count);
}

/* One row of two logits, float64 or float32, target 0. */
static void evaluate_pair(enum loss_dtype dtype, double a, double b, struct loss_arena *arena,
                          struct loss_result *result)
{
    static const int64_t labels[1] = {0};
    double wide[2] = {a, b};
    float narrow[2] = {(float)a, (float)b};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_error error;

    request.predictions = (struct loss_tensor){.dtype = dtype, .rank = 2, .shape = {1, 2}};
    request.predictions.data = dtype == LOSS_FLOAT64 ? (const void *)wide : (const void *)narrow;
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {1}, .data = labels};
    assert_int_equal(loss_evaluate(&request, arena, result, &error), LOSS_OK);
}

/* log1p(exp(-a)) for a lead of a, computed with 60 digits. */
static void confident_predictions_keep_their_digits(void **state)
{
    static const struct {
        double lead, loss;
    } rows[] = {
        {10, 4.539889921686465e-05}, {15, 3.059022737137205e-07},  {17, 4.139937633089748e-08},
        {20, 2.061153620314381e-09}, {30, 9.357622968839737e-14},  {37, 8.533047625744066e-17},
        {40, 4.248354255291589e-18}, {100, 3.720075976020836e-44},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int shift = -1000; shift <= 1000; shift += 1000) {
            struct loss_arena arena;
            struct loss_result result;
            double wide;

            loss_arena_init(&arena, NULL);
            evaluate_pair(LOSS_FLOAT64, rows[i].lead + shift, shift, &arena, &result);
            wide = number_at(&result.loss, 0);
            if (!number_is_near(wide, rows[i].loss, 1e-15, 0.0))
                fail_msg("lead %g + %d: got %.17g, want %.17g", rows[i].lead, shift, wide,
                         rows[i].loss);
            evaluate_pair(LOSS_FLOAT32, rows[i].lead + shift, shift, &arena, &result);
            assert_true(
                number_units_apart(LOSS_FLOAT32, number_at(&result.loss, 0), rows[i].loss) <= 1.0);
            loss_arena_reset(&arena);
        }
    }
}

static void a_million_losses_add_up_exactly(void **state)
{
    enum { N = 1000000 };
    float *logits = calloc(N, 2 * sizeof *logits);
    uint8_t *labels = calloc(N, sizeof *labels);
    double want = 693147.18055994530942;
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    assert_true(logits != NULL && labels != NULL);
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT32, .rank = 2, .shape = {N, 2}, .data = logits};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_UINT8, .rank = 1, .shape = {N}, .data = labels};
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    if (!number_is_near(result.loss_sum, want, 1e-15, 0.0))
        fail_msg("loss_sum is %.17g, want %.17g", result.loss_sum, want);
    assert_int_equal(result.count, N);
    assert_int_equal(result.correct, N); /* a tie, which goes to class 0 */
    assert_true(result.weight_sum == 1e6);
    assert_true(number_at(&result.loss, 0) == (double)0.6931471805599453f);
    loss_arena_reset(&arena);
    free(logits);
    free(labels);
}

/* 70 000 equal losses of float16: PyTorch's count overflows there, and its mean is 0. */
static void a_mean_of_halves_does_not_overflow(void **state)
{
    enum { N = 70000 };
    static uint16_t logits[N][2];
    static int64_t labels[N];
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT16, .rank = 2, .shape = {N, 2}, .data = logits};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {N}, .data = labels};
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_int_equal(result.dtype, LOSS_FLOAT16);
    assert_true(number_units_apart(LOSS_FLOAT16, number_at(&result.loss, 0), 0.69314718056) <= 0.5);
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float32_is_within_a_unit_of_the_truth),
        cmocka_unit_test(float64_is_within_two_units_of_the_truth),
        cmocka_unit_test(losses_of_all_dtypes_are_true),
        cmocka_unit_test(confident_predictions_keep_their_digits),
        cmocka_unit_test(a_million_losses_add_up_exactly),
        cmocka_unit_test(a_mean_of_halves_does_not_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
