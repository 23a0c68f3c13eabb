/* test_edge_cases.c - each recorded call of PyTorch, its value or its error, through libloss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "loss/evaluation.h"
#include "support/naive.h"
#include "support/numbers.h"
#include "support/records.h"

enum { RECORDS = 422 };

/* What lossd calls the faults that PyTorch describes in these words. */
static const struct {
    const char *beginning;
    enum loss_status status;
} faults[] = {
    {"Target ", LOSS_TARGET_OUT_OF_RANGE},
    {"label_smoothing must be", LOSS_VALUE_OUT_OF_RANGE},
    {"ignore_index is not supported", LOSS_VALUE_OUT_OF_RANGE},
    {"Expected floating point type", LOSS_UNKNOWN_DTYPE},
    {"\"", LOSS_UNKNOWN_DTYPE}, /* "some kernel" not implemented for 'Long' */
    {"expected scalar type Long", LOSS_TARGET_NOT_INTEGER},
    {"expected scalar type", LOSS_UNKNOWN_DTYPE}, /* of weights */
    {"Expected 1 or more dimensions", LOSS_INVALID_SHAPE},
    {"Dimension specified as", LOSS_INVALID_SHAPE},
    {"Expected input batch_size", LOSS_SHAPE_MISMATCH},
    {"Expected target size", LOSS_SHAPE_MISMATCH},
    {"size mismatch", LOSS_SHAPE_MISMATCH},
    {"0D or 1D target tensor expected", LOSS_SHAPE_MISMATCH},
    {"only batches of spatial targets", LOSS_SHAPE_MISMATCH},
    {"weight tensor should be defined", LOSS_SHAPE_MISMATCH},
    {"cross_entropy: weight tensor", LOSS_SHAPE_MISMATCH},
};

/* Refused in either case, for a fault that only one of the two has. */
static const struct {
    const char *name;
    enum loss_status status;
} other_faults[] = {
    {"input 0D", LOSS_INVALID_SHAPE}, /* nobody means class probabilities by it */
    {"two faults: target dtype + out of range", LOSS_TARGET_OUT_OF_RANGE}, /* int32 is no fault */
    {"smoothing + 3D weight (3,1)", LOSS_SHAPE_MISMATCH}, /* as without smoothing */
    /* PyTorch views these as (2, 0, 0, 0) and (2, 1, 4), and calls that a mismatch */
    {"(2,0,4) target (2,4) none", LOSS_TARGET_OUT_OF_RANGE},
    {"(2,0,4) target (2,4) sum", LOSS_TARGET_OUT_OF_RANGE},
    {"(2,0,4) target (2,4) mean", LOSS_TARGET_OUT_OF_RANGE},
};

static enum loss_status expected_fault(const struct record *record)
{
    for (size_t i = 0; i < sizeof other_faults / sizeof other_faults[0]; i++) {
        if (strcmp(record->name, other_faults[i].name) == 0)
            return other_faults[i].status;
    }
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (strncmp(record->error_message, faults[i].beginning, strlen(faults[i].beginning)) == 0)
            return faults[i].status;
    }
    fail_msg("%s: an unknown fault: %s", record->name, record->error_message);
    return LOSS_OK;
}

/* Tolerances: float64 as the recorded values deserve, PyTorch's; else the formats' own. */
static void check_number(const char *name, enum loss_dtype dtype, size_t at, double got,
                         double want)
{
    double units_max = dtype == LOSS_FLOAT32 ? 2.0 : 1.0;

    if (dtype == LOSS_FLOAT64 ? !number_is_near(got, want, 1e-12, 1e-13)
                              : number_units_apart(dtype, got, want) > units_max)
        fail_msg("%s: loss[%zu] of %s: got %.17g, want %.17g", name, at, loss_dtype_name(dtype),
                 got, want);
}

static void check_as_recorded(const struct record *record, const struct loss_tensor *loss)
{
    const struct loss_tensor *expected = &record->expected.tensor;

    if (loss->dtype != expected->dtype || !loss_tensor_same_shape(loss, expected))
        fail_msg("%s: got %s of rank %u, want %s of rank %u", record->name,
                 loss_dtype_name(loss->dtype), loss->rank, loss_dtype_name(expected->dtype),
                 expected->rank);
    for (size_t i = 0; i < loss_tensor_elements(loss); i++)
        check_number(record->name, loss->dtype, i, number_at(loss, i),
                     number_at(&record->expected64.tensor, i));
}

/* By the formulas: a check of the formulas where the record agrees, of libloss where it differs. */
static void check_by_formula(const struct record *record, const struct loss_request *request,
                             const struct loss_tensor *loss)
{
    size_t elements = loss_tensor_elements(loss);
    struct naive naive;

    naive_evaluate(request, &naive);
    if (request->reduction == LOSS_REDUCTION_NONE)
        assert_int_equal(elements, naive.positions);
    for (size_t i = 0; i < elements; i++)
        check_number(record->name, loss->dtype, i, number_at(loss, i),
                     naive_loss(&naive, request->reduction, i));
    naive_free(&naive);
}

static void check_refused(const struct record *record, enum loss_status status,
                          const struct loss_error *error)
{
    enum loss_status expected = expected_fault(record);

    if (status != expected || error->status != expected)
        fail_msg("%s: got %s (%s), want %s", record->name, loss_status_code(status),
                 status != LOSS_OK ? error->sentence : "a value", loss_status_code(expected));
    assert_true(error->sentence[0] != '\0');
}

struct tally {
    size_t values, errors, values_instead, errors_instead;
};

static void check_difference(const struct record *record, const struct loss_request *request,
                             enum loss_status status, const struct loss_result *result,
                             struct tally *tally)
{
    const struct record_difference *difference = record_find_difference(record);

    if (difference->is_refused != (status != LOSS_OK))
        fail_msg("%s: got %s, but %s", record->name, loss_status_code(status), difference->reason);
    if (difference->is_refused && record->error_type != NULL)
        fail_msg("%s: PyTorch refuses it too", record->name);
    if (status != LOSS_OK) {
        tally->errors_instead++;
        return;
    }
    check_by_formula(record, request, &result->loss);
    tally->values_instead++;
}

static void check_record(const struct record *record, struct tally *tally)
{
    struct loss_request request;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;
    bool is_request = record_request(record, &request);
    enum loss_status status = LOSS_OK;

    loss_arena_init(&arena, NULL);
    if (is_request)
        status = loss_evaluate(&request, &arena, &result, &error);
    if (record_has_deliberate_difference(record)) {
        assert_true(is_request);
        check_difference(record, &request, status, &result, tally);
    } else if (record->error_type != NULL) {
        if (is_request)
            check_refused(record, status, &error);
        tally->errors++;
    } else {
        if (!is_request || status != LOSS_OK)
            fail_msg("%s: refused: %s", record->name, is_request ? error.sentence : "no request");
        check_as_recorded(record, &result.loss);
        check_by_formula(record, &request, &result.loss);
        tally->values++;
    }
    loss_arena_reset(&arena);
}

static void every_recorded_call_gives_its_value_or_its_error(void **state)
{
    struct tally tally = {0, 0, 0, 0};
    size_t count, differences;
    struct record *records = records_read("tests/data/edge_cases.jsonl.gz", &count);

    (void)state;
    assert_non_null(records);
    assert_int_equal(count, RECORDS);
    for (size_t i = 0; i < count; i++)
        check_record(&records[i], &tally);
    differences = tally.values_instead + tally.errors_instead;
    (void)printf("%zu values, %zu errors, %zu deliberate differences (%zu values, %zu errors)\n",
                 tally.values, tally.errors, differences, tally.values_instead,
                 tally.errors_instead);
    assert_int_equal(differences, record_count_differences());
    assert_int_equal(tally.values + tally.errors + differences, RECORDS);
    records_free(records, count);
}

static void no_records_can_be_freed(void **state)
{
    (void)state;
    records_free(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_call_gives_its_value_or_its_error),
        cmocka_unit_test(no_records_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
