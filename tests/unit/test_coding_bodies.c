/* test_coding_bodies.c - gzip and deflate there and back, and what it takes of memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec/coding.h"
#include "support/source.h"

static struct source memory;
static struct loss_arena arena;

static int start(void **state)
{
    (void)state;
    memory = (struct source){.fails_at = 0};
    source_init(&arena, &memory);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    loss_arena_reset(&arena);
    return memory.out == 0 ? 0 : -1;
}

static void check_inflated(const char *bytes, size_t length, enum coding coding, size_t most,
                           const char *want, size_t want_length)
{
    struct loss_error error;
    size_t got_length;
    char *got;

    assert_int_equal(
        coding_inflate(bytes, length, coding, most, NULL, &arena, &got, &got_length, &error),
        LOSS_OK);
    assert_int_equal(got_length, want_length);
    assert_memory_equal(got, want, want_length);
    loss_arena_reset(&arena);
}

enum kind { DIGITS, ZEROS, NOISE };

static char *make_body(enum kind kind, size_t length)
{
    char *body = calloc(length + 1, 1);
    uint64_t seed = length;

    assert_non_null(body);
    for (size_t i = 0; i < length && kind != ZEROS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        body[i] = kind == NOISE ? (char)(seed >> 56) : "0123456789.,"[(seed >> 56) % 12];
    }
    return body;
}

/* There and back, if it gets smaller; the same bytes whatever the memory held before. */
static bool goes_round(enum kind kind, size_t length, enum coding coding)
{
    char *body = make_body(kind, length), *deflated, *again, *kept = NULL;
    size_t deflated_length, again_length;
    bool smaller = coding_deflate(body, length, coding, NULL, &arena, &deflated, &deflated_length);

    if (smaller) {
        assert_in_range(deflated_length, 1, length - 1);
        kept = malloc(deflated_length);
        assert_non_null(kept);
        memcpy(kept, deflated, deflated_length);
        loss_arena_reset(&arena);
        memory.has_zeros = true;
        assert_true(coding_deflate(body, length, coding, NULL, &arena, &again, &again_length));
        memory.has_zeros = false;
        assert_int_equal(again_length, deflated_length);
        assert_memory_equal(again, kept, again_length);
        loss_arena_reset(&arena);
        check_inflated(kept, deflated_length, coding, length, body, length);
    }
    loss_arena_reset(&arena);
    free(kept);
    free(body);
    return smaller;
}

static void bodies_go_there_and_back(void **state)
{
    enum { MIB = 1024 * 1024 };
    static const size_t large[] = {MIB - 1, MIB, MIB + 1, 3 * MIB + 7};

    (void)state;
    for (int i = CODING_GZIP; i < CODING_COUNT; i++) {
        enum coding coding = (enum coding)i;

        for (size_t length = 0; length <= 100000; length += 1 + length / 40) {
            assert_true(goes_round(DIGITS, length, coding) || length < 400);
            assert_true(goes_round(ZEROS, length, coding) || length < 30);
            assert_false(goes_round(NOISE, length, coding));
        }
        for (size_t j = 0; j < sizeof large / sizeof large[0]; j++) {
            assert_true(goes_round(DIGITS, large[j], coding));
            assert_true(goes_round(ZEROS, large[j], coding));
            assert_false(goes_round(NOISE, large[j], coding));
        }
    }
}

/* Stored blocks, which are longer than what they hold. */
static void what_did_not_shrink_is_read(void **state)
{
    enum { SIZE = 3 * 1024 * 1024 };
    uLongf length = SIZE + SIZE / 100;
    char *noise = make_body(NOISE, SIZE), *stored = malloc(length);

    (void)state;
    assert_non_null(stored);
    assert_int_equal(compress2((Bytef *)stored, &length, (const Bytef *)noise, SIZE, 0), Z_OK);
    assert_in_range(length, SIZE + 1, SIZE + SIZE / 100);
    check_inflated(stored, length, CODING_DEFLATE, SIZE, noise, SIZE);
    free(stored);
    free(noise);
}

/* The header tells of level 1, of no time and of no name. */
static void small_bodies_need_little_memory(void **state)
{
    static const char header[] = "\x1f\x8b\x08\0\0\0\0\0\x04\x03";
    char *digits = make_body(DIGITS, 1000), *deflated, *got;
    size_t length, got_length;
    struct loss_error error;

    (void)state;
    assert_true(coding_deflate(digits, 1000, CODING_GZIP, NULL, &arena, &deflated, &length));
    assert_memory_equal(deflated, header, sizeof header - 1);
    assert_in_range(memory.bytes_out, 1, 48 * 1024);
    deflated = memcpy(make_body(ZEROS, length), deflated, length);
    loss_arena_reset(&arena);
    assert_int_equal(coding_inflate(deflated, length, CODING_GZIP, 1000, NULL, &arena, &got,
                                    &got_length, &error),
                     LOSS_OK);
    assert_in_range(memory.bytes_out, 1, 16 * 1024); /* the smallest block there is */
    free(deflated);
    free(digits);
}

/* A thousand times as large as what was sent: no more memory is taken than the limit calls for. */
static void bombs_are_stopped_at_the_limit(void **state)
{
    enum { SIZE = 10000000 };
    static const size_t limits[] = {0, 1, 2, 3, 5, 100, 44999, 45001, 100000, SIZE - 1};
    char *zeros = make_body(ZEROS, SIZE), *deflated, *bomb, *got, says[120];
    size_t length, got_length;
    struct loss_error error;

    (void)state;
    assert_true(coding_deflate(zeros, SIZE, CODING_GZIP, NULL, &arena, &deflated, &length));
    assert_in_range(length, 1, SIZE / 200);
    bomb = malloc(length);
    assert_non_null(bomb);
    memcpy(bomb, deflated, length);
    loss_arena_reset(&arena);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        assert_int_equal(coding_inflate(bomb, length, CODING_GZIP, limits[i], NULL, &arena, &got,
                                        &got_length, &error),
                         LOSS_BODY_TOO_LARGE);
        (void)snprintf(says, sizeof says, "%zu bytes has more than %zu when", length, limits[i]);
        assert_non_null(strstr(error.sentence, says));
        assert_non_null(strstr(error.sentence, "when it is decoded"));
        assert_in_range(memory.bytes_out, 1, 4 * limits[i] + 128 * 1024);
        loss_arena_reset(&arena);
    }
    check_inflated(bomb, length, CODING_GZIP, SIZE, zeros, SIZE);
    check_inflated(bomb, length, CODING_GZIP, SIZE_MAX, zeros, SIZE);
    free(bomb);
    free(zeros);
}

static void start_over(size_t fails_at)
{
    loss_arena_reset(&arena);
    memory.takes = 0;
    memory.fails_at = fails_at;
}

/* At every block that is taken. */
static void memory_may_fail_at_any_time(void **state)
{
    enum { SIZE = 3000000 };
    char *zeros = make_body(ZEROS, SIZE), *deflated, *got;
    size_t length, got_length;
    struct loss_error error;

    (void)state;
    start_over(1);
    while (!coding_deflate(zeros, SIZE, CODING_DEFLATE, NULL, &arena, &deflated, &length))
        start_over(memory.fails_at + 1);
    assert_in_range(memory.takes, 3, 20);
    got = malloc(length);
    assert_non_null(got);
    deflated = memcpy(got, deflated, length);
    start_over(1);
    while (coding_inflate(deflated, length, CODING_DEFLATE, SIZE, NULL, &arena, &got, &got_length,
                          &error) != LOSS_OK) {
        assert_int_equal(error.status, LOSS_OUT_OF_MEMORY);
        start_over(memory.fails_at + 1);
    }
    assert_in_range(memory.takes, 3, 20);
    assert_memory_equal(got, zeros, SIZE);
    free(deflated);
    free(zeros);
}

static bool is_out_of_patience(void *context)
{
    int *left = context;

    return (*left)-- == 0;
}

/* A piece in is a piece less to come out, or the other way round. */
static void whoever_stops_waiting_is_heard(void **state)
{
    enum { PIECES = 20, SIZE = PIECES * PIECE_BYTES };
    char *digits = make_body(DIGITS, SIZE), *deflated, *got;
    struct loss_error error;
    size_t length, got_length;
    int left = INT_MAX;
    const struct patience patience = {is_out_of_patience, &left};

    (void)state;
    assert_true(coding_deflate(digits, SIZE, CODING_GZIP, &patience, &arena, &deflated, &length));
    assert_in_range(INT_MAX - left, PIECES, 2 * PIECES);
    left = INT_MAX;
    assert_int_equal(coding_inflate(deflated, length, CODING_GZIP, SIZE, &patience, &arena, &got,
                                    &got_length, &error),
                     LOSS_OK);
    assert_in_range(INT_MAX - left, PIECES, 2 * PIECES);
    assert_memory_equal(got, digits, SIZE);
    for (int pieces = 0; pieces < PIECES; pieces += 3) {
        left = pieces;
        assert_false(
            coding_deflate(digits, SIZE, CODING_GZIP, &patience, &arena, &got, &got_length));
        assert_int_equal(left, -1); /* and not asked again */
        left = pieces;
        assert_int_equal(coding_inflate(deflated, length, CODING_GZIP, SIZE, &patience, &arena,
                                        &got, &got_length, &error),
                         LOSS_DEADLINE_EXCEEDED);
        assert_int_equal(left, -1);
    }
    free(digits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bodies_go_there_and_back, start, stop),
        cmocka_unit_test_setup_teardown(what_did_not_shrink_is_read, start, stop),
        cmocka_unit_test_setup_teardown(small_bodies_need_little_memory, start, stop),
        cmocka_unit_test_setup_teardown(bombs_are_stopped_at_the_limit, start, stop),
        cmocka_unit_test_setup_teardown(memory_may_fail_at_any_time, start, stop),
        cmocka_unit_test_setup_teardown(whoever_stops_waiting_is_heard, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
