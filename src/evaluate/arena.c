/* arena.c - blocks of doubling size, taken from a source; pieces are cut from the newest one. */
#include "loss/arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONED 1
#endif
#endif
#ifdef ARENA_POISONED
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)   ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

enum {
    FIRST_BLOCK_BYTES = 16 * 1024,
    NEXT_BLOCK_BYTES_MAX = 64 * 1024 * 1024, /* above it blocks are made to measure */
};

struct loss_arena_block {
    struct loss_arena_block *older;
    size_t granted; /* bytes of the block, this header included */
    size_t used;    /* bytes cut so far, this header included; a multiple of the alignment */
};

/* Bytes before the first piece of a block: its header, rounded up. */
enum { HEADER_BYTES = LOSS_ARENA_ALIGNMENT };
static_assert(sizeof(struct loss_arena_block) <= HEADER_BYTES, "the header must fit");

static void *take_from_heap(void *context, size_t bytes, size_t *granted)
{
    (void)context;
    *granted = bytes;
    return aligned_alloc(LOSS_ARENA_ALIGNMENT, bytes);
}

static void give_to_heap(void *context, void *block, size_t granted)
{
    (void)context;
    (void)granted;
    free(block);
}

void loss_arena_init(struct loss_arena *arena, const struct loss_arena_source *source)
{
    static const struct loss_arena_source heap = {take_from_heap, give_to_heap, NULL};

    arena->source = source != NULL ? *source : heap;
    arena->newest = NULL;
    arena->next_bytes = FIRST_BLOCK_BYTES;
}

/* False if it does not fit a size_t with room to spare for a block's header. */
static bool round_up(size_t bytes, size_t *rounded)
{
    if (bytes > SIZE_MAX / 4)
        return false;
    *rounded = (bytes + LOSS_ARENA_ALIGNMENT - 1) / LOSS_ARENA_ALIGNMENT * LOSS_ARENA_ALIGNMENT;
    return true;
}

/* A new block with room for a piece of `bytes`, made the newest; NULL if memory runs out. */
static struct loss_arena_block *add_block(struct loss_arena *arena, size_t bytes)
{
    size_t wanted = HEADER_BYTES + bytes, granted;
    struct loss_arena_block *block;

    if (wanted < arena->next_bytes)
        wanted = arena->next_bytes;
    block = arena->source.take(arena->source.context, wanted, &granted);
    if (block == NULL)
        return NULL;
    *block = (struct loss_arena_block){arena->newest, granted, HEADER_BYTES};
    ASAN_POISON_MEMORY_REGION((char *)block + HEADER_BYTES, granted - HEADER_BYTES);
    arena->newest = block;
    if (arena->next_bytes < NEXT_BLOCK_BYTES_MAX)
        arena->next_bytes *= 2;
    return block;
}

void *loss_arena_take(struct loss_arena *arena, size_t count, size_t size)
{
    struct loss_arena_block *block = arena->newest;
    size_t bytes;
    char *piece;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    if (!round_up(count * size, &bytes))
        return NULL;
    if (block == NULL || block->granted - block->used < bytes) {
        block = add_block(arena, bytes);
        if (block == NULL)
            return NULL;
    }
    piece = (char *)block + block->used;
    block->used += bytes;
    ASAN_UNPOISON_MEMORY_REGION(piece, count * size);
    return piece;
}

void *loss_arena_resize(struct loss_arena *arena, void *last, size_t old_bytes, size_t bytes)
{
    struct loss_arena_block *block = arena->newest;
    size_t start, rounded;
    void *moved;

    assert(block != NULL && (char *)last >= (char *)block + HEADER_BYTES &&
           (char *)last <= (char *)block + block->used);
    start = (size_t)((char *)last - (char *)block);
    if (!round_up(bytes, &rounded))
        return NULL;
    if (block->granted - start >= rounded) {
        block->used = start + rounded;
        ASAN_POISON_MEMORY_REGION(last, block->granted - start);
        ASAN_UNPOISON_MEMORY_REGION(last, bytes);
        return last;
    }
    moved = loss_arena_take(arena, bytes, 1);
    if (moved != NULL)
        memcpy(moved, last, old_bytes < bytes ? old_bytes : bytes);
    return moved;
}

void loss_arena_reset(struct loss_arena *arena)
{
    struct loss_arena_block *block = arena->newest;

    while (block != NULL) {
        struct loss_arena_block *older = block->older;

        ASAN_UNPOISON_MEMORY_REGION((char *)block + HEADER_BYTES, block->granted - HEADER_BYTES);
        arena->source.give(arena->source.context, block, block->granted);
        block = older;
    }
    arena->newest = NULL;
    arena->next_bytes = FIRST_BLOCK_BYTES;
}
