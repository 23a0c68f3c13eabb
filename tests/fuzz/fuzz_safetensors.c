/* fuzz_safetensors.c - any bytes as a safetensors request: decoded, evaluated, and answered in both
 * forms.  For libFuzzer; whatever the sanitizers do not complain of is right. */
#include "codec/envelope.h"
#include "codec/reply_json.h"
#include "codec/safetensors.h"
#include "fuzz/fuzz.h"

static const struct codec_limits limits = {.elements_max = 4096,
                                           .envelope_bytes_max = 4096,
                                           .json_depth_max = 32,
                                           .confusion_classes_max = 64};

static void answer(const struct codec_request *request, struct loss_arena *arena)
{
    struct loss_result result;
    struct loss_error error;
    struct text text;

    if (loss_evaluate(&request->loss, arena, &result, &error) != LOSS_OK)
        return;
    text_init(&text, arena, 64);
    (void)reply_safetensors_write(&text, request, &result);
    text_init(&text, arena, 64);
    (void)reply_json_write(&text, request, &result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int is_started;
    const struct codec_body body = {.bytes = (const char *)data, .length = size};
    struct codec_request request;
    struct loss_arena arena;
    struct loss_error error;

    if (!is_started) {
        envelope_start();
        is_started = 1;
    }
    loss_arena_init(&arena, NULL);
    if (request_safetensors_decode(&body, &limits, &arena, &request, &error) == LOSS_OK)
        answer(&request, &arena);
    loss_arena_reset(&arena);
    return 0;
}
