/* exchange_open.c - the beginning of an exchange: what is asked for, and
 * whether there is room for it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/words.h"
#include "server/access.h"
#include "server/clock.h"
#include "server/cors.h"
#include "server/exchange_internal.h"
#include "server/negotiate.h"
#include "server/pressure.h"

/* Of a chunked body, whose length is not known, the first block. */
enum { FIRST_BODY_BYTES = 16 * 1024 };

/* The arena's blocks come from the memory of the service, and count against its budget. */
static void *take_block(void *context, size_t bytes, size_t *granted)
{
    struct exchange *exchange = context;
    const struct route *route = route_row(exchange->route);
    bool is_vital = route != NULL && route_is_vital(route);
    void *block =
        (is_vital ? memory_take_vital : memory_take)(exchange->service->memory, bytes, granted);

    if (block != NULL) {
        exchange->arena_granted += *granted;
        return block;
    }
    exchange->budget_refused = true;
    exchange->is_needy |= !exchange_could_take(exchange, bytes);
    return NULL;
}

static void give_block(void *context, void *block, size_t granted)
{
    struct exchange *exchange = context;

    exchange->arena_granted -= granted;
    memory_give(exchange->service->memory, block, granted);
}

/* A spare exchange, or a new one; only its links to the service are set. */
static struct exchange *fetch(struct service *service)
{
    struct exchange *exchange = service->spare;

    if (exchange != NULL)
        service->spare = exchange->next;
    else
        exchange = malloc(sizeof *exchange);
    if (exchange == NULL)
        return NULL;
    /* All but the error text, which is large and only read after it is written. */
    memset(exchange, 0, offsetof(struct exchange, error_text));
    exchange->service = service;
    return exchange;
}

/* 16 hexadecimal digits from a counter scrambled by the finaliser of SplitMix64 (Steele, Lea,
 * Flood, OOPSLA 2014), so that ids do not tell how many requests there were. */
void exchange_make_id(struct service *service, char *id)
{
    uint64_t mixed = service->request_seed += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    mixed ^= mixed >> 31;
    for (unsigned shift = 64; shift > 0; *id++ = "0123456789abcdef"[mixed >> shift & 15])
        shift -= 4;
    *id = '\0';
}

/* The client's request id, if it can be echoed safely, or one of ours. */
static void choose_id(struct exchange *exchange, const char *wanted)
{
    size_t length = wanted != NULL ? strnlen(wanted, EXCHANGE_ID_BYTES + 1) : 0;
    bool visible = length > 0 && length <= EXCHANGE_ID_BYTES;

    for (size_t i = 0; i < length && visible; i++)
        visible = wanted[i] > ' ' && wanted[i] < 0x7f;
    if (visible)
        memcpy(exchange->request_id, wanted, length + 1);
    else
        exchange_make_id(exchange->service, exchange->request_id);
}

/* The model that a path names. */
static enum loss_status find_model(struct exchange *exchange, const struct route_names *names,
                                   struct loss_error *error)
{
    const struct infer_model *model;
    char quoted[80];

    if (names->model[0] == '\0')
        return LOSS_OK;
    model = infer_model_find(names->model);
    if (model == NULL)
        return loss_fail(error, LOSS_NOT_FOUND, NULL,
                         "there is no model %s; GET /v2/models names those there are",
                         words_quote(names->model, quoted, sizeof quoted));
    if (names->version[0] != '\0' && strcmp(names->version, "1") != 0)
        return loss_fail(error, LOSS_NOT_FOUND, NULL, "the model %s has no version %s, only 1",
                         model->name, words_quote(names->version, quoted, sizeof quoted));
    exchange->model = model;
    return LOSS_OK;
}

/* Whether a route is there for those who come by this socket. */
static bool is_served(const struct exchange *exchange, const struct route *route)
{
    switch (exchange->service->scope) {
    case SERVES_ALL: return true;
    case SERVES_ALL_BUT_METRICS: return exchange->route != ROUTE_METRICS;
    case SERVES_VITAL: return route_is_vital(route);
    }
    return true;
}

/* Whether there is room for one more request, whatever it is. */
static enum loss_status check_room(const struct exchange *exchange, const struct route *route,
                                   const struct head *head, struct loss_error *error)
{
    const struct service *service = exchange->service;

    if (route_is_vital(route))
        return LOSS_OK;
    if (head->is_extra && service->crowd->count > service->crowd->max)
        return loss_fail_plainly(error, LOSS_TOO_MANY_CONNECTIONS);
    if (head->is_over_quota)
        return loss_fail_plainly(error, LOSS_CLIENT_QUOTA);
    if (pressure_now(service) == PRESSURE_VITAL_ONLY)
        return loss_fail_plainly(error, LOSS_MEMORY_BUDGET_FULL);
    return LOSS_OK;
}

/* The file that a path of the page names; {file} is "" for the page itself. */
static enum loss_status find_file(struct exchange *exchange, const struct route_names *names,
                                  struct loss_error *error)
{
    if (exchange->route != ROUTE_PAGE && exchange->route != ROUTE_PAGE_FILE)
        return LOSS_OK;
    exchange->page = page_find(names->file);
    if (exchange->page == NULL)
        return loss_fail(error, LOSS_NOT_FOUND, NULL, "the page has no such file");
    return LOSS_OK;
}

/* Route, token, method and media type. */
static enum loss_status check_route(struct exchange *exchange, const struct head *head,
                                    struct loss_error *error)
{
    const struct route *route;
    struct route_names names;
    enum loss_status status;

    exchange->route = head->has_bad_escape ? ROUTE_OTHER : route_find(head->path, &names);
    route = route_row(exchange->route);
    if (route != NULL && !is_served(exchange, route)) {
        exchange->route = ROUTE_OTHER;
        route = NULL;
    }
    /* A browser asks without the token, and is told nothing by it. */
    exchange->is_preflight = exchange->cors_origin != NULL && cors_is_preflight(head);
    if (!exchange->is_preflight &&
        (status = access_check(exchange->service->options->access, route, head, error)) != LOSS_OK)
        return status;
    if (head->has_bad_escape)
        return loss_fail(error, LOSS_BAD_PATH, NULL,
                         "the path has a '%%' that begins no valid escape");
    if (route == NULL)
        return loss_fail(error, LOSS_NOT_FOUND, NULL, "there is nothing at this path");
    if ((status = check_room(exchange, route, head, error)) != LOSS_OK || exchange->is_preflight)
        return status;
    if (!route_takes(route, exchange->method))
        return loss_fail(error, LOSS_METHOD_NOT_ALLOWED, NULL, "%s takes %s only",
                         route_path(exchange->route), route->allow);
    if ((status = find_model(exchange, &names, error)) != LOSS_OK ||
        (status = find_file(exchange, &names, error)) != LOSS_OK)
        return status;
    if (route->is_coded)
        exchange->content.coding_out = negotiate_coding(head->accept_encoding);
    if (route->content != NULL &&
        (status = route->content(head, &exchange->content, error)) != LOSS_OK)
        return status;
    if (!route->needs_body)
        return LOSS_OK;
    if (head->has_bad_query)
        return loss_fail(error, LOSS_BAD_PATH, NULL, "the query of the URL has a NUL in it");
    if (head->content_length == NULL && head->transfer_encodings == 0)
        return loss_fail(error, LOSS_LENGTH_REQUIRED, NULL,
                         "the request has neither a Content-Length nor a chunked body");
    return LOSS_OK;
}

/* The time that the client gives it, if that is shorter than ours; what is no
 * number is not looked at. */
static void limit_time(struct exchange *exchange, const struct head *head)
{
    uint64_t ms;

    if (head_number(head->timeout_ms, 12, &ms) && ms != 0)
        exchange_limit_time(exchange, ms * 1000);
}

/* Keep the options of the query; the strings are the connection's, for as long as the request. */
static enum loss_status keep_query(struct exchange *exchange, const struct head *head,
                                   struct loss_error *error)
{
    struct codec_option *query;

    if (head->query_count == 0 || exchange->route != ROUTE_EVALUATE || exchange->is_preflight)
        return LOSS_OK;
    query = loss_arena_take(&exchange->arena, head->query_count, sizeof *query);
    if (query == NULL)
        return loss_fail_plainly(error, LOSS_MEMORY_BUDGET_FULL);
    memcpy(query, head->query, head->query_count * sizeof *query);
    exchange->query = query;
    exchange->query_count = head->query_count;
    return LOSS_OK;
}

/* Room for the body, before its first byte is read; and, if it is for the workers, in
 * their queue: no place is kept there, since a slow client would hold it up, so that
 * another may still be quicker. */
static enum loss_status admit(struct exchange *exchange, enum head_body body, uint64_t length,
                              struct loss_error *error)
{
    char text[24];

    if (body == HEAD_BODY_NONE || !exchange_takes_body(exchange))
        return LOSS_OK;
    if (body == HEAD_BODY_CHUNKED || exchange->content.is_stream)
        return exchange_hold(exchange, FIRST_BODY_BYTES - CODEC_PADDING, error);
    if (length <= exchange_bytes_max(exchange)) {
        if (exchange_is_for_workers(exchange, (size_t)length) &&
            workers_are_full(exchange->service->workers))
            return loss_fail_plainly(error, LOSS_QUEUE_FULL);
        return exchange_hold(exchange, (size_t)length, error);
    }
    (void)snprintf(text, sizeof text, "%" PRIu64, length);
    return exchange_fail_too_large(exchange, text, error);
}

struct exchange *exchange_open(struct service *service, const struct head *head)
{
    struct exchange *exchange = fetch(service);
    struct loss_arena_source source = {take_block, give_block, exchange};
    struct loss_error error;
    enum head_body body;
    uint64_t length;

    if (exchange == NULL)
        return NULL;
    loss_arena_init(&exchange->arena, &source);
    service->in_flight++;
    service->state->in_flight++;
    exchange->opened_ns = clock_now_ns();
    exchange->deadline_ns = exchange->opened_ns + service->options->request_timeout_ms * 1000000;
    exchange->route = ROUTE_OTHER;
    exchange->method = method_find(head->method);
    choose_id(exchange, head->request_id);
    limit_time(exchange, head);
    exchange->cors_origin = cors_origin(service->options->cors_origin, head);
    (void)trace_parse(head->traceparent, exchange->trace_id);
    body = head_body(head, &length);
    exchange->has_body = body != HEAD_BODY_NONE;
    if (head_guard(head, &error) != LOSS_OK || check_route(exchange, head, &error) != LOSS_OK ||
        keep_query(exchange, head, &error) != LOSS_OK ||
        admit(exchange, body, length, &error) != LOSS_OK) {
        exchange_fail(exchange, &error);
        /* A little too large: read on and tell afterwards, on a connection that lives; unless the
         * client waits to be told whether to send it. */
        if (error.status == LOSS_BODY_TOO_LARGE && head->expect == NULL &&
            length > exchange_bytes_max(exchange) &&
            length - exchange_bytes_max(exchange) <= EXCHANGE_DISCARD_BYTES_MAX)
            exchange_read_on(exchange);
    }
    return exchange;
}

bool exchange_answers_now(const struct exchange *exchange)
{
    return exchange->state == EXCHANGE_ANSWERED && exchange->has_body;
}
