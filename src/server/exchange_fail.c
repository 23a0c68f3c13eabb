/* exchange_fail.c - from a status to the reply that tells of it: the only place that knows which
 * failure is which HTTP status. */
#include <string.h>

#include "server/exchange_internal.h"

unsigned exchange_http_status(enum loss_status status)
{
    switch (status) {
    case LOSS_OK: return 200;
    case LOSS_UNKNOWN_VALUE:
    case LOSS_VALUE_OUT_OF_RANGE:
    case LOSS_UNKNOWN_DTYPE:
    case LOSS_TARGET_NOT_INTEGER:
    case LOSS_TARGET_OUT_OF_RANGE:
    case LOSS_INVALID_SHAPE:
    case LOSS_SHAPE_MISMATCH:
    case LOSS_EMPTY_BODY:
    case LOSS_INVALID_JSON:
    case LOSS_TRAILING_DATA:
    case LOSS_EXPECTED_OBJECT:
    case LOSS_DUPLICATE_KEY:
    case LOSS_INVALID_UTF8:
    case LOSS_TOO_DEEP:
    case LOSS_NON_FINITE:
    case LOSS_NUMBER_OUT_OF_RANGE:
    case LOSS_WRONG_TYPE:
    case LOSS_MISSING_FIELD:
    case LOSS_CONFLICTING_FIELDS:
    case LOSS_UNKNOWN_FIELD:
    case LOSS_RAGGED_ARRAY:
    case LOSS_INVALID_SAFETENSORS:
    case LOSS_BAD_FRAMING:
    case LOSS_INVALID_CODING:
    case LOSS_BAD_PATH: return 400;
    case LOSS_UNAUTHORIZED: return 401;
    case LOSS_NOT_FOUND: return 404;
    case LOSS_METHOD_NOT_ALLOWED: return 405;
    case LOSS_NOT_ACCEPTABLE: return 406;
    case LOSS_REQUEST_TIMEOUT: return 408;
    case LOSS_LENGTH_REQUIRED: return 411;
    case LOSS_TOO_MANY_ELEMENTS:
    case LOSS_BODY_TOO_LARGE: return 413;
    case LOSS_UNSUPPORTED_MEDIA_TYPE:
    case LOSS_UNSUPPORTED_ENCODING: return 415;
    case LOSS_EXPECTATION_FAILED: return 417;
    case LOSS_INTERNAL_ERROR: return 500;
    case LOSS_NOT_IMPLEMENTED: return 501;
    case LOSS_OUT_OF_MEMORY:
    case LOSS_QUEUE_FULL:
    case LOSS_CLIENT_GONE:
    case LOSS_CLIENT_QUOTA:
    case LOSS_TOO_MANY_CONNECTIONS:
    case LOSS_MEMORY_BUDGET_FULL:
    case LOSS_DRAINING: return 503;
    case LOSS_DEADLINE_EXCEEDED: return 504;
    case LOSS_STATUS_COUNT: break;
    }
    return 500; /* not a member of the enum at all */
}

/* Whether the fault lies in how the request is framed, so that nothing after it can be trusted, or
 * in a shortage that one connection fewer would ease. */
static bool closes_connection(enum loss_status status)
{
    return status == LOSS_BAD_FRAMING || status == LOSS_EXPECTATION_FAILED ||
           status == LOSS_LENGTH_REQUIRED || status == LOSS_UNSUPPORTED_MEDIA_TYPE ||
           status == LOSS_UNSUPPORTED_ENCODING || exchange_http_status(status) == 503;
}

void exchange_fail(struct exchange *exchange, const struct loss_error *error)
{
    const struct route *route = route_row(exchange->route);
    enum loss_status status = error->status;

    exchange->status = status;
    exchange->state = EXCHANGE_ANSWERED;
    exchange->reply = (struct reply){
        .http_status = exchange_http_status(status),
        .content_type = "application/json",
        .body = exchange->error_text,
        .length = reply_json_write_error(error, exchange->request_id, exchange->error_text),
        .allow = status == LOSS_METHOD_NOT_ALLOWED && route != NULL ? route->allow : NULL,
        .accept_post = status == LOSS_UNSUPPORTED_MEDIA_TYPE ? content_accept_post : NULL,
        .accept_encoding = status == LOSS_UNSUPPORTED_ENCODING ? "gzip, deflate" : NULL,
        .retry_after = exchange_http_status(status) == 503,
        .close = closes_connection(status),
    };
}

void exchange_fail_plainly(struct exchange *exchange, enum loss_status status)
{
    struct loss_error error;

    (void)loss_fail_plainly(&error, status);
    exchange_fail(exchange, &error);
}

void exchange_fail_memory(struct exchange *exchange)
{
    struct loss_error error;

    if (exchange->is_needy)
        (void)exchange_fail_too_needy(exchange, &error);
    else
        (void)loss_fail_plainly(&error, exchange->budget_refused ? LOSS_MEMORY_BUDGET_FULL
                                                                 : LOSS_OUT_OF_MEMORY);
    exchange_fail(exchange, &error);
}

void exchange_fail_unready(struct exchange *exchange)
{
    static const char member[] = "\"ready\": false, ";
    char *body = exchange->error_text; /* of a short sentence, so there is room */

    exchange_fail_plainly(exchange, LOSS_DRAINING);
    memmove(body + 1 + sizeof member - 1, body + 1, exchange->reply.length - 1);
    memcpy(body + 1, member, sizeof member - 1);
    exchange->reply.length += sizeof member - 1;
}
