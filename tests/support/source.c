/* source.c - where an arena's blocks come from when some are to be missing. */
#include "support/source.h"

#include <stdlib.h>
#include <string.h>

static void *take(void *context, size_t bytes, size_t *granted)
{
    struct source *source = context;
    void *block;

    source->takes++;
    if (source->fails_at != 0 && (source->takes == source->fails_at ||
                                  (source->fails_onward && source->takes > source->fails_at)))
        return NULL;
    *granted = (bytes + source->extra + LOSS_ARENA_ALIGNMENT - 1) / LOSS_ARENA_ALIGNMENT *
               LOSS_ARENA_ALIGNMENT;
    block = aligned_alloc(LOSS_ARENA_ALIGNMENT, *granted);
    if (block == NULL)
        abort(); /* not the shortage that the test is about */
    source->out++;
    source->bytes_out += *granted;
    return memset(block, source->has_zeros ? 0 : 0xa5, *granted);
}

static void give(void *context, void *block, size_t granted)
{
    struct source *source = context;

    source->out--;
    source->bytes_out -= granted;
    free(block);
}

void source_init(struct loss_arena *arena, struct source *source)
{
    loss_arena_init(arena, &(struct loss_arena_source){take, give, source});
}
