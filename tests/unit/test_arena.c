/* test_arena.c - pieces of an arena, its blocks and their source, and a source that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "loss/arena.h"
#include "loss/evaluation.h"
#include "support/source.h"
#include "support/wants.h"

static void pieces_are_aligned_and_apart(void **state)
{
    enum { PIECES = 300 };
    unsigned char *pieces[PIECES];
    struct source source = {0};
    struct loss_arena arena;

    (void)state;
    source_init(&arena, &source);
    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = loss_arena_take(&arena, i * 7, 3);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % LOSS_ARENA_ALIGNMENT, 0);
        memset(pieces[i], (int)(i % 251), i * 21);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t b = 0; b < i * 21; b++)
            assert_int_equal(pieces[i][b], i % 251);
    }
    assert_in_range(source.takes, 2, 10); /* blocks double: n bytes cost O(log n) of them */
    assert_true(loss_arena_take(&arena, 0, 8) != NULL);
    assert_true(loss_arena_take(&arena, 8, 0) != NULL);
    loss_arena_reset(&arena);
    assert_int_equal(source.out, 0);
    assert_int_equal(source.bytes_out, 0);
}

static void a_product_that_overflows_is_no_memory(void **state)
{
    static const struct {
        size_t count, size;
    } rows[] = {
        {SIZE_MAX, 2},
        {SIZE_MAX / 2, 3},
        {SIZE_MAX, 1},
        {1, SIZE_MAX},
        {SIZE_MAX / 8, 8},
        {SIZE_MAX - 63, 1},
        {(size_t)1 << 32, (size_t)1 << 32},
    };
    struct source source = {0};
    struct loss_arena arena;

    (void)state;
    source_init(&arena, &source);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_null(loss_arena_take(&arena, rows[i].count, rows[i].size));
    assert_int_equal(source.takes, 0);
    loss_arena_reset(&arena);
}

static void the_last_piece_grows_and_shrinks(void **state)
{
    struct source source = {.extra = 1000};
    struct loss_arena arena;
    unsigned char *piece, *moved, *next;

    (void)state;
    source_init(&arena, &source);
    piece = loss_arena_take(&arena, 100, 1);
    memset(piece, 1, 100);
    assert_ptr_equal(loss_arena_resize(&arena, piece, 100, 5000), piece);
    memset(piece + 100, 2, 4900);
    assert_ptr_equal(loss_arena_resize(&arena, piece, 5000, 64), piece);
    next = loss_arena_take(&arena, 1, 1);
    assert_ptr_equal(next, piece + 64); /* what was given up is used again */
    *next = 3;
    moved = loss_arena_resize(&arena, next, 1, 1000000);
    assert_non_null(moved);
    assert_ptr_not_equal(moved, next); /* the block had no room */
    assert_int_equal(moved[0], 3);
    memset(moved, 4, 1000000);
    assert_int_equal(piece[0], 1);
    assert_int_equal(source.takes, 2);
    assert_null(loss_arena_resize(&arena, moved, 1000000, SIZE_MAX));
    assert_int_equal(moved[999999], 4);
    loss_arena_reset(&arena);
    assert_int_equal(source.out, 0);
}

static void a_failing_source_leaves_the_old_piece(void **state)
{
    struct source source = {.fails_at = 2};
    struct loss_arena arena;
    unsigned char *piece;

    (void)state;
    source_init(&arena, &source);
    piece = loss_arena_take(&arena, 10, 1);
    memset(piece, 9, 10);
    assert_null(loss_arena_resize(&arena, piece, 10, 1000000));
    assert_int_equal(piece[9], 9);
    assert_non_null(loss_arena_take(&arena, 1000000, 1)); /* the next try may have more luck */
    loss_arena_reset(&arena);
    assert_int_equal(source.out, 0);
}

static void an_arena_is_used_again_after_a_reset(void **state)
{
    struct source source = {0};
    struct loss_arena arena;

    (void)state;
    source_init(&arena, &source);
    loss_arena_reset(&arena); /* of nothing */
    for (int i = 0; i < 3; i++) {
        memset(loss_arena_take(&arena, 40000, 1), i, 40000);
        assert_in_range(source.out, 1, 2);
        loss_arena_reset(&arena);
        assert_int_equal(source.out, 0);
    }
    loss_arena_init(&arena, NULL); /* the heap */
    assert_non_null(loss_arena_take(&arena, 3000000, 8));
    loss_arena_reset(&arena);
}

/* A request of `n` rows that takes every piece there is: everything is widened, and every output
 * wanted.  Before it, `pieces` of one alignment each are taken. */
static enum loss_status evaluate(struct source *source, size_t pieces, size_t n,
                                 bool has_probabilities, struct loss_error *error)
{
    enum { N = 3000, C = 40 };
    static uint16_t x[N][C], q[N][C], weights[C];
    static uint8_t labels[N];
    const struct loss_tensor w = {LOSS_BFLOAT16, 1, {C}, weights};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_arena arena;
    enum loss_status status;

    assert_true(n <= N);
    source_init(&arena, source);
    for (size_t i = 0; i < pieces; i++)
        assert_non_null(loss_arena_take(&arena, LOSS_ARENA_ALIGNMENT, 1));
    request.predictions = (struct loss_tensor){LOSS_BFLOAT16, 2, {n, C}, x};
    request.targets = (struct loss_tensor){LOSS_UINT8, 1, {n}, labels};
    if (has_probabilities)
        request.targets = (struct loss_tensor){LOSS_BFLOAT16, 2, {n, C}, q};
    request.weights = &w;
    want_everything(&request);
    request.wants[LOSS_OUTPUT_CONFUSION_MATRIX] &= n > 6; /* it alone fills a first block */
    status = loss_evaluate(&request, &arena, &result, error);
    loss_arena_reset(&arena);
    assert_int_equal(source->out, 0);
    assert_int_equal(source->bytes_out, 0);
    return status;
}

static void check_out_of_memory(enum loss_status status, const struct loss_error *error)
{
    assert_int_equal(status, LOSS_OUT_OF_MEMORY);
    assert_int_equal(error->status, LOSS_OUT_OF_MEMORY);
    assert_string_equal(error->where, "");
    assert_string_equal(error->sentence, loss_status_text(LOSS_OUT_OF_MEMORY));
}

/* The n-th take alone, then all from the n-th on: both find different bugs. */
static void an_evaluation_survives_every_failing_take(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct source calm = {0};
        struct loss_error error = {.status = LOSS_OK};
        bool has_probabilities = kind % 2 != 0;

        assert_int_equal(evaluate(&calm, 0, 3000, has_probabilities, &error), LOSS_OK);
        assert_in_range(calm.takes, 3, 20);
        for (size_t n = 1; n <= calm.takes; n++) {
            struct source source = {.fails_at = n, .fails_onward = kind / 2 != 0};

            check_out_of_memory(evaluate(&source, 0, 3000, has_probabilities, &error), &error);
            assert_int_equal(source.takes, n);
        }
    }
}

/* How many pieces of one alignment fit the first block. */
static size_t pieces_of_the_first_block(void)
{
    struct source source = {0};
    struct loss_arena arena;
    size_t pieces = 0;

    source_init(&arena, &source);
    while (loss_arena_take(&arena, LOSS_ARENA_ALIGNMENT, 1) != NULL && source.takes == 1)
        pieces++;
    loss_arena_reset(&arena);
    return pieces;
}

/* With less and less taken before it, a small evaluation gets one piece further, until it fits the
 * only block there is: so each of its pieces has been the one that finds no memory. */
static void every_piece_of_an_evaluation_may_find_no_memory(void **state)
{
    size_t all = pieces_of_the_first_block();

    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        struct loss_error error = {.status = LOSS_OK};
        bool fits = false;

        for (size_t room = 0; room <= all; room++) {
            struct source source = {.fails_at = 2, .fails_onward = true};
            enum loss_status status = evaluate(&source, all - room, 6, kind != 0, &error);

            if (status == LOSS_OK)
                fits = true;
            else
                check_out_of_memory(status, &error);
            assert_int_equal(status == LOSS_OK, fits); /* never again, once it does */
        }
        assert_true(fits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(a_product_that_overflows_is_no_memory),
        cmocka_unit_test(the_last_piece_grows_and_shrinks),
        cmocka_unit_test(a_failing_source_leaves_the_old_piece),
        cmocka_unit_test(an_arena_is_used_again_after_a_reset),
        cmocka_unit_test(an_evaluation_survives_every_failing_take),
        cmocka_unit_test(every_piece_of_an_evaluation_may_find_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
