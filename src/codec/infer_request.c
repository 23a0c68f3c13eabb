/* infer_request.c - an inference request: its frame, its top-level members, and what they make. */
#include <string.h>

#include "codec/infer_internal.h"

/* The JSON of the body, which must end in a padding of its own if bytes of tensors follow it. */
static enum loss_status open_text(struct infer_decoding *decoding, const struct codec_body *body)
{
    struct loss_error *error = decoding->scanner.error;
    const char *text = body->bytes;
    size_t length = body->length;

    decoding->has_head = body->head_length != CODEC_NO_HEAD;
    if (decoding->has_head) {
        length = body->head_length;
        if (length == 0)
            return loss_fail(error, LOSS_BAD_FRAMING, NULL,
                             "Inference-Header-Content-Length is 0: a body of raw bytes is for "
                             "models of one input, but a loss has two");
        if (length > body->length)
            return loss_fail(error, LOSS_BAD_FRAMING, NULL,
                             "Inference-Header-Content-Length is %zu, but the body has only %zu "
                             "bytes",
                             length, body->length);
    }
    if (length < body->length) {
        char *copy = loss_arena_take(decoding->arena, length + CODEC_PADDING, 1);

        if (copy == NULL)
            return loss_fail_memory(error);
        memcpy(copy, body->bytes, length);
        memset(copy + length, 0, CODEC_PADDING);
        text = copy;
    }
    decoding->tail = body->bytes + length;
    decoding->tail_bytes = body->length - length;
    decoding->scanner.text = decoding->scanner.at = text;
    decoding->scanner.end = text + length;
    return LOSS_OK;
}

static enum loss_status read_id(struct infer_decoding *decoding)
{
    struct scanner *scanner = &decoding->scanner;
    const char *start = scanner->at;
    enum loss_status status = scan_value(scanner);

    if (status != LOSS_OK)
        return status;
    status = envelope_read(&decoding->envelope, request_option_find("id"), start,
                           (size_t)(scanner->at - start));
    if (status == LOSS_OK && decoding->request->id[0] == '\0')
        decoding->request->id = NULL;
    return status;
}

static const struct infer_member members[] = {
    {"id", read_id},
    {"parameters", infer_read_parameters},
    {"inputs", infer_read_inputs},
    {"outputs", infer_read_outputs},
};

/* All members are read: none is missing, and no bytes are left. */
static enum loss_status finish(struct infer_decoding *decoding)
{
    struct codec_request *request = decoding->request;
    const struct loss_tensor *tensors = decoding->tensors;
    enum loss_status status;

    if (!decoding->given[INFER_PREDICTIONS] || !decoding->given[INFER_TARGETS])
        return infer_fail(decoding, LOSS_MISSING_FIELD, "inputs", "the input \"%s\" is missing",
                          decoding->given[INFER_PREDICTIONS]
                              ? "targets"
                              : loss_stage_name(decoding->infer->model->stage));
    if (decoding->tail_bytes > 0)
        return loss_fail(decoding->scanner.error, LOSS_TRAILING_DATA, NULL,
                         "the body has %zu bytes after its JSON, but the inputs take only %zu",
                         decoding->tail_bytes + decoding->taken, decoding->taken);
    if ((status = request_option_resolve(&decoding->envelope.options)) != LOSS_OK)
        return status;
    request->loss.stage = decoding->infer->model->stage;
    request->loss.predictions = tensors[INFER_PREDICTIONS];
    request->loss.targets = tensors[INFER_TARGETS];
    if (decoding->given[INFER_WEIGHTS]) {
        struct loss_tensor *weights = loss_arena_take(decoding->arena, 1, sizeof *weights);

        if (weights == NULL)
            return loss_fail_memory(decoding->scanner.error);
        *weights = tensors[INFER_WEIGHTS];
        request->loss.weights = weights;
    }
    request->infer = decoding->infer;
    return infer_finish_outputs(decoding);
}

static const struct infer_model *model_of(enum loss_stage stage)
{
    size_t i = 0;

    while (infer_model_at(i)->stage != stage)
        i++;
    return infer_model_at(i);
}

enum loss_status request_infer_decode(const struct codec_body *body,
                                      const struct codec_limits *limits, struct loss_arena *arena,
                                      struct codec_request *request, struct loss_error *error)
{
    struct infer_decoding decoding = {
        .scanner = {.depth_max = limits->json_depth_max,
                    .patience = &body->patience,
                    .error = error},
        .limits = limits,
        .arena = arena,
        .request = request,
        .infer = loss_arena_take(arena, 1, sizeof *decoding.infer),
        .place = "",
    };
    enum loss_status status;

    if (decoding.infer == NULL)
        return loss_fail_memory(error);
    *decoding.infer = (struct infer_request){.model = model_of(body->stage)};
    status = envelope_open(&decoding.envelope, body, limits, arena, request, error);
    if (status != LOSS_OK)
        return status;
    if ((status = open_text(&decoding, body)) != LOSS_OK)
        return status;
    status = infer_read_document(&decoding, members, sizeof members / sizeof members[0]);
    return status == LOSS_OK ? finish(&decoding) : status;
}
