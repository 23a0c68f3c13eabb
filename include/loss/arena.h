/* arena.h - the memory of one request: taken piece by piece, given back all at once.
 *
 * Whatever a request needs between its decoding and its reply comes from its arena, so there is no
 * free() in between and nothing to leak on any failing path.  An arena belongs to one thread at a
 * time; it has no lock. */
#ifndef LOSS_ARENA_H
#define LOSS_ARENA_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LOSS_ARENA_ALIGNMENT = 64 }; /* bytes; every piece starts at a multiple of it */

/* Where the blocks of an arena, or of several, come from; their threads call it, and `context` must
 * outlive them.  `take` returns a block of at least `bytes`, aligned to LOSS_ARENA_ALIGNMENT, and
 * writes its size to *granted; NULL means there is no memory.  `give` gets each block back exactly
 * once, with the size that was granted. */
struct loss_arena_source {
    void *(*take)(void *context, size_t bytes, size_t *granted);
    void (*give)(void *context, void *block, size_t granted);
    void *context;
};

struct loss_arena_block;

/* Use the functions below; the fields are theirs. */
struct loss_arena {
    struct loss_arena_source source;
    struct loss_arena_block *newest;
    size_t next_bytes; /* size of the next block: blocks double, so n bytes cost O(log n) blocks */
};

/* An empty arena; `source` is copied, NULL stands for the C library's heap.  Cannot fail. */
void loss_arena_init(struct loss_arena *arena, const struct loss_arena_source *source);

/* Room for `count` elements of `size` bytes, not initialised; NULL if memory runs out or the
 * product overflows.  A count of 0 gives a valid pointer. */
void *loss_arena_take(struct loss_arena *arena, size_t count, size_t size);

/* Make the piece `last`, the most recent one taken, `bytes` long instead of `old_bytes`;
 * in place if its block has room, else by moving it.  NULL, with the old piece
 * untouched, if memory runs out. */
void *loss_arena_resize(struct loss_arena *arena, void *last, size_t old_bytes, size_t bytes);

/* Give every block back to the source.  All pieces are gone; the arena can be used again. */
void loss_arena_reset(struct loss_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
