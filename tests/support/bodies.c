/* bodies.c - bodies of JSON, the requests that they become, and their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/bodies.h"

/* A copy in a block that ends with its padding. */
static char *copy_of(const char *bytes, size_t length)
{
    char *text = calloc(length + CODEC_PADDING, 1);

    assert_non_null(text);
    memcpy(text, bytes, length);
    return text;
}

enum loss_status body_decode(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct codec_request *request,
                             struct loss_error *error)
{
    char *text = copy_of(bytes, length);
    enum loss_status status;

    error->status = LOSS_OK;
    status = request_json_decode(&(struct codec_body){.bytes = text, .length = length}, limits,
                                 arena, request, error);
    assert_int_equal(error->status, status);
    memset(text, 'x', length);
    free(text);
    return status;
}

enum loss_status body_answer(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct answer *answer,
                             struct loss_error *error)
{
    static const struct answer_host alone = {.context = NULL};
    char *text = copy_of(bytes, length);
    enum loss_status status;

    error->status = LOSS_OK;
    status = answer_request(&(struct codec_body){.bytes = text, .length = length}, ANSWER_JSON,
                            ANSWER_JSON, limits, &alone, arena, answer, error);
    assert_int_equal(error->status, status);
    free(text);
    return status;
}
