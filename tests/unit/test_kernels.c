/* test_kernels.c - every level that this machine runs gives the bits of
 * the scalar specification. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel.h"
#include "loss/evaluation.h"
#include "loss/kernel.h"
#include "support/numbers.h"
#include "support/specification.h"
#include "support/wants.h"

enum { ELEMENTS_MAX = 70 * 210 + 8, LONGEST = 300, ROWS = 7, STEP = 3 };

/* Logits between -20 and 20, and if `specials` now and then a NaN, an
 * infinity, a tie or a huge one. */
static double element(uint64_t *random, bool specials)
{
    double u = number_random(random), x = 40.0 * number_random(random) - 20.0;

    if (!specials || u > 0.02)
        return u > 0.9 ? floor(x) : x;
    return u < 0.002 ? NAN : u < 0.004 ? INFINITY : u < 0.012 ? -INFINITY : u < 0.016 ? 1e30 : 20.0;
}

/* A request of the given shape on values at an odd offset of `memory`. */
static void make_request(struct loss_request *request, enum loss_dtype dtype, size_t n, size_t c,
                         size_t inner, bool specials, char *memory, int64_t *targets)
{
    uint64_t random = n * 1000003 + c * 1009 + inner;
    char *data = memory + loss_dtype_bytes(dtype);

    *request = (struct loss_request)LOSS_REQUEST_DEFAULTS;
    request->predictions = (struct loss_tensor){
        .dtype = dtype, .rank = inner > 1 ? 3 : 2, .shape = {n, c, inner}, .data = data};
    request->targets = (struct loss_tensor){
        .dtype = LOSS_INT64, .rank = inner > 1 ? 2 : 1, .shape = {n, inner}, .data = targets};
    for (size_t i = 0; i < n * c * inner; i++) {
        double x = element(&random, specials);

        if (n % 2 != 0) /* rows near 0 and far from it, side by side */
            x += (double)(i / (c * inner) * 7 + i % inner * 3 % 200);
        if (dtype == LOSS_FLOAT64)
            ((double *)(void *)data)[i] = x;
        else
            ((float *)(void *)data)[i] = (float)x;
    }
    for (size_t i = 0; i < n * inner; i++)
        targets[i] =
            number_random(&random) < 0.1 ? -100 : (int64_t)(number_random(&random) * (double)c);
    request->reduction = LOSS_REDUCTION_NONE;
    request->label_smoothing = c % 3 == 0 ? 0.1 : 0.0;
    want_everything(request);
}

static void check_tensor(const char *name, const struct loss_tensor *a, const struct loss_tensor *b,
                         const struct loss_request *request)
{
    size_t bytes = loss_tensor_elements(a) * loss_dtype_bytes(a->dtype);
    char shape[64];

    if (bytes != 0 && memcmp(a->data, b->data, bytes) != 0)
        fail_msg("%s of %s %s: other bits on %s", name,
                 loss_tensor_describe(&request->predictions, shape, sizeof shape),
                 loss_dtype_name(request->predictions.dtype), loss_kernel_current());
}

/* All levels on one request, against the lowest. */
static void check_levels(const struct loss_request *request)
{
    struct loss_arena arenas[2];
    struct loss_result want, got;
    struct loss_error error;

    loss_arena_init(&arenas[0], NULL);
    assert_true(loss_kernel_choose(loss_kernel_name(0)));
    assert_int_equal(loss_evaluate(request, &arenas[0], &want, &error), LOSS_OK);
    for (size_t level = 1; loss_kernel_name(level) != NULL; level++) {
        if (!loss_kernel_runs(level))
            continue;
        assert_true(loss_kernel_choose(loss_kernel_name(level)));
        loss_arena_init(&arenas[1], NULL);
        assert_int_equal(loss_evaluate(request, &arenas[1], &got, &error), LOSS_OK);
        check_tensor("loss", &want.loss, &got.loss, request);
        for (int i = 0; i < LOSS_PART_COUNT; i++) {
            if (!request->wants[loss_part_output((enum loss_part)i)])
                continue;
            check_tensor(loss_part_key((enum loss_part)i), &want.parts[i], &got.parts[i], request);
        }
        assert_memory_equal(&want.loss_sum, &got.loss_sum, sizeof want.loss_sum);
        assert_int_equal(want.correct, got.correct);
        loss_arena_reset(&arenas[1]);
    }
    loss_arena_reset(&arenas[0]);
    assert_true(loss_kernel_choose("auto"));
}

/* Row 104 of tests/faults/rows.txt. */
static void all_levels_give_the_same_bits(void **state)
{
    static const size_t around[] = {255, 256, 257, 1000, 4095, 4096, 4097};
    char *memory = malloc(ELEMENTS_MAX * sizeof(double));
    int64_t targets[4096];
    struct loss_request request;

    (void)state;
    assert_non_null(memory);
    for (int wide = 0; wide < 2; wide++) {
        enum loss_dtype dtype = wide ? LOSS_FLOAT64 : LOSS_FLOAT32;

        for (int specials = 0; specials < 2; specials++) {
            for (size_t c = 1; c <= 200; c++) {
                make_request(&request, dtype, c % 67 + 3, c, 1, specials, memory, targets);
                check_levels(&request);
            }
            for (size_t inner = 2; inner <= 70; inner++) {
                make_request(&request, dtype, 2, inner % 29 + 1, inner, specials, memory, targets);
                check_levels(&request);
            }
            for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
                make_request(&request, dtype, 3, around[i], 1, specials, memory, targets);
                check_levels(&request);
            }
        }
    }
    free(memory);
}

/* softmax of float32 rows, every other one of which is far from 0, by the formulas; that of float64
 * is held against high precision (test_accuracy.c). */
static void check_softmax(const struct kernel *kernel, const float *from, size_t c)
{
    static float x[ROWS * LONGEST], got[ROWS * LONGEST];
    struct kernel_tile tile = {
        .x = x, .positions = ROWS, .position_stride = LONGEST, .classes = c, .class_stride = 1};
    struct kernel_rows rows;

    for (size_t p = 0; p < ROWS; p++) {
        for (size_t i = 0; i < c; i++)
            x[p * LONGEST + i] = from[p * STEP + i] + (float)(p % 2 * 100);
    }
    kernel->scan(&tile, true, &rows);
    kernel->softmax(&tile, &rows, NULL, got);
    for (size_t p = 0; p < ROWS; p++) {
        for (size_t i = p * LONGEST; i < p * LONGEST + c; i++) {
            float want =
                specification_softmax(x[i], (float)rows.max[p], rows.scale[p], rows.rest[p]);

            if (got[i] != want)
                fail_msg("C = %zu: softmax is %a, but the specification says %a", c, (double)got[i],
                         (double)want);
        }
    }
}

/* Rows of the lowest level, each STEP elements after the one before, against the specification. */
static void check_order(bool is_wide, const double *wide, const float *narrow, size_t c)
{
    size_t count;
    const struct kernel_level *levels = kernel_levels(&count);
    const struct kernel *kernel = is_wide ? levels[0].float64 : levels[0].float32;
    struct kernel_tile tile = {.x = is_wide ? (const void *)wide : narrow,
                               .positions = ROWS,
                               .position_stride = STEP,
                               .classes = c,
                               .class_stride = 1};
    struct kernel_rows rows;
    double want, low, widened[LONGEST + ROWS * STEP];

    for (size_t i = 0; i < c + ROWS * STEP; i++)
        widened[i] = is_wide ? wide[i] : (double)narrow[i];
    kernel->scan(&tile, true, &rows);
    if (!is_wide)
        check_softmax(kernel, narrow, c);
    for (size_t p = 0; p < ROWS; p++) {
        want = specification_rest(is_wide, widened + p * STEP, c, c >= KERNEL_ROW_CLASSES, &low);
        if (memcmp(&rows.rest[p], &want, sizeof want) != 0)
            fail_msg("C = %zu: rest is %a, but the specification says %a", c, rows.rest[p], want);
        want = specification_log1p(is_wide, want, low);
        assert_memory_equal(&rows.rest_low[p], &low, sizeof low);
        assert_memory_equal(&rows.log_rest[p], &want, sizeof want);
        assert_true(fabsl(want - log1pl((long double)rows.rest[p] + low)) <=
                    (is_wide ? 0x1p-52L : 0x1p-39L) * want);
    }
}

/* The lowest level, and with the test above every one, against the specification in scalars: rows
 * near 0 and far from it, with and without elements that are too small to count. */
static void sums_are_added_in_the_promised_order(void **state)
{
    static const double shifts[] = {0.0, 44.5, -50.0, 1000.0, -1e6}, stretches[] = {1.0, 6.0};
    static float narrow[LONGEST + ROWS * STEP];
    static double wide[LONGEST + ROWS * STEP];
    uint64_t random = 5;

    (void)state;
    for (size_t c = 1; c < LONGEST; c++) {
        for (size_t k = 0; k < 10; k++) {
            for (size_t i = 0; i < c + ROWS * STEP; i++) {
                wide[i] = element(&random, false) * stretches[k % 2] + shifts[k / 2];
                narrow[i] = (float)wide[i];
            }
            check_order(false, wide, narrow, c);
            check_order(true, wide, narrow, c);
        }
    }
}

static void a_level_can_be_chosen_by_name(void **state)
{
    size_t highest = 0;

    (void)state;
    assert_false(loss_kernel_choose("v9"));
    assert_false(loss_kernel_choose(""));
    for (size_t i = 0; loss_kernel_name(i) != NULL; i++) {
        assert_int_equal(loss_kernel_choose(loss_kernel_name(i)), loss_kernel_runs(i));
        if (loss_kernel_runs(i)) {
            highest = i;
            assert_string_equal(loss_kernel_current(), loss_kernel_name(i));
        }
    }
    assert_true(loss_kernel_choose("auto"));
    assert_string_equal(loss_kernel_current(), loss_kernel_name(highest));
    assert_false(loss_kernel_runs(1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_can_be_chosen_by_name),
        cmocka_unit_test(sums_are_added_in_the_promised_order),
        cmocka_unit_test(all_levels_give_the_same_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
