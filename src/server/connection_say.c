/* connection_say.c - a last reply that is written past the library. */
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "server/connection.h"

static const char *reason_of(unsigned http_status)
{
    switch (http_status) {
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Failure";
    }
}

/* Now, as RFC 9110, section 5.6.7, has it. */
static void put_date(char *date, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;

    (void)gmtime_r(&now, &utc); /* cannot fail before the year 2^31 */
    (void)strftime(date, size, "%a, %d %b %Y %H:%M:%S GMT", &utc);
}

/* Write a whole reply past the library, as far as the socket takes it. */
static void say(const struct connection *connection, unsigned http_status,
                const struct reply_header *headers, size_t count, const char *body, size_t length,
                bool is_bodiless)
{
    char text[4096 + REPLY_JSON_ERROR_BYTES], date[32];
    int used;

    put_date(date, sizeof date);
    used = snprintf(text, sizeof text, "HTTP/1.1 %u %s\r\nDate: %s\r\n", http_status,
                    reason_of(http_status), date);
    for (size_t i = 0; i < count && (size_t)used < sizeof text; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%s: %s\r\n", headers[i].name,
                         headers[i].value);
    if ((size_t)used < sizeof text)
        used += snprintf(text + used, sizeof text - (size_t)used, "Content-Length: %zu\r\n\r\n%.*s",
                         length, is_bodiless ? 0 : (int)length, body);
    if ((size_t)used >= sizeof text)
        return; /* the client has named an origin of kilobytes */
    if (connection->tls.session != NULL)
        tls_say_last(&connection->tls, text, (size_t)used);
    else
        (void)send(connection->fd, text, (size_t)used, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void connection_say(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct reply_header headers[REPLY_HEADERS_MAX];

    exchange->reply.close = true;
    say(connection, exchange->reply.http_status, headers, exchange_reply_headers(exchange, headers),
        exchange->reply.body, exchange->reply.length, exchange->method == METHOD_HEAD);
    connection->leaves_unread = true;
}

/* If it is late with its headers there is no exchange yet. */
void connection_say_late(struct connection *connection, struct service *service, uint64_t now_ns)
{
    char id[EXCHANGE_ID_BYTES + 1], body[REPLY_JSON_ERROR_BYTES];
    const struct reply_header headers[] = {
        {"Content-Type", "application/json"}, {"X-Request-Id", id}, {"Connection", "close"}};
    struct loss_error error;

    if (connection->exchange != NULL) { /* and exchange_close counts it */
        if (connection->exchange->status == LOSS_OK)
            exchange_fail_plainly(connection->exchange, LOSS_REQUEST_TIMEOUT);
        connection_say(connection);
        return;
    }
    (void)loss_fail_plainly(&error, LOSS_REQUEST_TIMEOUT);
    exchange_make_id(service, id);
    metric_add(service->telemetry->errors[LOSS_REQUEST_TIMEOUT], 1);
    telemetry_request(service->telemetry, ROUTE_OTHER, METHOD_OTHER,
                      exchange_http_status(LOSS_REQUEST_TIMEOUT), now_ns - connection->since_ns);
    say(connection, exchange_http_status(LOSS_REQUEST_TIMEOUT), headers,
        sizeof headers / sizeof headers[0], body, reply_json_write_error(&error, id, body), false);
    connection->leaves_unread = true;
}
