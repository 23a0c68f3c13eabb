/* answer.c - from the bytes of a request to the bytes of its reply. */
#include "codec/answer.h"

#include <stdatomic.h>

#include "codec/reply_json.h"
#include "codec/request_json.h"
#include "codec/safetensors.h"

enum { REPLY_BYTES_FIRST = 512 };

/* An evaluation under way, for the threads that run its blocks. */
struct evaluation {
    struct loss_plan *plan;
    const struct answer_host *host;
    atomic_bool is_stopped; /* a block was left out */
};

static bool is_stopped(const struct answer_host *host)
{
    return host->stopped != NULL && host->stopped(host->context);
}

static void run_block(void *argument, size_t block)
{
    struct evaluation *evaluation = argument;

    if (is_stopped(evaluation->host))
        evaluation->is_stopped = true;
    else
        loss_plan_run(evaluation->plan, block);
}

static enum loss_status evaluate(const struct codec_request *request,
                                 const struct answer_host *host, struct loss_arena *arena,
                                 struct loss_result *result, struct loss_error *error)
{
    struct evaluation evaluation = {.host = host};
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

/* One row per form. */
static const struct {
    const char *media_type;
    enum loss_status (*decode)(const struct codec_body *body, const struct codec_limits *limits,
                               struct loss_arena *arena, struct codec_request *request,
                               struct loss_error *error);
    bool (*write)(struct text *text, const struct codec_request *request,
                  const struct loss_result *result);
} forms[ANSWER_FORMS] = {
    [ANSWER_JSON] = {"application/json", request_json_decode, reply_json_write},
    [ANSWER_SAFETENSORS] = {"application/x-safetensors", request_safetensors_decode,
                            reply_safetensors_write},
};

enum loss_status answer_request(const struct codec_body *body, enum answer_form in,
                                enum answer_form out, const struct codec_limits *limits,
                                const struct answer_host *host, struct loss_arena *arena,
                                struct answer *answer, struct loss_error *error)
{
    struct codec_request request;
    struct loss_result result;
    enum loss_status status;
    struct text reply;

    if (is_stopped(host))
        return loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED);
    status = forms[in].decode(body, limits, arena, &request, error);
    if (status != LOSS_OK)
        return status;
    status = evaluate(&request, host, arena, &result, error);
    if (status != LOSS_OK)
        return status;
    text_init(&reply, arena, REPLY_BYTES_FIRST);
    if (!forms[out].write(&reply, &request, &result))
        return loss_fail_memory(error);
    *answer = (struct answer){reply.data, reply.length, forms[out].media_type,
                              result.count + result.ignored};
    return LOSS_OK;
}
