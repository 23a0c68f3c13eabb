/* request_json.h - the JSON form of a request. */
#ifndef CODEC_REQUEST_JSON_H
#define CODEC_REQUEST_JSON_H

#include "codec/request.h"

/* Decode the body.  Everything in *request lives in `arena`.  Faults: those of the text and
 * of values, LOSS_EMPTY_BODY .. LOSS_RAGGED_ARRAY, those of envelope.h,
 * LOSS_TARGET_NOT_INTEGER, LOSS_TARGET_OUT_OF_RANGE, LOSS_TOO_MANY_ELEMENTS,
 * LOSS_BODY_TOO_LARGE for the envelope, LOSS_OUT_OF_MEMORY. */
enum loss_status request_json_decode(const struct codec_body *body,
                                     const struct codec_limits *limits, struct loss_arena *arena,
                                     struct codec_request *request, struct loss_error *error);

#endif
