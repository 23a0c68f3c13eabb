/* bodies.c - bodies of JSON, and the requests that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/bodies.h"

const struct codec_limits body_limits = {.elements_max = 1000000,
                                         .envelope_bytes_max = 65536,
                                         .json_depth_max = 32,
                                         .confusion_classes_max = 1000};

enum loss_status body_decode(const char *bytes, size_t length, const struct codec_limits *limits,
                             struct loss_arena *arena, struct codec_request *request,
                             struct loss_error *error)
{
    char *text = calloc(length + CODEC_PADDING, 1);
    enum loss_status status;

    assert_non_null(text);
    memcpy(text, bytes, length);
    error->status = LOSS_OK;
    status = request_json_decode(&(struct codec_body){.bytes = text, .length = length}, limits,
                                 arena, request, error);
    assert_int_equal(error->status, status);
    memset(text, 'x', length);
    free(text);
    return status;
}
