/* answer.c - from the bytes of a request to the bytes of its reply. */
#include "codec/answer.h"

#include "codec/reply_json.h"
#include "codec/request_json.h"

enum { REPLY_BYTES_FIRST = 512 };

static bool is_stopped(const struct answer_stop *stop)
{
    return stop->stopped != NULL && stop->stopped(stop->context);
}

static enum loss_status fail_stopped(struct loss_error *error)
{
    return loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED);
}

static enum loss_status evaluate(const struct codec_request *request,
                                 const struct answer_stop *stop, struct loss_arena *arena,
                                 struct loss_result *result, struct loss_error *error)
{
    struct loss_plan *plan;
    enum loss_status status = loss_plan_new(&request->loss, arena, &plan, error);

    if (status != LOSS_OK)
        return status;
    for (size_t block = 0; block < loss_plan_blocks(plan); block++) {
        if (is_stopped(stop))
            return fail_stopped(error);
        loss_plan_run(plan, block);
    }
    return loss_plan_finish(plan, result, error);
}

enum loss_status answer_json(const char *text, size_t length, const struct codec_limits *limits,
                             const struct answer_stop *stop, struct loss_arena *arena,
                             struct answer *answer, struct loss_error *error)
{
    struct codec_request request;
    struct loss_result result;
    enum loss_status status;
    struct text reply;

    if (is_stopped(stop))
        return fail_stopped(error);
    status = request_json_decode(text, length, limits, arena, &request, error);
    if (status != LOSS_OK)
        return status;
    status = evaluate(&request, stop, arena, &result, error);
    if (status != LOSS_OK)
        return status;
    text_init(&reply, arena, REPLY_BYTES_FIRST);
    if (!reply_json_write(&reply, &request, &result))
        return loss_fail_memory(error);
    *answer = (struct answer){reply.data, reply.length, result.count + result.ignored};
    return LOSS_OK;
}
