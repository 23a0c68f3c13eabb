/* messages.c - bodies of the Open Inference Protocol, and what they are answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/messages.h"

const struct codec_limits message_limits = {.elements_max = 1000000,
                                            .envelope_bytes_max = 65536,
                                            .json_depth_max = 32,
                                            .confusion_classes_max = 1000};

enum loss_status message_answer(const struct message *message, size_t shift,
                                struct loss_arena *arena, struct answer *answer,
                                struct loss_error *error)
{
    static const struct answer_host never = {.context = NULL};
    size_t head = strlen(message->json), length = head + message->tail_bytes;
    char *block = calloc(shift + length + CODEC_PADDING, 1);
    struct codec_body body = {.bytes = block + shift,
                              .length = length,
                              .stage = message->stage,
                              .head_length = message->tail != NULL ? head : CODEC_NO_HEAD};
    enum loss_status status;

    assert_non_null(block);
    memcpy(block + shift, message->json, head);
    if (message->tail_bytes > 0)
        memcpy(block + shift + head, message->tail, message->tail_bytes);
    *error = (struct loss_error){.status = LOSS_OK};
    status = answer_request(&body, ANSWER_INFER, ANSWER_INFER, &message_limits, &never, arena,
                            answer, error);
    assert_int_equal(error->status, status);
    memset(block, 'x', shift + length);
    free(block);
    return status;
}

struct answer message_reply(const struct message *message, struct loss_arena *arena)
{
    struct answer answer;
    struct loss_error error;
    char *text;

    if (message_answer(message, 0, arena, &answer, &error) != LOSS_OK)
        fail_msg("%s: %s", message->json, error.sentence);
    text = loss_arena_take(arena, answer.length + 1, 1);
    assert_non_null(text);
    memcpy(text, answer.body, answer.length);
    text[answer.length] = '\0';
    answer.body = text;
    assert_string_equal(answer.media_type, answer.head_length == CODEC_NO_HEAD
                                               ? "application/json"
                                               : "application/octet-stream");
    return answer;
}

const char *message_text(const char *json, struct loss_arena *arena)
{
    struct answer answer =
        message_reply(&(struct message){LOSS_STAGE_LOGITS, json, NULL, 0}, arena);

    assert_true(answer.head_length == CODEC_NO_HEAD);
    return answer.body;
}
