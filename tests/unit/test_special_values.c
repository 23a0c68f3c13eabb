/* test_special_values.c - NaN, infinities, zeros and negatives, for all three stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "loss/evaluation.h"
#include "support/numbers.h"

enum { CLASSES = 3, LABELS_MAX = 2 };
enum kind { INDICES, PROBABILITIES };

#define INF        INFINITY
#define LN2        0.693147180559945309417
#define NO_WEIGHTS {NAN, NAN, NAN}, false

/* Two rows of three classes.  Index targets are 0 and 0 (-100 if second_ignored). */
struct special {
    const char *name;
    enum loss_stage stage;
    enum kind kind;
    double x[2][CLASSES];
    double q[2][CLASSES];
    double weights[CLASSES];
    bool has_weights;
    double smoothing;
    bool second_ignored;
    double losses[2];
    double sum, mean;
};

#define LOGITS   LOSS_STAGE_LOGITS, INDICES
#define LOGITS_Q LOSS_STAGE_LOGITS, PROBABILITIES
#define LOGS     LOSS_STAGE_LOG_PROBABILITIES, INDICES
#define LOGS_Q   LOSS_STAGE_LOG_PROBABILITIES, PROBABILITIES
#define PROBS    LOSS_STAGE_PROBABILITIES, INDICES
#define PROBS_Q  LOSS_STAGE_PROBABILITIES, PROBABILITIES
#define HALF        \
    {               \
        0.5, 0.5, 0 \
    }
#define HALVES     \
    {              \
        HALF, HALF \
    }
#define FIRST       \
    {               \
        {1, 0, 0},  \
        {           \
            1, 0, 0 \
        }           \
    }
#define NONE        \
    {               \
        {0, 0, 0},  \
        {           \
            0, 0, 0 \
        }           \
    }
#define TWO_OF_THREE \
    {                \
        0, 0, -INF   \
    } /* softmax (0.5, 0.5, 0) */

/* clang-format off */
static const struct special specials[] = {
    /* logits, class indices */
    {"a row of nothing but -inf", LOGITS, {{-INF, -INF, -INF}, TWO_OF_THREE}, NONE,
     NO_WEIGHTS, 0, false, {NAN, LN2}, NAN, NAN},
    {"the same, ignored", LOGITS, {TWO_OF_THREE, {-INF, -INF, -INF}}, NONE,
     NO_WEIGHTS, 0, true, {LN2, 0}, LN2, LN2},
    {"+inf in an ignored row, smoothing", LOGITS, {{0, 0, 0}, {INF, 0, NAN}}, NONE,
     NO_WEIGHTS, 0.5, true, {1.09861228866810969, 0}, 1.09861228866810969, 1.09861228866810969},
    {"-inf at the target, smoothing 1", LOGITS, {{-INF, 0, 0}, {0, 0, 0}}, NONE,
     NO_WEIGHTS, 1, false, {NAN, 1.09861228866810969}, NAN, NAN},
    {"an infinite weight of another class", LOGITS, {TWO_OF_THREE, TWO_OF_THREE}, NONE,
     {1, INF, 1}, true, 0, false, {LN2, LN2}, 2 * LN2, LN2},
    {"an infinite weight of another class, smoothing", LOGITS, {{0, 0, 0}, {0, 0, 0}}, NONE,
     {1, INF, 1}, true, 0.5, false, {INF, INF}, INF, INF},
    {"an infinite weight of the target", LOGITS, {TWO_OF_THREE, TWO_OF_THREE}, NONE,
     {INF, 1, 1}, true, 0, false, {INF, INF}, INF, NAN},
    {"the only position that counts has weight 0", LOGITS, {TWO_OF_THREE, {0, 0, 0}}, NONE,
     {0, 1, 1}, true, 0, true, {0, 0}, 0, NAN},
    {"the same with smoothing", LOGITS, {{0, 0, 0}, {0, 0, 0}}, NONE,
     {0, 1, 1}, true, 0.5, true, {0.36620409622270322, 0}, 0.36620409622270322, NAN},
    {"logits beyond every exponent", LOGITS, {{-1e308, 1e308, 0}, {1e308, 0, 0}}, NONE,
     NO_WEIGHTS, 0, false, {INF, 0}, INF, INF},
    /* logits, class probabilities */
    {"-inf with probability 0", LOGITS_Q, {TWO_OF_THREE, {0, 0, 0}}, HALVES,
     NO_WEIGHTS, 0, false, {NAN, 1.09861228866810969}, NAN, NAN},
    {"-inf with probability 0, smoothing", LOGITS_Q, {TWO_OF_THREE, {0, 0, 0}}, HALVES,
     NO_WEIGHTS, 0.5, false, {INF, 1.09861228866810969}, INF, INF},
    {"a NaN weight enters every row", LOGITS_Q, {{0, 0, 0}, {0, 0, 0}}, FIRST,
     {1, NAN, 1}, true, 0, false, {NAN, NAN}, NAN, NAN},
    {"weights all 0, probabilities", LOGITS_Q, {{0, 0, 0}, {0, 0, 0}}, HALVES,
     {0, 0, 0}, true, 0, false, {0, 0}, 0, 0},
    {"a NaN probability", LOGITS_Q, {{0, 0, 0}, {0, 0, 0}}, {{NAN, 0, 0}, {0, 1, 0}},
     NO_WEIGHTS, 0, false, {NAN, 1.09861228866810969}, NAN, NAN},
    /* log-probabilities: any numbers */
    {"a log-probability of -inf at the target", LOGS, {{-INF, 0, 0}, {-1, 0, 0}}, NONE,
     NO_WEIGHTS, 0, false, {INF, 1}, INF, INF},
    {"NaN elsewhere is not looked at", LOGS, {{-1, NAN, INF}, {-1, 0, 0}}, NONE,
     NO_WEIGHTS, 0, false, {1, 1}, 2, 1},
    {"NaN elsewhere, smoothing", LOGS, {{-1, NAN, 0}, {-1, -1, -1}}, NONE,
     NO_WEIGHTS, 0.5, false, {NAN, 1}, NAN, NAN},
    {"-inf at the target of weight 0", LOGS, {{-INF, 0, 0}, {-1, 0, 0}}, NONE,
     {0, 1, 1}, true, 0, true, {NAN, 0}, NAN, NAN},
    {"a positive log-probability", LOGS, {{2, 0, 0}, {-1, 0, 0}}, NONE,
     NO_WEIGHTS, 0, false, {-2, 1}, -1, -0.5},
    {"a log-probability of -inf times probability 0", LOGS_Q, {{-1, -1, -INF}, {-1, -3, -9}},
     HALVES, NO_WEIGHTS, 0, false, {NAN, 2}, NAN, NAN},
    /* probabilities: the table of k and q */
    {"k = 0 and q = 0: 0", PROBS_Q, {{0.5, 0.5, 0}, {1, 0, 0}}, {HALF, {1, 0, 0}},
     NO_WEIGHTS, 0, false, {LN2, 0}, LN2, LN2 / 2},
    {"weight 0 and q = 0: 0", PROBS_Q, {{0.5, 0, 0.5}, {0.5, 0.5, 0}}, HALVES,
     {1, 0, 1}, true, 0, false, {LN2 / 2, LN2 / 2}, LN2, LN2 / 2},
    {"k > 0 and q = 0: infinite", PROBS_Q, {{1, 0, 0}, {0.5, 0.5, 0}}, HALVES,
     NO_WEIGHTS, 0, false, {INF, LN2}, INF, INF},
    {"k < 0 and q = 0", PROBS_Q, {{1, 0, 0}, {0.5, 0.5, 0}}, HALVES,
     {1, -1, 1}, true, 0, false, {-INF, 0}, -INF, -INF},
    {"smoothing makes k > 0", PROBS_Q, {{0.5, 0.5, 0}, {0.5, 0.5, 0.5}}, FIRST,
     NO_WEIGHTS, 0.5, false, {INF, LN2}, INF, INF},
    {"NaN with k = 0", PROBS_Q, {{0.5, 0.5, NAN}, {0.5, 0.5, 0}}, HALVES,
     NO_WEIGHTS, 0, false, {NAN, LN2}, NAN, NAN},
    {"a NaN class probability over q = 1", PROBS_Q, {{1, 1, 1}, {1, 1, 1}}, {{0, NAN, 0}, HALF},
     NO_WEIGHTS, 0, false, {NAN, 0}, NAN, NAN},
    {"a probability above 1", PROBS_Q, {{2, 2, 0}, {0.5, 0.5, 0}}, HALVES,
     NO_WEIGHTS, 0, false, {-LN2, LN2}, 0, 0},
    {"an infinite probability", PROBS_Q, {{INF, 1, 0}, {0.5, 0.5, 0}}, HALVES,
     NO_WEIGHTS, 0, false, {-INF, LN2}, -INF, -INF},
    {"q = 0 at the target", PROBS, {{0, 1, 0}, {0.5, 0.5, 0}}, NONE,
     NO_WEIGHTS, 0, false, {INF, LN2}, INF, INF},
    {"q = 0 at the target of weight 0", PROBS, {{0, 1, 0}, {0.5, 0.5, 0}}, NONE,
     {0, 1, 1}, true, 0, false, {0, 0}, 0, NAN},
    {"q = 0 elsewhere", PROBS, {{0.5, 0, 0}, {0.5, 0, 0}}, NONE,
     NO_WEIGHTS, 0, false, {LN2, LN2}, 2 * LN2, LN2},
    {"q = 0 elsewhere, smoothing", PROBS, {{0.5, 0, 0.5}, {0.5, 0.5, 0.5}}, NONE,
     NO_WEIGHTS, 0.5, false, {INF, LN2}, INF, INF},
    {"q = 0 elsewhere of weight 0, smoothing", PROBS, {{0.5, 0, 0.5}, {0.5, 0, 0.5}}, NONE,
     {3, 0, 3}, true, 0.5, false, {2.5 * LN2, 2.5 * LN2}, 5 * LN2, 5 * LN2 / 6},
    {"q = 0 at the target, smoothing 1, weight 0", PROBS, {{0, 0.5, 0.5}, {0, 0.5, 0.5}}, NONE,
     {0, 1, 1}, true, 1, false, {2 * LN2 / 3, 2 * LN2 / 3}, 4 * LN2 / 3, NAN},
    {"NaN elsewhere spoils the row", PROBS, {{0.5, NAN, 0}, {0.5, 0.5, 0}}, NONE,
     NO_WEIGHTS, 0, false, {NAN, LN2}, NAN, NAN},
    {"NaN in an ignored row", PROBS, {{0.5, 0.5, 0}, {NAN, NAN, NAN}}, NONE,
     NO_WEIGHTS, 0.0, true, {LN2, 0}, LN2, LN2},
    {"a negative probability in an ignored row", PROBS, {{0.5, 0.5, 0}, {-1, -INF, 0}}, NONE,
     NO_WEIGHTS, 0, true, {LN2, 0}, LN2, LN2},
    {"-0 is not negative", PROBS_Q, {{0.5, 0.5, -0.0}, {0.5, -0.0, 0}}, FIRST,
     NO_WEIGHTS, 0, false, {LN2, LN2}, 2 * LN2, LN2},
};
/* clang-format on */

static struct loss_tensor matrix(enum loss_dtype dtype, const void *data)
{
    return (struct loss_tensor){.dtype = dtype, .rank = 2, .shape = {2, CLASSES}, .data = data};
}

/* Room for a case's numbers in either dtype. */
struct storage {
    float x32[2][CLASSES], q32[2][CLASSES], weights32[CLASSES];
    int64_t labels[LABELS_MAX];
    struct loss_tensor weights;
};

static void narrow(const double *from, float *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

static struct loss_request request_of(const struct special *special, enum loss_dtype dtype,
                                      struct storage *storage)
{
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    bool is_narrow = dtype == LOSS_FLOAT32;

    narrow(special->x[0], storage->x32[0], 2 * CLASSES);
    narrow(special->q[0], storage->q32[0], 2 * CLASSES);
    narrow(special->weights, storage->weights32, CLASSES);
    storage->labels[0] = 0;
    storage->labels[1] = special->second_ignored ? -100 : 0;
    storage->weights = (struct loss_tensor){.dtype = dtype, .rank = 1, .shape = {CLASSES}};
    storage->weights.data =
        is_narrow ? (const void *)storage->weights32 : (const void *)special->weights;
    request.stage = special->stage;
    request.predictions =
        matrix(dtype, is_narrow ? (const void *)storage->x32 : (const void *)special->x);
    request.targets =
        matrix(dtype, is_narrow ? (const void *)storage->q32 : (const void *)special->q);
    if (special->kind == INDICES)
        request.targets = (struct loss_tensor){
            .dtype = LOSS_INT64, .rank = 1, .shape = {2}, .data = storage->labels};
    request.weights = special->has_weights ? &storage->weights : NULL;
    request.label_smoothing = special->smoothing;
    return request;
}

static void check_special(const struct special *special, enum loss_dtype dtype,
                          enum loss_reduction reduction)
{
    double tolerance = dtype == LOSS_FLOAT32 ? 1e-6 : 1e-14;
    struct storage storage;
    struct loss_request request = request_of(special, dtype, &storage);
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    loss_arena_init(&arena, NULL);
    request.reduction = reduction;
    if (loss_evaluate(&request, &arena, &result, &error) != LOSS_OK)
        fail_msg("%s: refused: %s", special->name, error.sentence);
    for (size_t i = 0; i < loss_tensor_elements(&result.loss); i++) {
        double got = number_at(&result.loss, i);
        double want = reduction == LOSS_REDUCTION_NONE  ? special->losses[i]
                      : reduction == LOSS_REDUCTION_SUM ? special->sum
                                                        : special->mean;

        if (!number_is_near(got, want, tolerance, tolerance))
            fail_msg("%s, %s, %s [%zu]: got %.17g, want %.17g", special->name,
                     loss_dtype_name(dtype), loss_reduction_name(reduction), i, got, want);
    }
    loss_arena_reset(&arena);
}

static void special_values_are_as_in_the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        for (int r = 0; r < LOSS_REDUCTION_COUNT; r++) {
            check_special(&specials[i], LOSS_FLOAT64, (enum loss_reduction)r);
            if (fabs(specials[i].x[0][0]) < 1e300 || isinf(specials[i].x[0][0]))
                check_special(&specials[i], LOSS_FLOAT32, (enum loss_reduction)r);
        }
    }
}

static void a_negative_probability_is_refused_by_its_place(void **state)
{
    static const double x[2][CLASSES] = {{0.5, 0.5, 0}, {-0.25, 0.5, -0.75}};
    static const double q[2][CLASSES] = {{0, 1, 0}, {0, 1, 0}};
    static const int64_t labels[2] = {0, 1};
    struct loss_tensor targets[2] = {{.dtype = LOSS_INT64, .rank = 1, .shape = {2}, .data = labels},
                                     matrix(LOSS_FLOAT64, q)};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.stage = LOSS_STAGE_PROBABILITIES;
    request.predictions = matrix(LOSS_FLOAT64, x);
    for (int i = 0; i < 2; i++) { /* class indices, then class probabilities */
        request.targets = targets[i];
        assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_VALUE_OUT_OF_RANGE);
        assert_string_equal(error.where, "/probabilities/1/0");
        assert_non_null(strstr(error.sentence, "probabilities[1][0] is -0.25"));
    }
    loss_arena_reset(&arena);
}

/* (N,C,d1): class 1 of item 1, position 2, among many positions and blocks; later positions have
 * others, one of them earlier in memory. */
static void the_first_negative_probability_is_named(void **state)
{
    enum { N = 2, C = 3, D = 70000 };
    static float x[N * C * D];
    static int64_t labels[N][D];
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;

    (void)state;
    for (size_t i = 0; i < N * C * D; i++)
        x[i] = 0.25f;
    x[(1 * C + 1) * D + 2] = -1.0f;
    x[(1 * C + 0) * D + 3] = -2.0f;
    x[(1 * C + 2) * D + 60000] = -2.0f;
    loss_arena_init(&arena, NULL);
    request.stage = LOSS_STAGE_PROBABILITIES;
    request.predictions =
        (struct loss_tensor){.dtype = LOSS_FLOAT32, .rank = 3, .shape = {N, C, D}, .data = x};
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 2, .shape = {N, D}, .data = labels};
    assert_int_equal(loss_evaluate(&request, &arena, &result, &error), LOSS_VALUE_OUT_OF_RANGE);
    assert_string_equal(error.where, "/probabilities/1/1/2");
    assert_non_null(strstr(error.sentence, "is -1,"));
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_values_are_as_in_the_table),
        cmocka_unit_test(a_negative_probability_is_refused_by_its_place),
        cmocka_unit_test(the_first_negative_probability_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
