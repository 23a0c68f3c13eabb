/* counted.c - an arena whose memory is counted, can fail once, and is full of something at
 * first. */
#include "support/counted.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void *take(void *context, size_t bytes, size_t *granted)
{
    struct counted *counted = context;
    void *block;

    if (counted->left-- == 0)
        return NULL;
    block = aligned_alloc(LOSS_ARENA_ALIGNMENT, bytes);
    if (block == NULL)
        abort(); /* a test without memory has nothing to say */
    *granted = bytes;
    counted->held += bytes;
    return memset(block, counted->fill, bytes);
}

static void give(void *context, void *block, size_t granted)
{
    struct counted *counted = context;

    counted->held -= granted;
    free(block);
}

void counted_init(struct counted *counted)
{
    *counted = (struct counted){.left = INT_MAX, .fill = 0xa5};
    loss_arena_init(&counted->arena, &(struct loss_arena_source){take, give, counted});
}
