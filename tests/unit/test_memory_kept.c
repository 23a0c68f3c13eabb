/* test_memory_kept.c - blocks that are kept when they come back: which, how much of them, and when
 * they give way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/memory.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static void what_comes_back_is_handed_out_again(void **state)
{
    struct memory *memory = memory_new(64 * MIB, 64 * MIB);
    size_t granted, other_granted;
    void *small, *large, *other;

    (void)state;
    small = memory_take(memory, 20 * KIB, &granted);
    large = memory_take(memory, MIB, &other_granted);
    memory_give(memory, small, granted);
    memory_give(memory, large, other_granted);
    assert_int_equal(memory_used_bytes(memory), 0);
    assert_ptr_equal(memory_take(memory, 17 * KIB, &granted), small); /* of the same size */
    assert_int_equal(granted, 24 * KIB);
    assert_ptr_equal(memory_take(memory, MIB - 5, &other_granted), large);
    other = memory_take(memory, MIB, &other_granted); /* there was only one */
    assert_ptr_not_equal(other, large);
    assert_int_equal(memory_used_bytes(memory), 24 * KIB + 2 * MIB);
    memory_give(memory, small, granted);
    memory_give(memory, other, other_granted);
    memory_give(memory, large, other_granted);
    assert_ptr_equal(memory_take(memory, MIB, &other_granted), large); /* the warmest first */
    memory_give(memory, large, other_granted);
    memory_free(memory);
}

/* Kept blocks count against the budget too, and give way to what is asked for. */
static void kept_blocks_give_way(void **state)
{
    struct memory *memory = memory_new(64 * KIB, 64 * KIB);
    void *blocks[4], *whole, *one, *two;
    size_t granted;

    (void)state;
    for (int i = 0; i < 4; i++)
        blocks[i] = memory_take(memory, 16 * KIB, &granted);
    for (int i = 0; i < 4; i++)
        memory_give(memory, blocks[i], 16 * KIB);
    whole = memory_take(memory, 64 * KIB, &granted); /* all four are released for it */
    assert_non_null(whole);
    assert_int_equal(memory_used_bytes(memory), 64 * KIB);
    memory_give(memory, whole, 64 * KIB);
    one = memory_take(memory, 16 * KIB, &granted);
    assert_non_null(one);
    memory_give(memory, one, 16 * KIB);
    one = memory_take(memory, 16 * KIB, &granted);
    two = memory_take(memory, 48 * KIB, &granted);
    assert_non_null(two);
    assert_null(memory_take(memory, 1, &granted));
    memory_give(memory, one, 16 * KIB);
    memory_give(memory, two, 48 * KIB);
    memory_free(memory);
}

/* Only as much is kept as was said.  A block of a size is known again by its address: of two kept
 * blocks both come back, of one too many only the first that was given. */
static void no_more_is_kept_than_was_said(void **state)
{
    struct memory *memory = memory_new(64 * MIB, 2 * MIB);
    void *a, *b, *c;
    size_t granted;

    (void)state;
    a = memory_take(memory, MIB, &granted);
    b = memory_take(memory, MIB, &granted);
    c = memory_take(memory, MIB, &granted);
    memset(a, 1, MIB);
    memset(b, 2, MIB);
    memset(c, 3, MIB);
    memory_give(memory, a, MIB);
    memory_give(memory, b, MIB);
    memory_give(memory, c, MIB); /* unmapped */
    assert_ptr_equal(memory_take(memory, MIB, &granted), b);
    assert_int_equal(((char *)b)[MIB - 1], 2); /* as it was */
    assert_ptr_equal(memory_take(memory, MIB, &granted), a);
    c = memory_take(memory, MIB, &granted);
    assert_int_equal(((char *)c)[MIB - 1], 0); /* fresh from the kernel */
    memory_give(memory, a, MIB);
    memory_give(memory, b, MIB);
    memory_give(memory, c, MIB);
    memory_free(memory);
}

/* A block of 12 MiB where 9 are kept: of its beginning whole huge pages, and
 * fresh memory after them. */
static void a_large_block_is_kept_in_part(void **state)
{
    struct memory *memory = memory_new(64 * MIB, 9 * MIB);
    size_t granted;
    char *block = memory_take(memory, 11 * MIB, &granted);

    (void)state;
    assert_int_equal(granted, 12 * MIB);
    memset(block, 1, granted);
    memory_give(memory, block, granted);
    assert_ptr_equal(memory_take(memory, 11 * MIB, &granted), block);
    assert_int_equal(granted, 12 * MIB);
    assert_int_equal(memory_used_bytes(memory), 12 * MIB);
    assert_int_equal(block[8 * MIB - 1], 1);
    assert_int_equal(block[8 * MIB], 0);
    assert_int_equal(block[12 * MIB - 1], 0);
    memory_give(memory, block, granted);
    memory_free(memory);
}

/* It counts with what is kept of it, and takes the place of others when it is whole again. */
static void what_is_kept_in_part_grows_within_the_budget(void **state)
{
    struct memory *memory = memory_new(12 * MIB, 9 * MIB);
    size_t granted;
    char *large = memory_take(memory, 12 * MIB, &granted), *small;

    (void)state;
    memory_give(memory, large, 12 * MIB);
    small = memory_take(memory, MIB, &granted);
    assert_non_null(small);
    memset(small, 2, MIB);
    memory_give(memory, small, MIB); /* 8 and 1 MiB are kept now */
    assert_ptr_equal(memory_take(memory, 12 * MIB, &granted), large);
    assert_null(memory_take(memory, 1, &granted));
    memory_give(memory, large, 12 * MIB);
    small = memory_take(memory, MIB, &granted);
    assert_int_equal(small[MIB - 1], 0); /* fresh: the other one had to go */
    memory_give(memory, small, MIB);
    memory_free(memory);
}

/* With room for less than half of it, and for a block below 4 MiB, whose pages are small. */
static void the_worse_half_is_not_kept(void **state)
{
    static const size_t sizes[] = {12 * MIB, 3 * MIB};
    struct memory *memory = memory_new(64 * MIB, 5 * MIB);
    size_t granted;

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *block = memory_take(memory, sizes[i], &granted), *other;

        other = memory_take(memory, 3 * MIB, &granted);
        memset(block, 1, sizes[i]);
        memory_give(memory, other, granted);
        memory_give(memory, block, sizes[i]);
        assert_ptr_equal(memory_take(memory, 3 * MIB, &granted), other);
        block = memory_take(memory, sizes[i], &granted);
        assert_int_equal(block[2 * MIB - 1], 0); /* fresh */
        memory_give(memory, block, granted);
        memory_give(memory, other, 3 * MIB);
    }
    memory_free(memory);
}

/* A large block that nobody wants again does not keep out what many want. */
static void what_is_kept_in_vain_is_forgotten(void **state)
{
    enum { STALE = 256 };
    struct memory *memory = memory_new(64 * MIB, 8 * MIB);
    size_t granted;
    char *large = memory_take(memory, 8 * MIB, &granted), *small, *other;

    (void)state;
    memset(large, 1, 8 * MIB);
    memory_give(memory, large, 8 * MIB); /* all that may be kept */
    for (int i = 0; i < STALE; i++) {
        small = memory_take(memory, MIB, &granted);
        assert_int_equal(small[0], 0); /* fresh each time */
        small[0] = 1;
        memory_give(memory, small, MIB);
    }
    assert_ptr_equal(memory_take(memory, 8 * MIB, &granted), large); /* not yet */
    assert_int_equal(large[8 * MIB - 1], 1);
    memory_give(memory, large, 8 * MIB);
    for (int i = 0; i < STALE + 1; i++) {
        small = memory_take(memory, MIB, &granted);
        memset(small, 2, MIB);
        memory_give(memory, small, MIB);
    }
    assert_ptr_equal(memory_take(memory, MIB, &granted), small); /* kept, in place of the other */
    assert_int_equal(small[MIB - 1], 2);
    large = memory_take(memory, 8 * MIB, &granted);
    assert_int_equal(large[8 * MIB - 1], 0);
    other = memory_take(memory, MIB, &granted);
    memory_give(memory, large, 8 * MIB); /* there is room */
    memory_give(memory, small, MIB);     /* none, and the large one is not stale */
    memory_give(memory, other, MIB);
    assert_ptr_equal(memory_take(memory, 8 * MIB, &granted), large);
    memory_give(memory, large, 8 * MIB);
    memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_back_is_handed_out_again),
        cmocka_unit_test(kept_blocks_give_way),
        cmocka_unit_test(no_more_is_kept_than_was_said),
        cmocka_unit_test(a_large_block_is_kept_in_part),
        cmocka_unit_test(what_is_kept_in_part_grows_within_the_budget),
        cmocka_unit_test(the_worse_half_is_not_kept),
        cmocka_unit_test(what_is_kept_in_vain_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
