/* messages.h - bodies of the Open Inference Protocol, and what they are answered. */
#ifndef SUPPORT_MESSAGES_H
#define SUPPORT_MESSAGES_H

#include "codec/answer.h"
#include "codec/infer.h"

/* Limits that no test reaches by accident. */
extern const struct codec_limits message_limits;

/* A body: JSON, and the bytes of tensors. */
struct message {
    enum loss_stage stage;
    const char *json;
    const void *tail; /* NULL: all is JSON, and no header is sent */
    size_t tail_bytes;
};

/* Answer a message from a block that ends with its padding, `shift` bytes off any alignment, and is
 * gone afterwards. */
enum loss_status message_answer(const struct message *message, size_t shift,
                                struct loss_arena *arena, struct answer *answer,
                                struct loss_error *error);

/* The same, of a message that is right, with a NUL after the answer; fails the test if it is
 * not. */
struct answer message_reply(const struct message *message, struct loss_arena *arena);

/* The answer to plain JSON for a model of logits, as a string; fails the test if it has a head. */
const char *message_text(const char *json, struct loss_arena *arena);

#endif
