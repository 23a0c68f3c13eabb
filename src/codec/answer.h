/* answer.h - from the bytes of a request to the bytes of its reply. */
#ifndef CODEC_ANSWER_H
#define CODEC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/request.h"

/* Asked between steps of the work: true means that nobody waits for the answer any more. */
struct answer_stop {
    bool (*stopped)(void *context); /* NULL: never */
    void *context;
};

struct answer {
    const char *body; /* the arena's */
    size_t length;
    size_t rows; /* positions evaluated */
};

/* Decode the JSON body `text` (with REQUEST_JSON_PADDING readable bytes after it), evaluate it and
 * write the reply.  Faults: those of request_json_decode and loss_evaluate, and
 * LOSS_DEADLINE_EXCEEDED once `stop` says so.  Any thread, an arena each. */
enum loss_status answer_json(const char *text, size_t length, const struct codec_limits *limits,
                             const struct answer_stop *stop, struct loss_arena *arena,
                             struct answer *answer, struct loss_error *error);

#endif
