/* fuzz_safetensors.c - any bytes as a safetensors request: decoded, evaluated, and answered in both
 * forms.  This decoder copies what it needs padding for, so the body has none. */
#include "codec/envelope.h"
#include "fuzz/answers.h"
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
    const struct codec_body body = {.bytes = (const char *)data, .length = size};

    FUZZ_CHECK(answers_check(&body, ANSWER_SAFETENSORS, ANSWER_JSON) ==
               answers_check(&body, ANSWER_SAFETENSORS, ANSWER_SAFETENSORS));
    return 0;
}
