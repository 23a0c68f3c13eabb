/* test_errors.c - faults of a request: status, place, numbers, and which of several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "loss/evaluation.h"

#define F32    LOSS_FLOAT32
#define F64    LOSS_FLOAT64
#define I64    LOSS_INT64
#define LOGITS LOSS_STAGE_LOGITS
#define LOGS   LOSS_STAGE_LOG_PROBABILITIES
#define PROBS  LOSS_STAGE_PROBABILITIES
#define NO_WEIGHTS                     \
    {                                  \
        LOSS_DTYPE_COUNT, 0, {0}, NULL \
    }
#define NUMBER            \
    {                     \
        F32, 0, {0}, NULL \
    }
#define IGNORE (-100)

/* One faulty request; its data are zeros, so all labels are in range where there are classes. */
struct fault {
    enum loss_stage stage;
    struct loss_tensor predictions, targets, weights;
    int64_t ignore_index;
    double smoothing;
    enum loss_status status;
    const char *where;
    const char *says[3]; /* parts of the sentence */
};

/* clang-format off */
static const struct fault faults[] = {
    /* the range of label_smoothing */
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 1.5,
     LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing", {"1.5", "between 0 and 1", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, NO_WEIGHTS, IGNORE, -0.25,
     LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing", {"-0.25", "between 0 and 1", ""}},
    {PROBS, {F32, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, NAN,
     LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing", {"nan", "between 0 and 1", ""}},
    /* predictions */
    {LOGITS, NUMBER, {I64, 0, {0}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_INVALID_SHAPE, "/logits", {"logits is a single number", "(N,C)", ""}},
    {LOGS, NUMBER, {F32, 0, {0}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_INVALID_SHAPE, "/log_probabilities", {"log_probabilities is a single number", "", ""}},
    {LOGITS, {LOSS_INT32, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/logits", {"logits is int32", "floating point", ""}},
    {LOGITS, {LOSS_UINT8, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/logits", {"logits is uint8", "floating point", ""}},
    {PROBS, {LOSS_INT8, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/probabilities", {"probabilities is int8", "", ""}},
    /* the shape of targets */
    {LOGITS, {F32, 2, {10, 3}, NULL}, {I64, 1, {7}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[7]", "logits has shape [10, 3]", "expected [10] for"}},
    {LOGS, {F32, 2, {10, 3}, NULL}, {I64, 2, {10, 1}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[10, 1]", "[10, 3]", "expected [10] for"}},
    {PROBS, {F32, 1, {3}, NULL}, {I64, 1, {2}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[2]", "probabilities has shape [3]", "expected [] for"}},
    {LOGITS, {F32, 4, {2, 3, 4, 5}, NULL}, {I64, 3, {2, 4, 6}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[2, 4, 6]", "[2, 3, 4, 5]", "expected [2, 4, 5]"}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 0, {0}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"shape []", "[4, 3]", "expected [4]"}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 2, {3, 4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[3, 4]", "[4, 3]", "class probabilities"}},
    {LOGITS, {F32, 2, {0, 3}, NULL}, {I64, 0, {0}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[]", "[0, 3]", "[0]"}},
    /* the dtype of targets */
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 2, {4, 3}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/targets", {"int64", "shape of logits", "class probabilities"}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TARGET_NOT_INTEGER, "/targets", {"[4]", "float64", "class indices"}},
    {LOGITS, {F32, 2, {0, 3}, NULL}, {F32, 1, {0}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TARGET_NOT_INTEGER, "/targets", {"[0]", "float32", ""}},
    /* ignore_index with class probabilities */
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, NO_WEIGHTS, 0, 0,
     LOSS_VALUE_OUT_OF_RANGE, "/ignore_index", {"ignore_index is 0", "negative", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, NO_WEIGHTS, INT64_MAX, 0,
     LOSS_VALUE_OUT_OF_RANGE, "/ignore_index", {"9223372036854775807", "negative", ""}},
    /* weights */
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"shape [4]", "3 classes", "expected [3]"}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, {F32, 2, {1, 3}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"[1, 3]", "3 classes", "expected [3]"}},
    {LOGITS, {F32, 3, {2, 3, 2}, NULL}, {I64, 2, {2, 2}, NULL}, {F32, 2, {3, 1}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"[3, 1]", "3 classes", ""}},
    {LOGITS, {F32, 1, {3}, NULL}, {I64, 0, {0}, NULL}, NUMBER, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"shape []", "3 classes", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, {F64, 1, {3}, NULL}, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/weights", {"weights is float64", "logits is float32", ""}},
    {LOGS, {F64, 2, {4, 3}, NULL}, {I64, 1, {4}, NULL}, {I64, 1, {3}, NULL}, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/weights", {"weights is int64", "log_probabilities is float64", ""}},
    /* more than a size_t can count */
    {LOGITS, {F32, 2, {SIZE_MAX / 2, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TOO_MANY_ELEMENTS, "", {"more elements than memory could hold", "", ""}},
    {LOGITS, {F32, 3, {SIZE_MAX / 2, 0, 3}, NULL}, {I64, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TOO_MANY_ELEMENTS, "", {"more elements than memory could hold", "", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {I64, 2, {SIZE_MAX, SIZE_MAX}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TOO_MANY_ELEMENTS, "", {"more elements than memory could hold", "", ""}},
    /* more than the lanes of a float32 count, and just not */
    {LOGITS, {F32, 3, {1, 0x80000000, 2}, NULL}, {I64, 2, {1, 2}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TOO_MANY_ELEMENTS, "", {"2147483648 classes, but at most 2147483647", "", ""}},
    {LOGITS, {F32, 3, {1, 0x7fffffff, 2}, NULL}, {I64, 1, {1}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"", "", ""}},
    /* several faults, probabilities: a row has the one named and all that are looked for later */
    {LOGITS, {I64, 2, {4, 3}, NULL}, {I64, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, 1, 2,
     LOSS_UNKNOWN_DTYPE, "/targets", {"targets has the shape of logits", "", ""}},
    {LOGITS, {I64, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, 1, 2,
     LOSS_VALUE_OUT_OF_RANGE, "/ignore_index", {"ignore_index is 1", "", ""}},
    {LOGITS, {I64, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 2,
     LOSS_SHAPE_MISMATCH, "/weights", {"[4]", "3 classes", ""}},
    {LOGITS, {I64, 2, {4, 3}, NULL}, {F32, 2, {4, 3}, NULL}, {F32, 1, {3}, NULL}, IGNORE, 2,
     LOSS_UNKNOWN_DTYPE, "/logits", {"logits is int64", "", ""}},
    /* several faults, cross_entropy with indices */
    {LOGITS, NUMBER, {F32, 1, {4}, NULL}, {I64, 1, {4}, NULL}, IGNORE, 2,
     LOSS_VALUE_OUT_OF_RANGE, "/label_smoothing", {"2", "", ""}},
    {LOGITS, {I64, 0, {0}, NULL}, {F32, 1, {4}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 0,
     LOSS_INVALID_SHAPE, "/logits", {"single number", "", ""}},
    {LOGITS, {I64, 2, {4, 3}, NULL}, {F32, 1, {5}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/logits", {"logits is int64", "", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 1, {5}, NULL}, {F64, 1, {4}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[5]", "[4, 3]", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, {F64, 1, {4}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"[4]", "3 classes", ""}},
    {LOGITS, {F32, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, {F64, 1, {3}, NULL}, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/weights", {"weights is float64", "", ""}},
    {LOGITS, {F32, 2, {4, 0}, NULL}, {F32, 1, {4}, NULL}, NO_WEIGHTS, IGNORE, 0,
     LOSS_TARGET_NOT_INTEGER, "/targets", {"float32", "", ""}},
    /* several faults, the other stages: the dtype of the predictions comes after the shapes */
    {LOGS, {I64, 2, {4, 3}, NULL}, {F32, 1, {5}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/targets", {"[5]", "[4, 3]", ""}},
    {PROBS, {I64, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, {F32, 1, {4}, NULL}, IGNORE, 0,
     LOSS_SHAPE_MISMATCH, "/weights", {"[4]", "3 classes", ""}},
    {LOGS, {I64, 2, {4, 3}, NULL}, {F32, 1, {4}, NULL}, {F32, 1, {3}, NULL}, IGNORE, 0,
     LOSS_UNKNOWN_DTYPE, "/log_probabilities", {"is int64", "", ""}},
};
/* clang-format on */

static const int64_t zeros[64];

static void check_fault(size_t row, const struct fault *fault)
{
    struct loss_tensor weights = fault->weights;
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;
    enum loss_status status;

    loss_arena_init(&arena, NULL);
    request.stage = fault->stage;
    request.predictions = fault->predictions;
    request.targets = fault->targets;
    request.predictions.data = request.targets.data = weights.data = zeros;
    if (weights.dtype != LOSS_DTYPE_COUNT)
        request.weights = &weights;
    request.ignore_index = fault->ignore_index;
    request.label_smoothing = fault->smoothing;
    status = loss_evaluate(&request, &arena, &result, &error);
    if (status != fault->status)
        fail_msg("row %zu: got %s, want %s (%s)", row, loss_status_code(status),
                 loss_status_code(fault->status), fault->says[0]);
    assert_int_equal(error.status, status);
    if (strcmp(error.where, fault->where) != 0)
        fail_msg("row %zu: got %s, want %s", row, error.where, fault->where);
    for (int i = 0; i < 3; i++) {
        if (strstr(error.sentence, fault->says[i]) == NULL)
            fail_msg("row %zu: \"%s\" does not say \"%s\"", row, error.sentence, fault->says[i]);
    }
    loss_arena_reset(&arena);
}

static void each_fault_has_its_status_place_and_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        check_fault(i, &faults[i]);
}

/* Shapes of rank 32 in one sentence: cut, and still ended. */
static void long_sentences_are_cut(void **state)
{
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions.rank = request.targets.rank = LOSS_RANK_MAX;
    request.targets.dtype = LOSS_INT64;
    for (unsigned i = 0; i < LOSS_RANK_MAX; i++)
        request.predictions.shape[i] = request.targets.shape[i] = 1000000 * (i == 0);
    request.targets.shape[1] = 1;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_SHAPE_MISMATCH);
    assert_in_range(strlen(error.sentence), 200, sizeof error.sentence - 1);
    assert_string_equal(error.where, "/targets");
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_has_its_status_place_and_numbers),
        cmocka_unit_test(long_sentences_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
