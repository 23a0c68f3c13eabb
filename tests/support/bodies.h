/* bodies.h - bodies of JSON, and the requests that they become. */
#ifndef SUPPORT_BODIES_H
#define SUPPORT_BODIES_H

#include "codec/request_json.h"

/* Limits that no test reaches by accident. */
extern const struct codec_limits body_limits;

/* Decode a body in a block that ends with its padding, and is gone afterwards: nothing in *request
 * may point into it. */
enum loss_status body_decode(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct codec_request *request,
                             struct loss_error *error);

#endif
