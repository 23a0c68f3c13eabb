/* http_request.c - a request between libmicrohttpd and its exchange: headers
 * and body in, the reply out. */
#include <string.h>

#include "server/clock.h"
#include "server/http_internal.h"

/* Whether a header went on on another line.  libmicrohttpd 0.9 adds that line to the name, by a
 * copy elsewhere, so that "Content-: 5" and " Length" make a Content-Length; 1.0 joins the lines of
 * the value.  A name that was not copied lies before its value, with a colon and blanks between. */
static bool is_folded(const char *key, size_t key_size, const char *value)
{
    const char *colon = key + key_size;

    return MHD_VERSION < 0x01000000 && value != NULL &&
           (value <= colon || value != colon + 1 + strspn(colon + 1, " \t"));
}

static enum MHD_Result on_value(void *context, enum MHD_ValueKind kind, const char *key,
                                size_t key_size, const char *value, size_t value_size)
{
    struct head *head = context;

    if (kind == MHD_HEADER_KIND) {
        head->is_folded |= is_folded(key, key_size, value);
        head_note(head, key, key_size, value);
    } else {
        head_note_query(head, key, key_size, value, value_size);
    }
    return MHD_YES;
}

/* The length of a body that has memory before its first byte. */
static uint64_t held_bytes(const struct exchange *exchange, const struct head *head)
{
    uint64_t length;
    bool is_sized = head_body(head, &length) == HEAD_BODY_SIZED;

    return is_sized && exchange->body != NULL && !exchange->content.is_stream ? length : 0;
}

static struct exchange *open_exchange(struct http *http, struct MHD_Connection *handle,
                                      const char *url, const char *method, const char *version)
{
    struct connection *connection = http_connection_of(handle);
    struct head head = {.method = method,
                        .path = head_path(url),
                        .is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0};
    struct exchange *exchange;

    if (connection == NULL)
        return NULL;
    head.has_bad_escape = connection->has_bad_escape;
    head.is_extra = connection->is_extra;
    head.is_over_quota = quota_begin(http->service->quota, connection->client);
    connection->is_counted = true;
    head.has_certificate = connection->tls.has_certificate;
    (void)MHD_get_connection_values_n(handle, MHD_HEADER_KIND, on_value, &head);
    (void)MHD_get_connection_values_n(handle, MHD_GET_ARGUMENT_KIND, on_value, &head);
    exchange = exchange_open(http->service, &head);
    if (exchange != NULL) {
        exchange->connection = handle;
        connection->exchange = exchange;
        connection->was_asked = false;
        connections_need(&http->connections, connection);
        connection_enter(connection, PHASE_BODY, clock_now_ns());
        connection->body_held = held_bytes(exchange, &head);
    } else {
        connection_uncount(connection);
    }
    return exchange;
}

static bool add_headers(struct MHD_Response *response, const struct exchange *exchange)
{
    struct reply_header headers[REPLY_HEADERS_MAX];
    size_t count = exchange_reply_headers(exchange, headers);

    for (size_t i = 0; i < count; i++) {
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    }
    return true;
}

static enum MHD_Result queue_reply(struct exchange *exchange)
{
    const struct reply *reply = &exchange->reply;
    struct MHD_Connection *handle = exchange->connection;
    struct connection *connection = http_connection_of(handle);
    /* The body outlives the response: it is the exchange's, which lives until on_completed. */
    struct MHD_Response *response = MHD_create_response_from_buffer(
        reply->length, (void *)(uintptr_t)reply->body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result queued = MHD_NO;

    if (response == NULL)
        return MHD_NO;
    if (add_headers(response, exchange))
        queued = MHD_queue_response(handle, reply->http_status, response);
    MHD_destroy_response(response);
    if (queued != MHD_YES)
        return queued;
    connection_enter(connection, PHASE_SENDING, clock_now_ns());
    connection_uncount_early(connection, reply->length);
    return queued;
}

/* From here on the exchange is a worker's, until http_resume. */
static enum MHD_Result hand_over(struct exchange *exchange)
{
    struct service *service = exchange->service;

    /* Suspend first: a quick worker must not resume a connection that is not suspended yet. */
    connection_enter(http_connection_of(exchange->connection), PHASE_WORKING, clock_now_ns());
    service->working++;
    exchange->socket = http_connection_of(exchange->connection)->fd;
    MHD_suspend_connection(exchange->connection);
    if (exchange->has_place)
        workers_submit(service->workers, &exchange->job, &service->done);
    else
        workers_submit_later(service->workers, &exchange->job, &service->done);
    return MHD_YES;
}

/* The whole request is here, or its answer is. */
static enum MHD_Result go_on(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_RECEIVING)
        exchange_complete(exchange);
    if (exchange->state == EXCHANGE_ANSWERED)
        return queue_reply(exchange);
    return hand_over(exchange);
}

static bool expects(struct MHD_Connection *handle)
{
    return MHD_lookup_connection_value(handle, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;
}

enum MHD_Result http_on_request(void *context, struct MHD_Connection *handle, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **request_context)
{
    struct exchange *exchange = *request_context;
    size_t count = *upload_data_size;
    struct http *http = context;

    http->moved++;
    if (exchange == NULL) { /* the headers are here */
        *request_context = exchange = open_exchange(http, handle, url, method, version);
        if (exchange == NULL)
            return MHD_NO;
        if (exchange_answers_now(exchange)) {
            http_connection_of(handle)->leaves_unread = true;
            return queue_reply(exchange);
        }
        /* Whoever waits to be told to send nothing: the library would tell him so, and then call
         * this with no bytes as if the body had ended, but take no reply yet. */
        return !exchange->has_body && expects(handle) ? go_on(exchange) : MHD_YES;
    }
    if (count == 0)
        return go_on(exchange);
    /* Suspended with these bytes untouched, the library brings them again; suspended after they
     * were taken, it would bring the next ones at once. */
    if (exchange_is_full(exchange))
        return hand_over(exchange);
    *upload_data_size = 0;
    connection_feed(http_connection_of(handle), count, clock_now_ns());
    if (exchange_receive(exchange, upload_data, count))
        return MHD_YES;
    connection_say(http_connection_of(handle)); /* the library takes a reply after the body only */
    return MHD_NO;
}
