/* infer.h - the Open Inference Protocol v2 over REST, with Triton's extensions for binary tensors,
 * classification, parameters and timeouts: its models, its requests and its replies.
 *
 * A message is a JSON object, perhaps with the bytes of tensors after it: little-endian, in the
 * order in which the JSON names them, with nothing between them. */
#ifndef CODEC_INFER_H
#define CODEC_INFER_H

#include "codec/request.h"
#include "codec/text.h"

/* A model is a loss by the stage of its predictions.  All have version "1". */
struct infer_model {
    const char *name;
    enum loss_stage stage;
};

const struct infer_model *infer_model_find(const char *name); /* NULL if there is none */
const struct infer_model *infer_model_at(size_t index);       /* NULL past the last */

/* Write a model's metadata or configuration, one JSON object on a line; false if memory ran out. */
bool infer_write_metadata(struct text *text, const struct infer_model *model);
bool infer_write_config(struct text *text, const struct infer_model *model);

/* Decode an inference request for the model of body->stage, of which body->head_length bytes are
 * JSON.  Its tensors may point into the body, which must stay until the reply is written.  Places
 * are those of the message, but for elements of tensors and for options, which are by name
 * ("/logits/3", "/k") as libloss has them.  Faults: those of scan.h, envelope.h and tensor_json.h;
 * LOSS_BAD_FRAMING if bytes and header do not fit, LOSS_TRAILING_DATA if bytes are left over;
 * LOSS_UNKNOWN_DTYPE, LOSS_INVALID_SHAPE, LOSS_SHAPE_MISMATCH, LOSS_VALUE_OUT_OF_RANGE,
 * LOSS_TARGET_NOT_INTEGER, LOSS_TARGET_OUT_OF_RANGE, LOSS_CONFLICTING_FIELDS, LOSS_MISSING_FIELD,
 * LOSS_UNKNOWN_FIELD, LOSS_UNKNOWN_VALUE, LOSS_TOO_MANY_ELEMENTS. */
enum loss_status request_infer_decode(const struct codec_body *body,
                                      const struct codec_limits *limits, struct loss_arena *arena,
                                      struct codec_request *request, struct loss_error *error);

/* Write the reply to an evaluated request into an empty text; false if memory ran out.
 * *head_length is how many bytes of it are JSON, or CODEC_NO_HEAD if all are. */
bool reply_infer_write(struct text *text, const struct codec_request *request,
                       const struct loss_result *result, size_t *head_length);

/* Replies are shorter: Triton's C++ client reads their length as an int. */
#define INFER_REPLY_BYTES_MAX ((size_t)INT32_MAX)

#endif
