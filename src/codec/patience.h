/* patience.h - whether anybody still waits for an answer: asked between pieces of long work.
 *
 * A piece takes some tenths of a millisecond.  So whoever is asked may use it to let other threads
 * have the CPU, too. */
#ifndef CODEC_PATIENCE_H
#define CODEC_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>

enum { PIECE_BYTES = 64 * 1024 }; /* of text to read, write, pack or unpack */

struct patience {
    bool (*is_over)(void *context); /* from any thread; NULL: it never is */
    void *context;
};

/* `patience` may be NULL: it never is over. */
static inline bool patience_is_over(const struct patience *patience)
{
    return patience != NULL && patience->is_over != NULL && patience->is_over(patience->context);
}

#endif
