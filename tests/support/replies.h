/* replies.h - replies in JSON as jansson's values, and how they compare with expected ones. */
#ifndef SUPPORT_REPLIES_H
#define SUPPORT_REPLIES_H

#include <jansson.h>

#include "codec/request.h"

enum { REPLY_TEXT_BYTES = 1024 };

/* JSON written with ' for ", which C would want escaped, as JSON: `quoted`. */
const char *reply_unquoted(const char *text, char quoted[REPLY_TEXT_BYTES]);

/* The reply to a body, or NULL with *error filled. */
json_t *reply_to(const char *body, const struct codec_limits *limits, struct loss_error *error);

/* Fails the test, naming the place, unless `got` is as wanted: numbers to a relative 1e-12,
 * gradients to 1e-9, integers and words exactly; arrays and objects whole, but for the reply
 * itself, of which only the wanted members are looked at.  `name` has no slash. */
void reply_check(const char *name, const json_t *got, const json_t *want);

/* Fails the test unless per_class, if it is there, adds up to the whole. */
void reply_check_sums(const char *name, const json_t *reply);

#endif
