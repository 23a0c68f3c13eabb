/* fuzz_infer.c - any bytes as a body of the Open Inference Protocol: decoded, evaluated, answered.
 *
 * The first byte chooses the model and what the header says, the next two the length it says. */
#include <string.h>

#include "codec/answer.h"
#include "codec/envelope.h"
#include "codec/infer.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    envelope_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct codec_limits limits = {.elements_max = 4096,
                                               .envelope_bytes_max = 4096,
                                               .confusion_classes_max = 64,
                                               .json_depth_max = 16};
    static const struct answer_host never = {.context = NULL};
    struct codec_body body;
    struct loss_arena arena;
    struct answer answer;
    struct loss_error error;
    char *block;

    if (size < 3)
        return 0;
    block = calloc(size - 3 + CODEC_PADDING, 1);
    if (block == NULL)
        return 0;
    memcpy(block, data + 3, size - 3);
    body = (struct codec_body){.bytes = block,
                               .length = size - 3,
                               .stage = infer_model_at(data[0] % 3)->stage,
                               .head_length =
                                   data[0] & 0x80 ? (size_t)data[1] << 8 | data[2] : CODEC_NO_HEAD};
    loss_arena_init(&arena, NULL);
    if (answer_request(&body, ANSWER_INFER, ANSWER_INFER, &limits, &never, &arena, &answer,
                       &error) == LOSS_OK) {
        /* what a client relies on */
        if (answer.length == 0 || answer.body[0] != '{' ||
            (answer.head_length != CODEC_NO_HEAD && answer.head_length >= answer.length))
            abort();
    } else if (error.sentence[0] == '\0') {
        abort();
    }
    loss_arena_reset(&arena);
    free(block);
    return 0;
}
