/* counted.h - an arena whose memory is counted, can fail once, and is full of something at
 * first. */
#ifndef SUPPORT_COUNTED_H
#define SUPPORT_COUNTED_H

#include <stddef.h>

#include "loss/arena.h"

struct counted {
    struct loss_arena arena;
    int left;           /* blocks to be taken until one is not given; those after it are */
    unsigned char fill; /* every byte of a new block */
    size_t held;        /* bytes of all blocks taken and not given back */
};

void counted_init(struct counted *counted);

#endif
