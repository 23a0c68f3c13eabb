/* test_plan.c - an evaluation in steps: the same bits, whoever runs its blocks, in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "loss/evaluation.h"
#include "support/numbers.h"
#include "support/wants.h"

enum { ELEMENTS_MAX = 400000, THREADS = 4 };

static const struct {
    unsigned rank;
    size_t shape[4];
    size_t blocks; /* at least */
} shapes[] = {
    {2, {5000, 7}, 1},    {2, {50000, 7}, 5},    {2, {7, 50000}, 7},       {2, {4, 70000}, 4},
    {3, {3, 5, 4000}, 1}, {3, {3, 5, 20000}, 4}, {4, {2, 3, 150, 400}, 5},
};

static float x[ELEMENTS_MAX];
static uint8_t labels[ELEMENTS_MAX];

static struct loss_request make_request(size_t shape, enum loss_reduction reduction)
{
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_tensor *targets = &request.targets;
    uint64_t random = shape;

    request.reduction = reduction;
    request.ignore_index = 1;
    request.label_smoothing = 0.1;
    request.predictions = (struct loss_tensor){.rank = shapes[shape].rank, .data = x};
    memcpy(request.predictions.shape, shapes[shape].shape, sizeof shapes[shape].shape);
    *targets = request.predictions;
    targets->dtype = LOSS_UINT8;
    targets->rank -= 1;
    memcpy(&targets->shape[1], &shapes[shape].shape[2], 2 * sizeof(size_t));
    targets->data = labels;
    for (size_t i = 0; i < loss_tensor_elements(&request.predictions); i++)
        x[i] = (float)(number_random(&random) * 40.0 - 20.0);
    for (size_t i = 0; i < loss_tensor_elements(targets); i++)
        labels[i] = (uint8_t)(number_random(&random) * 3.0);
    want_everything(&request);
    return request;
}

static void check_same_bits(const char *what, const struct loss_tensor *a,
                            const struct loss_tensor *b)
{
    size_t size = loss_dtype_bytes(a->dtype);

    assert_int_equal(a->dtype, b->dtype);
    assert_true(loss_tensor_same_shape(a, b));
    if (memcmp(a->data, b->data, loss_tensor_elements(a) * size) != 0)
        fail_msg("%s differs", what);
}

static void check_same(const struct loss_request *request, const struct loss_result *a,
                       const struct loss_result *b)
{
    check_same_bits("loss", &a->loss, &b->loss);
    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        if (request->wants[loss_part_output((enum loss_part)i)])
            check_same_bits(loss_part_key((enum loss_part)i), &a->parts[i], &b->parts[i]);
    }
    assert_memory_equal(&a->loss_sum, &b->loss_sum, sizeof a->loss_sum);
    assert_memory_equal(&a->weight_sum, &b->weight_sum, sizeof a->weight_sum);
    assert_int_equal(a->correct, b->correct);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->ignored, b->ignored);
}

static void run_backwards(struct loss_plan *plan)
{
    for (size_t b = loss_plan_blocks(plan); b-- > 0;)
        loss_plan_run(plan, b);
}

/* What the threads share: each takes the next block until there is none. */
struct shared {
    struct loss_plan *plan;
    atomic_size_t next;
};

static void *run_some(void *argument)
{
    struct shared *shared = argument;
    size_t block;

    while ((block = atomic_fetch_add(&shared->next, 1)) < loss_plan_blocks(shared->plan))
        loss_plan_run(shared->plan, block);
    return NULL;
}

static void run_in_threads(struct loss_plan *plan)
{
    struct shared shared = {.plan = plan};
    pthread_t threads[THREADS];

    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, run_some, &shared), 0);
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
}

static void check_against_evaluate(void (*run)(struct loss_plan *plan))
{
    for (size_t shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        for (int r = 0; r < LOSS_REDUCTION_COUNT; r++) {
            struct loss_request request = make_request(shape, (enum loss_reduction)r);
            struct loss_result at_once, in_steps;
            struct loss_error error;
            struct loss_arena arena;
            struct loss_plan *plan;

            loss_arena_init(&arena, NULL);
            assert_int_equal(loss_evaluate(&request, &arena, &at_once, &error), LOSS_OK);
            assert_int_equal(loss_plan_new(&request, &arena, &plan, &error), LOSS_OK);
            assert_true(loss_plan_blocks(plan) >= shapes[shape].blocks);
            run(plan);
            assert_int_equal(loss_plan_finish(plan, &in_steps, &error), LOSS_OK);
            check_same(&request, &at_once, &in_steps);
            loss_arena_reset(&arena);
        }
    }
}

static void blocks_may_run_backwards(void **state)
{
    (void)state;
    check_against_evaluate(run_backwards);
}

static void blocks_may_run_in_threads(void **state)
{
    (void)state;
    check_against_evaluate(run_in_threads);
}

static void nothing_to_do_has_no_blocks(void **state)
{
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error;
    struct loss_arena arena;
    struct loss_plan *plan;

    (void)state;
    loss_arena_init(&arena, NULL);
    request.predictions = (struct loss_tensor){.rank = 2, .shape = {0, 3}};
    request.targets = (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {0}};
    assert_int_equal(loss_plan_new(&request, &arena, &plan, &error), LOSS_OK);
    assert_int_equal(loss_plan_blocks(plan), 0);
    assert_int_equal(loss_plan_finish(plan, &result, &error), LOSS_OK);
    assert_true(result.loss_sum == 0.0 && result.weight_sum == 0.0);
    assert_int_equal(result.loss.rank, 0);
    assert_true(number_is_near(number_at(&result.loss, 0), (double)NAN, 0.0, 0.0));
    loss_arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_may_run_backwards),
        cmocka_unit_test(blocks_may_run_in_threads),
        cmocka_unit_test(nothing_to_do_has_no_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
