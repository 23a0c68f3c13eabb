/* patience.h - whether anybody still waits for an answer: asked between pieces of long work.
 *
 * A piece takes a tenth of a millisecond or two, as a block of an evaluation does.  So whoever is
 * asked may use it to let other threads have the CPU, too. */
#ifndef CODEC_PATIENCE_H
#define CODEC_PATIENCE_H

#include <stdbool.h>
#include <stddef.h>

enum { PATIENCE_BYTES = 64 * 1024 }; /* a piece of text to read, write, pack or unpack */

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
