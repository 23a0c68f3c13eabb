/* exchange_reply.c - a reply: its body in the coding that the client takes, and its headers, but
 * for those that HTTP itself needs. */
#include <string.h>

#include "server/cors.h"
#include "server/exchange_internal.h"
#include "server/pressure.h"

/* Not worth compressing below. */
enum { CODED_BYTES_MIN = 1024 };

bool exchange_reply(struct exchange *exchange, const char *content_type, const char *body,
                    size_t length)
{
    enum coding coding = exchange->content.coding_out;
    struct patience patience = {NULL, NULL}; /* documents are small, and always wanted */
    char *coded;

    if (exchange_takes_body(exchange))
        patience = exchange_patience(exchange);

    exchange->reply = (struct reply){
        .http_status = 200, .content_type = content_type, .body = body, .length = length};
    if (coding == CODING_IDENTITY || length < CODED_BYTES_MIN)
        return true;
    if (coding_deflate(body, length, coding, &patience, &exchange->arena, &coded, &length)) {
        exchange->reply.body = coded;
        exchange->reply.length = length;
        exchange->reply.content_encoding = coding_name(coding);
        return true;
    }
    if (!patience_is_over(&patience))
        return true;
    exchange_fail_plainly(exchange, exchange_late_status(exchange));
    return false;
}

void exchange_reply_json(struct exchange *exchange, const struct text *text)
{
    if (text->failed)
        exchange_fail_memory(exchange);
    else
        (void)exchange_reply(exchange, "application/json", text->data, text->length);
}

/* What else the reply depends on, beside the URL. */
static const char *vary(bool on_coding, bool on_origin)
{
    if (on_coding && on_origin)
        return "Accept-Encoding, Origin";
    return on_coding ? "Accept-Encoding" : on_origin ? "Origin" : NULL;
}

/* The page takes what it needs from where it came from, runs in no frame of others, and has no
 * script and no style in its text: what a batch says stays text. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/* Not the same for all, so that not all come back at once. */
static const char *retry_after(const struct exchange *exchange)
{
    return exchange->opened_ns % 2 == 0 ? "1" : "2";
}

size_t exchange_reply_headers(const struct exchange *exchange,
                              struct reply_header headers[REPLY_HEADERS_MAX])
{
    const struct reply *reply = &exchange->reply;
    const char *cors = exchange->cors_origin, *coding = reply->content_encoding;
    bool is_document = reply->tag != NULL;
    const char *origins = exchange->service->options->cors_origin;
    bool one_origin = origins[0] != '\0' && strcmp(origins, "*") != 0; /* whoever asks */
    bool close = reply->close || exchange->service->state->draining ||
                 pressure_now(exchange->service) >= PRESSURE_CLOSING;
    const struct reply_header all[REPLY_HEADERS_MAX] = {
        /* a value of NULL: not there */
        {"Content-Type", reply->content_type},
        {"Content-Encoding", coding},
        {"Inference-Header-Content-Length", reply->head_length},
        {"Server-Timing", reply->server_timing},
        {"X-Request-Id", exchange->request_id},
        {"Allow", reply->allow},
        {"WWW-Authenticate", reply->http_status == 401 ? "Bearer" : NULL},
        {"Accept-Post", reply->accept_post},
        {"Accept-Encoding", reply->accept_encoding},
        {"Retry-After", reply->retry_after ? retry_after(exchange) : NULL},
        {"ETag", reply->tag},
        {"Cache-Control", is_document ? "no-cache" : NULL}, /* ask whether it is still the same */
        {"Content-Security-Policy", is_document ? policy : NULL},
        {"X-Content-Type-Options", is_document ? "nosniff" : NULL},
        {"Referrer-Policy", is_document ? "no-referrer" : NULL},
        {"Vary", vary(coding != NULL || is_document, one_origin)},
        {"Access-Control-Allow-Origin", cors},
        {"Access-Control-Expose-Headers", cors != NULL ? cors_exposed : NULL},
        {"Access-Control-Allow-Methods", reply->is_preflight ? "GET, HEAD, POST" : NULL},
        {"Access-Control-Allow-Headers", reply->is_preflight ? cors_allowed : NULL},
        {"Access-Control-Max-Age", reply->is_preflight ? "600" : NULL},
        {"Connection", close ? "close" : NULL},
    };
    size_t count = 0;

    for (size_t i = 0; i < REPLY_HEADERS_MAX; i++) {
        if (all[i].value != NULL)
            headers[count++] = all[i];
    }
    return count;
}
