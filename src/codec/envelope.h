/* envelope.h - the options of a request: its JSON without the tensors.  envelope.c is the only file of
 * this room that knows jansson.
 *
 * jansson 2.14 may change values silently when one of its allocations fails.  So it parses on memory
 * reserved beforehand, enough for any text of that length, and nothing is used if that ran dry. */
#ifndef CODEC_ENVELOPE_H
#define CODEC_ENVELOPE_H

#include <stdbool.h>

#include "codec/request.h"

/* What some options say, before it is known how they go together.  Start from ENVELOPE_EMPTY. */
struct envelope {
    const char *reduction;
    int size_average, reduce; /* -1 if not given: a missing one counts as true */
};

#define ENVELOPE_EMPTY                   \
    {                                    \
        .size_average = -1, .reduce = -1 \
    }

/* Make jansson's allocations in this process go through here.  Call once, before any thread. */
void envelope_start(void);

/* The number of the option of this name, 0 .. 31, or -1. */
int envelope_find(const char *name);

/* The names of all options, *count of them. */
const char *const *envelope_names(size_t *count);

/* Read the value `text` of an option, well-formed JSON, into *request or *envelope.  Faults, with the
 * pointer of the option: LOSS_WRONG_TYPE, LOSS_UNKNOWN_VALUE, LOSS_UNKNOWN_DTYPE, LOSS_NON_FINITE,
 * LOSS_VALUE_OUT_OF_RANGE, LOSS_NUMBER_OUT_OF_RANGE, LOSS_DUPLICATE_KEY in an object, and
 * LOSS_OUT_OF_MEMORY.  Strings live in `arena`. */
enum loss_status envelope_read(struct envelope *envelope, int number, const char *text,
                               size_t length, struct loss_arena *arena,
                               struct codec_request *request, struct loss_error *error);

/* After all options: PyTorch's old flags replace the reduction, even an invalid one.
 * LOSS_UNKNOWN_VALUE. */
enum loss_status envelope_resolve(const struct envelope *envelope, struct codec_request *request,
                                  struct loss_error *error);

#endif
