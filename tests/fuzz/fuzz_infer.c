/* fuzz_infer.c - any bytes as a body of the Open Inference Protocol: decoded, evaluated, answered.
 *
 * The first byte chooses the model and what the header says, the next two the length it says. */
#include "codec/envelope.h"
#include "codec/infer.h"
#include "fuzz/answers.h"
#include "fuzz/fuzz.h"

enum { CHOICE_BYTES = 3, MODELS = 3, HAS_HEAD = 0x80 };

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    envelope_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct codec_body body;
    char *bytes;

    if (size < CHOICE_BYTES)
        return 0;
    bytes = answers_pad(data + CHOICE_BYTES, size - CHOICE_BYTES);
    body = (struct codec_body){.bytes = bytes,
                               .length = size - CHOICE_BYTES,
                               .stage = infer_model_at(data[0] % MODELS)->stage,
                               .head_length = data[0] & HAS_HEAD ? (size_t)data[1] << 8 | data[2]
                                                                 : CODEC_NO_HEAD};
    (void)answers_check(&body, ANSWER_INFER, ANSWER_INFER);
    free(bytes);
    return 0;
}
