/* test_outputs.c - random requests of every shape, stage and dtype, by the formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "evaluate/convert.h"
#include "loss/evaluation.h"
#include "support/naive.h"
#include "support/numbers.h"
#include "support/wants.h"

enum { ELEMENTS_MAX = 16384, CLASSES_MAX = 8192 };

/* Shapes on both sides of what a tile (4096 elements, 64 positions) and its
 * parts of 64 classes hold. */
static const struct {
    unsigned rank;
    size_t shape[4];
} shapes[] = {
    {1, {1}},          {1, {7}},           {1, {5000}},       {2, {1, 5}},
    {2, {63, 3}},      {2, {64, 3}},       {2, {65, 3}},      {2, {200, 7}},
    {2, {3, 4095}},    {2, {3, 4097}},     {2, {9, 1}},       {3, {2, 3, 4}},
    {3, {2, 3, 1}},    {3, {3, 5, 65}},    {3, {1, 2, 129}},  {3, {2, 4096, 2}},
    {4, {2, 3, 4, 5}}, {4, {1, 10, 9, 8}}, {4, {2, 3, 1, 1}}, {4, {4, 2, 1, 130}},
    {2, {66, 63}},     {2, {66, 64}},      {3, {1, 64, 65}},  {3, {1, 65, 66}},
    {3, {2, 128, 63}}, {3, {3, 131, 5}},
};

/* A request and the room of its numbers. */
struct sample {
    struct loss_request request;
    struct loss_tensor weights;
    double x[ELEMENTS_MAX], q[ELEMENTS_MAX], w[CLASSES_MAX];
    int64_t labels[ELEMENTS_MAX];
};

static size_t below(uint64_t *random, size_t limit)
{
    return (size_t)(number_random(random) * (double)limit);
}

/* Random numbers of a dtype: logits, log-probabilities or probabilities. */
static void fill(enum loss_stage stage, enum loss_dtype dtype, void *to, size_t count,
                 uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        double u = number_random(random);

        loss_dtype_store(dtype, to, i,
                         stage == LOSS_STAGE_LOGITS          ? u * 8.0 - 4.0
                         : stage == LOSS_STAGE_PROBABILITIES ? 0.05 + u * 0.9
                                                             : -5.0 * u);
    }
}

static void make_sample(struct sample *sample, size_t shape, enum loss_stage stage,
                        enum loss_dtype dtype, uint64_t *random)
{
    struct loss_request *request = &sample->request;
    struct loss_tensor *x = &request->predictions, *targets = &request->targets;
    size_t classes;

    *request = (struct loss_request)LOSS_REQUEST_DEFAULTS;
    request->stage = stage;
    *x = (struct loss_tensor){.dtype = dtype, .rank = shapes[shape].rank, .data = sample->x};
    memcpy(x->shape, shapes[shape].shape, sizeof shapes[shape].shape);
    classes = x->shape[x->rank == 1 ? 0 : 1];
    fill(stage, dtype, sample->x, loss_tensor_elements(x), random);
    *targets = *x;
    targets->data = sample->q;
    fill(LOSS_STAGE_PROBABILITIES, dtype, sample->q, loss_tensor_elements(x), random);
    if (below(random, 3) != 0) { /* class indices: the class axis goes */
        targets->dtype = LOSS_INT64;
        targets->rank -= 1;
        if (x->rank > 2)
            memmove(&targets->shape[1], &x->shape[2], (x->rank - 2) * sizeof x->shape[0]);
        targets->data = sample->labels;
        for (size_t r = 0; r < loss_tensor_elements(targets); r++)
            sample->labels[r] = below(random, 5) == 0 ? -100 : (int64_t)below(random, classes);
    }
    sample->weights =
        (struct loss_tensor){.dtype = dtype, .rank = 1, .shape = {classes}, .data = sample->w};
    fill(LOSS_STAGE_PROBABILITIES, dtype, sample->w, classes, random);
    request->weights = below(random, 2) == 0 ? &sample->weights : NULL;
    request->label_smoothing = below(random, 2) == 0 ? 0.0 : number_random(random);
    request->reduction = (enum loss_reduction)below(random, LOSS_REDUCTION_COUNT);
    want_everything(request);
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        request->wants[i] &= below(random, 4) != 0;
}

/* float64 is compared to 1e-12, the accuracy of the formulas; the others
 * to 1.5 units of their own. */
static void check_values(const char *what, const struct loss_tensor *got, const double *want,
                         size_t count)
{
    assert_int_equal(loss_tensor_elements(got), count);
    for (size_t i = 0; i < count; i++) {
        double value = number_at(got, i);

        if (got->dtype == LOSS_FLOAT64 ? !number_is_near(value, want[i], 1e-12, 1e-14)
                                       : number_units_apart(got->dtype, value, want[i]) > 1.5)
            fail_msg("%s[%zu] of %s: got %.17g, want %.17g", what, i, loss_dtype_name(got->dtype),
                     value, want[i]);
    }
}

/* A gradient is a difference: where its terms are close, its error is theirs.  That of
 * probabilities has five roundings, which in float64 are seen: (q keep + spread) w / D / x. */
static void check_gradient(enum loss_stage stage, const struct loss_tensor *got,
                           const struct naive *naive)
{
    for (size_t i = 0; i < naive->elements; i++) {
        double value = number_at(got, i), want = naive->gradient[i];
        double units = got->dtype == LOSS_FLOAT64 && stage == LOSS_STAGE_PROBABILITIES ? 2.5 : 1.5;
        double slack = naive->gradient_terms[i] * (got->dtype == LOSS_FLOAT64 ? 1e-15 : 0x1p-25);

        if (number_units_apart(got->dtype, value, want) > units && !(fabs(value - want) <= slack))
            fail_msg("gradient[%zu] of %s: got %.17g, want %.17g", i, loss_dtype_name(got->dtype),
                     value, want);
    }
}

static void check_outputs(const struct loss_request *request, const struct loss_result *result,
                          const struct naive *naive)
{
    const struct loss_tensor *parts = result->parts;

    if (request->wants[LOSS_OUTPUT_LOSSES])
        check_values("losses", &parts[LOSS_PART_LOSSES], naive->losses, naive->positions);
    if (request->wants[LOSS_OUTPUT_SOFTMAX]) {
        assert_int_equal(parts[LOSS_PART_SOFTMAX].dtype, request->predictions.dtype);
        assert_true(loss_tensor_same_shape(&parts[LOSS_PART_SOFTMAX], &request->predictions));
        check_values("softmax", &parts[LOSS_PART_SOFTMAX], naive->softmax, naive->elements);
    }
    if (request->wants[LOSS_OUTPUT_LOG_SOFTMAX]) {
        assert_int_equal(parts[LOSS_PART_LOG_SOFTMAX].dtype, request->predictions.dtype);
        check_values("log_softmax", &parts[LOSS_PART_LOG_SOFTMAX], naive->log_softmax,
                     naive->elements);
    }
    if (request->wants[LOSS_OUTPUT_GRADIENT]) {
        assert_int_equal(parts[LOSS_PART_GRADIENT].dtype, request->predictions.dtype);
        assert_true(loss_tensor_same_shape(&parts[LOSS_PART_GRADIENT], &request->predictions));
        check_gradient(request->stage, &parts[LOSS_PART_GRADIENT], naive);
    }
    if (request->wants[LOSS_OUTPUT_PREDICTIONS])
        assert_memory_equal(parts[LOSS_PART_PREDICTIONS].data, naive->predictions,
                            naive->positions * sizeof(int64_t));
}

/* The means of - Sum_c p_c log p_c and of (1 - p_y)^2 + Sum_{c != y} p_c^2 over what counts. */
static void check_means(const struct loss_request *request, const struct loss_result *result,
                        const struct naive *naive)
{
    const int64_t *labels = request->targets.dtype == LOSS_INT64 ? request->targets.data : NULL;
    size_t classes = result->classes;
    size_t inner = request->predictions.rank > 2
                       ? naive->elements / classes / request->predictions.shape[0]
                       : 1;
    double relative = request->predictions.dtype == LOSS_FLOAT64 ? 1e-12 : 0x1p-23;
    double entropy = 0.0, brier = 0.0;

    for (size_t i = 0; i < naive->elements; i++) {
        size_t c = i / inner % classes, r = i / inner / classes * inner + i % inner;
        double p = naive->softmax[i], missed;

        if (labels != NULL && labels[r] == request->ignore_index)
            continue;
        missed = labels != NULL && labels[r] == (int64_t)c ? 1.0 - p : p;
        entropy -= p * naive->log_softmax[i] / (double)result->count;
        brier += missed * missed / (double)result->count;
    }
    if (result->count != 0 && request->wants[LOSS_OUTPUT_ENTROPY])
        assert_true(number_is_near(*(const double *)result->parts[LOSS_PART_ENTROPY].data, entropy,
                                   relative, 1e-14));
    if (result->count != 0 && labels != NULL && request->wants[LOSS_OUTPUT_BRIER])
        assert_true(number_is_near(*(const double *)result->parts[LOSS_PART_BRIER].data, brier,
                                   relative, 1e-14));
}

static void check_sample(const struct loss_request *request)
{
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;
    struct naive naive;
    double reduced;

    loss_arena_init(&arena, NULL);
    naive_evaluate(request, &naive);
    if (loss_evaluate(request, &arena, &result, &error) != LOSS_OK)
        fail_msg("refused: %s", error.sentence);
    assert_int_equal(result.dtype, request->predictions.dtype);
    assert_int_equal(result.loss.dtype, result.dtype);
    reduced = naive_loss(&naive, request->reduction, 0);
    if (request->reduction == LOSS_REDUCTION_NONE)
        check_values("loss", &result.loss, naive.losses, naive.positions);
    else
        check_values(loss_reduction_name(request->reduction), &result.loss, &reduced, 1);
    check_outputs(request, &result, &naive);
    check_means(request, &result, &naive);
    /* The narrower types have float32 arithmetic, whose exponentials are good to 2^-25. */
    assert_true(number_is_near(result.loss_sum, naive.sum,
                               result.dtype == LOSS_FLOAT64 ? 1e-12 : 0x1p-25, 1e-14));
    assert_true(number_is_near(result.weight_sum, naive.divisor, 1e-12, 0.0));
    assert_int_equal(result.ignored, naive.ignored);
    assert_int_equal(result.count, naive.positions - naive.ignored);
    assert_int_equal(result.correct, naive.correct);
    naive_free(&naive);
    loss_arena_reset(&arena);
}

static void every_shape_stage_and_dtype_is_as_the_formulas(void **state)
{
    static const enum loss_dtype dtypes[] = {LOSS_FLOAT64, LOSS_FLOAT32, LOSS_FLOAT16,
                                             LOSS_BFLOAT16};
    static struct sample sample;
    uint64_t random = 20240607;

    (void)state;
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        for (int stage = 0; stage < LOSS_STAGE_COUNT; stage++) {
            for (size_t d = 0; d < 4; d++) {
                for (int repeat = 0; repeat < 4; repeat++) {
                    make_sample(&sample, shape, (enum loss_stage)stage, dtypes[d], &random);
                    check_sample(&sample.request);
                }
            }
        }
    }
}

/* Stages that are an output already return it bit for bit, NaN and all. */
static void what_is_given_comes_back_unchanged(void **state)
{
    static const float x[2][3] = {{0.25f, 0.75f, 0}, {0.1f, NAN, 1e-40f}};
    static const int64_t labels[2] = {-100, -100};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT32, .rank = 2, .shape = {2, 3}, .data = x};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {2}, .data = labels};
    request.wants[LOSS_OUTPUT_SOFTMAX] = request.wants[LOSS_OUTPUT_LOG_SOFTMAX] = true;
    request.stage = LOSS_STAGE_PROBABILITIES;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_memory_equal(result.parts[LOSS_PART_SOFTMAX].data, x, sizeof x);
    request.stage = LOSS_STAGE_LOG_PROBABILITIES;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    assert_memory_equal(result.parts[LOSS_PART_LOG_SOFTMAX].data, x, sizeof x);
    loss_arena_reset(&arena);
}

/* softmax of a row with NaN, +inf or nothing but -inf is all NaN; else -inf gives 0 and -inf. */
static void degenerate_rows_have_no_softmax(void **state)
{
    static const double x[4][3] = {
        {0, NAN, 1}, {0, INFINITY, 1}, {-INFINITY, -INFINITY, -INFINITY}, {0, -INFINITY, 0}};
    static const double p[3] = {0.5, 0, 0.5},
                        lp[3] = {-0.69314718055994531, -INFINITY, -0.69314718055994531};
    static const int64_t labels[4] = {-100, -100, -100, -100};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT64, .rank = 2, .shape = {4, 3}, .data = x};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {4}, .data = labels};
    request.wants[LOSS_OUTPUT_SOFTMAX] = request.wants[LOSS_OUTPUT_LOG_SOFTMAX] = true;
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_OK);
    for (size_t i = 0; i < 12; i++) {
        double want = i < 9 ? (double)NAN : p[i - 9], want_log = i < 9 ? (double)NAN : lp[i - 9];

        assert_true(
            number_is_near(number_at(&result.parts[LOSS_PART_SOFTMAX], i), want, 1e-15, 0.0));
        assert_true(number_is_near(number_at(&result.parts[LOSS_PART_LOG_SOFTMAX], i), want_log,
                                   1e-15, 0.0));
    }
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shape_stage_and_dtype_is_as_the_formulas),
        cmocka_unit_test(what_is_given_comes_back_unchanged),
        cmocka_unit_test(degenerate_rows_have_no_softmax),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
