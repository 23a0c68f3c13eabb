/* bodies.h - bodies of JSON, the requests that they become, and their answers. */
#ifndef SUPPORT_BODIES_H
#define SUPPORT_BODIES_H

#include "codec/answer.h"
#include "codec/request_json.h"

/* Decode a body in a block that ends with its padding, and is gone afterwards: nothing in *request
 * may point into it. */
enum loss_status body_decode(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct codec_request *request,
                             struct loss_error *error);

/* Answer a body that lies in such a block too, whatever it takes. */
enum loss_status body_answer(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct answer *answer,
                             struct loss_error *error);

#endif
