/* test_memory.c - blocks within a budget: sizes, what fits, the room of the vital, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "server/memory.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static void sizes_are_powers_of_two_and_halves_between(void **state)
{
    static const struct {
        size_t bytes, granted;
    } rows[] = {
        {0, 16 * KIB},
        {1, 16 * KIB},
        {16 * KIB, 16 * KIB},
        {16 * KIB + 1, 24 * KIB},
        {24 * KIB, 24 * KIB},
        {24 * KIB + 1, 32 * KIB},
        {33 * KIB, 48 * KIB},
        {49 * KIB, 64 * KIB},
        {192 * KIB + 1, 256 * KIB}, /* from here on mapped */
        {256 * KIB + 1, 384 * KIB},
        {MIB - 1, MIB},
        {MIB + 1, MIB + MIB / 2},
        {3 * MIB + 1, 4 * MIB},
    };
    struct memory *memory = memory_new(64 * MIB, 0);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t granted = 0;
        char *block = memory_take(memory, rows[i].bytes, &granted);

        assert_non_null(block);
        assert_int_equal(granted, rows[i].granted);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 0xff, granted); /* all of it is there */
        assert_int_equal(memory_used_bytes(memory), granted);
        memory_give(memory, block, granted);
        assert_int_equal(memory_used_bytes(memory), 0);
    }
    memory_free(memory);
}

static void the_budget_holds_to_the_byte(void **state)
{
    struct memory *memory = memory_new(64 * KIB, 64 * KIB);
    void *a, *b, *c;
    size_t granted;

    (void)state;
    assert_null(memory_take(memory, 64 * KIB + 1, &granted)); /* more than there ever is */
    assert_null(memory_take(memory, SIZE_MAX, &granted));
    assert_null(memory_take(memory, SIZE_MAX / 2, &granted));
    a = memory_take(memory, 32 * KIB, &granted);
    b = memory_take(memory, 16 * KIB, &granted);
    assert_null(memory_take(memory, 16 * KIB + 1, &granted)); /* 24 KiB do not fit */
    c = memory_take(memory, 16 * KIB, &granted);              /* this does, exactly */
    assert_non_null(c);
    assert_int_equal(memory_used_bytes(memory), 64 * KIB);
    assert_null(memory_take(memory, 1, &granted));
    memory_give(memory, b, 16 * KIB);
    assert_ptr_equal(memory_take(memory, 1, &granted), b);
    memory_give(memory, a, 32 * KIB);
    memory_give(memory, b, 16 * KIB);
    memory_give(memory, c, 16 * KIB);
    assert_int_equal(memory_used_bytes(memory), 0);
    memory_free(memory);
}

/* Beside a budget that is used up there are 2 MiB, for who asks by the other name; no more. */
static void the_vital_have_room_beside_the_budget(void **state)
{
    struct memory *memory = memory_new(2 * MIB, 2 * MIB);
    size_t granted;
    void *all, *kept, *first, *last;

    (void)state;
    kept = memory_take(memory, 512 * KIB, &granted);
    memory_give(memory, kept, granted);
    all = memory_take(memory, 2 * MIB, &granted);
    assert_non_null(all);
    assert_null(memory_take(memory, 1, &granted));
    first = memory_take_vital(memory, MIB + MIB / 2, &granted);
    assert_non_null(first);
    assert_null(memory_take(memory, 1, &granted));
    assert_null(memory_take_vital(memory, 512 * KIB + 1, &granted));
    last = memory_take_vital(memory, 512 * KIB, &granted);
    assert_non_null(last);
    assert_null(memory_take_vital(memory, 1, &granted));
    assert_int_equal(memory_used_bytes(memory), 4 * MIB);
    memory_give(memory, first, MIB + MIB / 2);
    memory_give(memory, all, 2 * MIB);
    assert_null(memory_take(memory, 2 * MIB, &granted)); /* beside the 512 KiB */
    all = memory_take(memory, MIB + MIB / 2, &granted);
    assert_non_null(all);
    memory_give(memory, all, granted);
    memory_give(memory, last, 512 * KIB);
    memory_free(memory);
}

static void nothing_is_freed(void **state)
{
    (void)state;
    memory_free(NULL);
    memory_free(memory_new(1, 1));
}

enum { THREADS = 4, ROUNDS = 4000, HELD = 6 };

struct shared {
    struct memory *memory;
    _Atomic unsigned seed;
    _Atomic size_t refused; /* takes, as the budget was used up */
    _Atomic size_t spoilt;  /* blocks that somebody else had written to */
};

/* Take and give at random; each block is filled and must be unchanged when it goes back. */
static void *take_and_give(void *argument)
{
    struct shared *shared = argument;
    unsigned random = atomic_fetch_add(&shared->seed, 12345), mark = random;
    struct {
        unsigned char *block;
        size_t granted;
    } held[HELD] = {{NULL, 0}};

    for (int round = 0; round < ROUNDS + HELD; round++) {
        int slot = round < ROUNDS ? (int)(random >> 16) % HELD : round - ROUNDS;

        random = random * 1103515245 + 12345;
        if (held[slot].block != NULL) {
            if (held[slot].block[0] != (unsigned char)mark ||
                held[slot].block[held[slot].granted - 1] != (unsigned char)mark)
                atomic_fetch_add(&shared->spoilt, 1);
            memory_give(shared->memory, held[slot].block, held[slot].granted);
            held[slot].block = NULL;
        } else if (round < ROUNDS) {
            held[slot].block =
                memory_take(shared->memory, (random >> 8) % (300 * KIB), &held[slot].granted);
            if (held[slot].block == NULL) {
                atomic_fetch_add(&shared->refused, 1);
                continue;
            }
            held[slot].block[0] = held[slot].block[held[slot].granted - 1] = (unsigned char)mark;
        }
    }
    return NULL;
}

static void many_threads_share_a_budget(void **state)
{
    struct shared shared = {.memory = memory_new(2 * MIB, MIB), .seed = 1};
    pthread_t threads[THREADS];
    size_t granted;
    void *whole;

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &shared), 0);
    for (int i = 0; i < 1000; i++)
        assert_in_range(memory_used_bytes(shared.memory), 0, 2 * MIB);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    assert_int_equal(shared.spoilt, 0);
    assert_true(shared.refused > 0); /* the budget was reached */
    assert_int_equal(memory_used_bytes(shared.memory), 0);
    whole = memory_take(shared.memory, 2 * MIB, &granted);
    assert_non_null(whole);
    memory_give(shared.memory, whole, granted);
    memory_free(shared.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_powers_of_two_and_halves_between),
        cmocka_unit_test(the_budget_holds_to_the_byte),
        cmocka_unit_test(the_vital_have_room_beside_the_budget),
        cmocka_unit_test(nothing_is_freed),
        cmocka_unit_test(many_threads_share_a_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
