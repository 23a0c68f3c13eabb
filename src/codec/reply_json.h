/* reply_json.h - the JSON form of a reply. */
#ifndef CODEC_REPLY_JSON_H
#define CODEC_REPLY_JSON_H

#include "codec/request.h"
#include "codec/text.h"

/* Write the reply to an evaluated request; false if memory ran out. */
bool reply_json_write(struct text *text, const struct codec_request *request,
                      const struct loss_result *result);

/* Write an error as {"error","code","where","request_id"} and a newline into `buffer`;
 * cut never, as REPLY_JSON_ERROR_BYTES is enough for any.  `request_id` NULL leaves it
 * out.  Returns the length. */
enum { REPLY_JSON_ERROR_BYTES = 4096 };
size_t reply_json_write_error(const struct loss_error *error, const char *request_id, char *buffer);

#endif
