/* safetensors.h - the safetensors form of a request and of a reply.
 *
 * A file is 8 bytes with the length N of its header, little-endian; N bytes of JSON, an object that
 * has for each tensor its name, dtype, shape and place; and the tensors' bytes, one after the
 * other, which are used where they lie.  Source: the format's description,
 * huggingface.co/docs/safetensors.  Stricter than its readers in one thing: an entry has no other
 * members than those three. */
#ifndef CODEC_SAFETENSORS_H
#define CODEC_SAFETENSORS_H

#include "codec/request.h"
#include "codec/text.h"

/* Decode the body.  Tensors of *request may lie in it, all else lives in `arena`.  Options are
 * taken from the query and the header's __metadata__, but for `dtype`, which the tensors have.
 * Faults: LOSS_EMPTY_BODY; LOSS_INVALID_SAFETENSORS, LOSS_INVALID_UTF8, LOSS_DUPLICATE_KEY of the
 * file; LOSS_UNKNOWN_FIELD, LOSS_MISSING_FIELD, LOSS_CONFLICTING_FIELDS, LOSS_UNKNOWN_DTYPE,
 * LOSS_INVALID_SHAPE, LOSS_TOO_MANY_ELEMENTS, LOSS_TARGET_OUT_OF_RANGE of its tensors; those of
 * envelope.h; LOSS_BODY_TOO_LARGE for the header, LOSS_OUT_OF_MEMORY. */
enum loss_status request_safetensors_decode(const struct codec_body *body,
                                            const struct codec_limits *limits,
                                            struct loss_arena *arena, struct codec_request *request,
                                            struct loss_error *error);

/* Write the reply to an evaluated request: a tensor for each number and part of it, a column of a
 * table as "ece_bins.count"; the single numbers also as words in __metadata__.  Every tensor is
 * aligned.  False if memory ran out. */
bool reply_safetensors_write(struct text *text, const struct codec_request *request,
                             const struct loss_result *result);

#endif
