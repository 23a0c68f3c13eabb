/* answer.c - from the bytes of a request to the bytes of its reply. */
#include "codec/answer.h"

#include <stdatomic.h>

#include "codec/infer.h"
#include "codec/reply_json.h"
#include "codec/request_json.h"
#include "codec/safetensors.h"

enum { REPLY_BYTES_FIRST = 512 };

/* An evaluation under way, for the threads that run its blocks. */
struct evaluation {
    struct loss_plan *plan;
    const struct patience *patience;
    atomic_bool is_stopped; /* a block was left out */
};

static void run_block(void *argument, size_t block)
{
    struct evaluation *evaluation = argument;

    if (patience_is_over(evaluation->patience))
        evaluation->is_stopped = true;
    else
        loss_plan_run(evaluation->plan, block);
}

static enum loss_status evaluate(const struct codec_request *request,
                                 const struct patience *patience, const struct answer_host *host,
                                 struct loss_arena *arena, struct loss_result *result,
                                 struct loss_error *error)
{
    struct evaluation evaluation = {.patience = patience};
    enum loss_status status = loss_plan_new(&request->loss, arena, &evaluation.plan, error);
    size_t blocks;

    if (status != LOSS_OK)
        return status;
    blocks = loss_plan_blocks(evaluation.plan);
    if (host->share != NULL) {
        host->share(host->context, run_block, &evaluation, blocks);
    } else {
        for (size_t block = 0; block < blocks && !evaluation.is_stopped; block++)
            run_block(&evaluation, block);
    }
    if (evaluation.is_stopped)
        return loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED);
    return loss_plan_finish(evaluation.plan, result, error);
}

static bool write_json(struct text *text, const struct codec_request *request,
                       const struct loss_result *result, size_t *head_length)
{
    *head_length = CODEC_NO_HEAD;
    return reply_json_write(text, request, result);
}

static bool write_safetensors(struct text *text, const struct codec_request *request,
                              const struct loss_result *result, size_t *head_length)
{
    *head_length = CODEC_NO_HEAD;
    return reply_safetensors_write(text, request, result);
}

static uint64_t now_ns(const struct answer_host *host)
{
    return host->now_ns != NULL ? host->now_ns() : 0;
}

/* One row per form. */
static const struct {
    const char *media_type; /* of a reply without a head */
    size_t bytes_max;       /* of a reply */
    enum loss_status (*decode)(const struct codec_body *body, const struct codec_limits *limits,
                               struct loss_arena *arena, struct codec_request *request,
                               struct loss_error *error);
    bool (*write)(struct text *text, const struct codec_request *request,
                  const struct loss_result *result, size_t *head_length);
} forms[ANSWER_FORMS] = {
    [ANSWER_JSON] = {"application/json", SIZE_MAX, request_json_decode, write_json},
    [ANSWER_SAFETENSORS] = {"application/x-safetensors", SIZE_MAX, request_safetensors_decode,
                            write_safetensors},
    [ANSWER_INFER] = {"application/json", INFER_REPLY_BYTES_MAX, request_infer_decode,
                      reply_infer_write},
};

enum loss_status answer_request(const struct codec_body *body, enum answer_form in,
                                enum answer_form out, const struct codec_limits *limits,
                                const struct answer_host *host, struct loss_arena *arena,
                                struct answer *answer, struct loss_error *error)
{
    struct codec_request request;
    struct loss_result result;
    enum loss_status status;
    uint64_t start = now_ns(host), decoded, evaluated;
    struct text reply;

    if (patience_is_over(&body->patience))
        return loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED);
    if ((status = forms[in].decode(body, limits, arena, &request, error)) != LOSS_OK)
        return status;
    decoded = now_ns(host);
    if (request.timeout_us != 0 && host->limit_time != NULL)
        host->limit_time(host->context, request.timeout_us);
    if ((status = evaluate(&request, &body->patience, host, arena, &result, error)) != LOSS_OK)
        return status;
    evaluated = now_ns(host);
    text_init(&reply, arena, REPLY_BYTES_FIRST);
    reply.patience = &body->patience;
    if (!forms[out].write(&reply, &request, &result, &answer->head_length))
        return reply.is_unwanted ? loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED)
                                 : loss_fail_memory(error);
    if (reply.length > forms[out].bytes_max)
        return loss_fail(error, LOSS_TOO_MANY_ELEMENTS, NULL,
                         "the reply would have %zu bytes, but this protocol has replies of at most "
                         "%zu",
                         reply.length, forms[out].bytes_max);
    answer->body = reply.data;
    answer->length = reply.length;
    answer->media_type =
        answer->head_length == CODEC_NO_HEAD ? forms[out].media_type : "application/octet-stream";
    answer->rows = result.count + result.ignored;
    answer->decode_ns = decoded - start;
    answer->evaluate_ns = evaluated - decoded;
    answer->encode_ns = now_ns(host) - evaluated;
    return LOSS_OK;
}
