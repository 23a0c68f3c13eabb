/* connection.c - the clocks of a connection. */
#include "server/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void connection_enter(struct connection *connection, enum phase phase, uint64_t now_ns)
{
    connection->phase = phase;
    connection->since_ns = now_ns;
    connection->body_bytes = 0;
}

/* After a time of grace a body must have arrived at the minimum rate, counted from the grace's end. */
static bool is_body_late(const struct connection *connection, const struct server_options *options,
                         uint64_t passed_ms)
{
    uint64_t grace_ms = options->body_rate_grace_ms;

    if (passed_ms > options->request_timeout_ms)
        return true; /* no answer could be in time */
    return passed_ms > grace_ms &&
           (double)connection->body_bytes <
               (double)(passed_ms - grace_ms) / 1e3 * (double)options->body_rate_min_bytes_per_s;
}

enum lateness connection_lateness(const struct connection *connection,
                                  const struct server_options *options, uint64_t now_ns)
{
    uint64_t passed_ms = (now_ns - connection->since_ns) / 1000000;

    switch (connection->phase) {
    case PHASE_IDLE: /* the library closes silent ones; this is for those that trickle a header */
        return passed_ms > options->idle_timeout_ms + options->header_timeout_ms ? LATE_CUT
                                                                                 : LATE_NOT;
    case PHASE_HEADERS: return passed_ms > options->header_timeout_ms ? LATE_SAY_SO : LATE_NOT;
    case PHASE_BODY: return is_body_late(connection, options, passed_ms) ? LATE_SAY_SO : LATE_NOT;
    case PHASE_WORKING: return LATE_NOT;
    case PHASE_SENDING: return passed_ms > options->response_timeout_ms ? LATE_CUT : LATE_NOT;
    }
    return LATE_NOT;
}

struct connection *connections_add(struct connections *connections, int fd, uint64_t now_ns)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->fd = fd;
    connection->next = connections->first;
    if (connection->next != NULL)
        connection->next->previous = connection;
    connections->first = connection;
    connections->service->connections++;
    connection_enter(connection, PHASE_HEADERS, now_ns);
    return connection;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        connections->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    connections->service->connections--;
    tls_detach(&connection->tls);
    free(connection);
}

/* No reply has been begun, so a complete one can be written past the library, as far as the socket
 * takes it. */
static void say_late(struct service *service, const struct connection *connection, uint64_t now_ns)
{
    struct exchange *exchange = connection->exchange;
    char id[EXCHANGE_ID_BYTES + 1], body[REPLY_JSON_ERROR_BYTES];
    char text[512 + REPLY_JSON_ERROR_BYTES];
    struct loss_error error;
    size_t length;

    (void)loss_fail_plainly(&error, LOSS_REQUEST_TIMEOUT);
    if (exchange != NULL) {
        exchange_fail(exchange, &error); /* and exchange_close counts it */
    } else {
        exchange_make_id(service, id);
        metric_add(service->telemetry->errors[LOSS_REQUEST_TIMEOUT], 1);
        telemetry_request(service->telemetry, ROUTE_OTHER, METHOD_OTHER, 408,
                          now_ns - connection->since_ns);
    }
    length = reply_json_write_error(&error, exchange != NULL ? exchange->request_id : id, body);
    (void)snprintf(text, sizeof text,
                   "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nX-Request-Id: %s\r\n"
                   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%.*s",
                   exchange != NULL ? exchange->request_id : id, length, (int)length, body);
    if (connection->tls.session != NULL)
        tls_say_last(&connection->tls, text, strlen(text));
    else
        (void)send(connection->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void connections_sweep(struct connections *connections, uint64_t now_ns)
{
    for (struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        enum lateness lateness =
            connection_lateness(connection, connections->service->options, now_ns);

        if (lateness == LATE_NOT)
            continue;
        if (lateness == LATE_SAY_SO) {
            say_late(connections->service, connection, now_ns);
            connection->leaves_unread = true;
        }
        connection->is_shut = true;
        /* The library notices and closes it; once is enough. */
        (void)shutdown(connection->fd, SHUT_RDWR);
        connection_enter(connection, PHASE_WORKING, now_ns);
    }
}
