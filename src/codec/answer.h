/* answer.h - from the bytes of a request to the bytes of its reply. */
#ifndef CODEC_ANSWER_H
#define CODEC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/request.h"

/* What a body may be written in. */
enum answer_form {
    ANSWER_JSON,
    ANSWER_SAFETENSORS, /* safetensors.h */
    ANSWER_INFER,       /* the Open Inference Protocol: infer.h */
    ANSWER_FORMS,
};

/* What an answer asks of whoever wants it. */
struct answer_host {
    /* Run parts 0 .. parts-1, each once, in any order and threads; return when all are done.  NULL:
     * one after the other, here. */
    void (*share)(void *context, void (*run)(void *argument, size_t part), void *argument,
                  size_t parts);
    /* The request wants its answer within so many microseconds of its arrival.  NULL: whenever. */
    void (*limit_time)(void *context, uint64_t microseconds);
    /* A clock, for the times below.  NULL: they are 0. */
    uint64_t (*now_ns)(void);
    void *context;
};

struct answer {
    const char *body; /* the arena's */
    size_t length;
    const char *media_type; /* static */
    size_t rows;            /* positions evaluated */
    size_t head_length;     /* bytes of JSON before those of tensors, or CODEC_NO_HEAD */
    uint64_t decode_ns, evaluate_ns, encode_ns;
};

/* Decode a body, which has CODEC_PADDING readable bytes after it, evaluate it and write the
 * reply.  Faults: those of the form's decoder and of loss_evaluate, LOSS_TOO_MANY_ELEMENTS
 * for a reply longer than the form allows, and LOSS_DEADLINE_EXCEEDED once patience is over.
 * Any thread, an arena each. */
enum loss_status answer_request(const struct codec_body *body, enum answer_form in,
                                enum answer_form out, const struct codec_limits *limits,
                                const struct answer_host *host, struct loss_arena *arena,
                                struct answer *answer, struct loss_error *error);

#endif
