/* envelope.h - a request without its tensors: the options in its body and beside it.  envelope.c is
 * the only file of this room that knows jansson.
 *
 * jansson 2.14 may change values silently when one of its allocations fails.  So it
 * parses on memory reserved beforehand, enough for any text of that length, and nothing
 * is used if that ran dry. */
#ifndef CODEC_ENVELOPE_H
#define CODEC_ENVELOPE_H

#include "codec/request_options.h"

/* Make jansson's allocations in this process go through here.  Call once, before any thread. */
void envelope_start(void);

/* Use the functions below; the fields are theirs. */
struct envelope {
    struct request_options options;
    const struct codec_limits *limits;
    struct loss_arena *arena;
    unsigned in_query, in_body; /* a bit for each option */
    size_t bytes;               /* the text of the options so far, in the query and in the body */
};

/* Set *request to its defaults and read the options of the body's query into it.  Faults: those of
 * request_option_read; LOSS_UNKNOWN_FIELD, LOSS_DUPLICATE_KEY, LOSS_NUMBER_OUT_OF_RANGE,
 * LOSS_BODY_TOO_LARGE if all of them together are, LOSS_OUT_OF_MEMORY. */
enum loss_status envelope_open(struct envelope *envelope, const struct codec_body *body,
                               const struct codec_limits *limits, struct loss_arena *arena,
                               struct codec_request *request, struct loss_error *error);

/* Read an option of the body: its number, and its value in well-formed JSON, which is copied.
 * Faults: those of request_option_read; LOSS_DUPLICATE_KEY if it was there, or in an object of its
 * value; LOSS_CONFLICTING_FIELDS if it is in the query; LOSS_NUMBER_OUT_OF_RANGE;
 * LOSS_BODY_TOO_LARGE if all options together are; LOSS_OUT_OF_MEMORY. */
enum loss_status envelope_read(struct envelope *envelope, int number, const char *text,
                               size_t length);

/* Read an option of the body that is written as plain text, in a map of strings; `value` must live
 * as long as the request.  Faults: also LOSS_UNKNOWN_FIELD. */
enum loss_status envelope_read_text(struct envelope *envelope, const char *name, const char *value);

#endif
