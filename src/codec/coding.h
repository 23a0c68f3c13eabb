/* coding.h - the content codings of bodies, RFC 9110, section 8.4.1: in and
 * out of gzip and deflate. */
#ifndef CODEC_CODING_H
#define CODEC_CODING_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/request.h"
#include "loss/arena.h"
#include "loss/status.h"

enum coding {
    CODING_IDENTITY,
    CODING_GZIP,    /* RFC 1952 */
    CODING_DEFLATE, /* RFC 1950, which has a header and a checksum, not the bare RFC 1951 */
    CODING_COUNT
};

/* As in a header. */
const char *coding_name(enum coding coding);

/* The coding that a Content-Encoding names; NULL and "" are identity.  False, with *coding
 * untouched, if it is none of ours, as is a list of several. */
bool coding_find(const char *header_value, enum coding *coding);

/* Decode a whole body to a piece of the arena, *body, with CODEC_PADDING zero bytes after it.
 * `coding` is not identity; gzip may have several members.  Faults: LOSS_INVALID_CODING;
 * LOSS_BODY_TOO_LARGE as soon as there are more than bytes_max bytes; LOSS_DEADLINE_EXCEEDED once
 * patience is over; LOSS_OUT_OF_MEMORY. */
enum loss_status coding_inflate(const char *bytes, size_t length, enum coding coding,
                                size_t bytes_max, const struct patience *patience,
                                struct loss_arena *arena, char **body, size_t *body_length,
                                struct loss_error *error);

/* Encode a body to a piece of the arena; `coding` is not identity.  The same bytes always give the
 * same.  False: it would not get smaller or memory ran out, and it is best sent as it is; or
 * patience ran out. */
bool coding_deflate(const char *bytes, size_t length, enum coding coding,
                    const struct patience *patience, struct loss_arena *arena, char **body,
                    size_t *body_length);

#endif
