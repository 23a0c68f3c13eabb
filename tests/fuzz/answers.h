/* answers.h - what must hold of the answer to any request. */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include "codec/answer.h"

/* Answer the request, within limits that short bodies can reach, and check: a reply or an error is
 * valid JSON, or safetensors with a header that is; it does not depend on what memory held before;
 * and a shortage of memory at any time is reported as one, if it matters. */
enum loss_status answers_check(const struct codec_body *body, enum answer_form in,
                               enum answer_form out);

/* A text is one JSON object, or an array, by the grammar: no bare NaN. */
void answers_check_json(const char *text, size_t length);

/* A copy on the heap with CODEC_PADDING zero bytes after it. */
char *answers_pad(const void *bytes, size_t length);

#endif
