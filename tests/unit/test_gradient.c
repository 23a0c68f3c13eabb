/* test_gradient.c - true gradients, confident predictions and special values among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "loss/evaluation.h"
#include "support/numbers.h"
#include "support/records.h"

enum { RECORDS = 162 };

/* The factor k_c of -log p_c in the loss, for the element at `index`. */
static double factor_at(const struct loss_request *request, const struct loss_result *result,
                        size_t index)
{
    const struct loss_tensor *x = &request->predictions;
    size_t inner = 1, classes = x->shape[x->rank == 1 ? 0 : 1], c;
    double e = request->label_smoothing, k;

    for (unsigned d = 2; d < x->rank; d++)
        inner *= x->shape[d];
    c = index / inner % classes;
    if (result->has_correct)
        k = number_at(&request->targets, index / inner / classes * inner + index % inner) ==
            (double)c;
    else
        k = number_at(&request->targets, index);
    k = k * (1.0 - e) + e / (double)classes;
    if (request->weights != NULL && k != 0.0)
        k *= number_at(request->weights, c);
    return request->reduction == LOSS_REDUCTION_MEAN ? k / result->weight_sum : k;
}

/* A gradient is the difference of p_c sum_j k_j and k_c: where these are
 * close, its error is theirs. */
static bool is_near(enum loss_dtype dtype, double got, double want, double term)
{
    if (dtype == LOSS_FLOAT64)
        return number_is_near(got, want, 2e-15, 3e-16 * fabs(term));
    return number_units_apart(dtype, got, want) <= 1.5 ||
           fabs(got - want) <= 0x1p-25 * (fabs(want) + fabs(term));
}

/* The upstream gradient of the element at `index`: the loss's own, or that of its position. */
static double upstream_at(const struct record *record, size_t index)
{
    const struct loss_tensor *upstream = &record->upstream.tensor, *x = &record->input.tensor;
    size_t inner = 1, n, i;

    if (!record->upstream.given)
        return 1.0;
    if (upstream->rank == 0)
        return number_at(upstream, 0);
    for (unsigned d = 2; d < x->rank; d++)
        inner *= x->shape[d];
    n = index / inner / x->shape[1];
    i = index % inner;
    return number_at(upstream, n * inner + i);
}

static void check_record(const struct record *record)
{
    const struct loss_tensor *expected = &record->expected64.tensor;
    const struct loss_tensor *gradient;
    struct loss_request request;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    assert_true(record_request(record, &request));
    request.wants[LOSS_OUTPUT_GRADIENT] = true;
    loss_arena_init(&arena, NULL);
    if (loss_evaluate(&request, &arena, &result, &error) != LOSS_OK)
        fail_msg("%s: refused: %s", record->name, error.sentence);
    gradient = &result.parts[LOSS_PART_GRADIENT];
    assert_int_equal(gradient->dtype, request.predictions.dtype);
    assert_true(loss_tensor_same_shape(gradient, expected));
    for (size_t i = 0; i < loss_tensor_elements(expected); i++) {
        double got = number_at(gradient, i) * upstream_at(record, i);
        double want = number_at(expected, i), term = 0.0;

        if (!result.has_correct || request.label_smoothing > 0.0)
            term = factor_at(&request, &result, i);
        if (!is_near(gradient->dtype, got, want, term))
            fail_msg("%s: gradient[%zu] of %s: got %.17g, want %.17g", record->name, i,
                     loss_dtype_name(gradient->dtype), got, want);
    }
    loss_arena_reset(&arena);
}

static void every_recorded_gradient_is_true(void **state)
{
    size_t count;
    struct record *records = records_read("tests/data/gradient_cases.jsonl.gz", &count);

    (void)state;
    assert_non_null(records);
    assert_int_equal(count, RECORDS);
    for (size_t i = 0; i < count; i++) {
        if (records[i].label_smoothing >= 0.0) /* below it PyTorch takes it for 0, lossd refuses */
            check_record(&records[i]);
    }
    records_free(records, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_gradient_is_true),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
