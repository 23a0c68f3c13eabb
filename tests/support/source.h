/* source.h - where an arena's blocks come from when some are to be missing. */
#ifndef SUPPORT_SOURCE_H
#define SUPPORT_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "loss/arena.h"

/* Counts, grants `extra` bytes more than asked, and fails at the fails_at-th take (from 1; 0 never)
 * or, with fails_onward, from there on.  Blocks are full of 0xa5 at first, or of zeros. */
struct source {
    size_t extra, fails_at;
    bool fails_onward, has_zeros;
    size_t takes, out, bytes_out; /* tries to take, blocks and bytes that are not given back */
};

/* An empty arena on it. */
void source_init(struct loss_arena *arena, struct source *source);

#endif
