/* connection.c - the clocks of a connection. */
#include "server/connection.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "server/pressure.h"

enum {
    SILENT_MS_MAX = 1000, /* that a new connection may take when others want its place */
    SWEEP_CUTS_MAX = 8,   /* at a time: whoever asks in the meantime should not notice */
    WASTE_GRACE_MS = 2000,
    WASTE_UNREAD_MS = 10000, /* who reads slowly makes room in his buffer at long intervals */
    WASTE_BYTES_MIN = 65536,
};

void connection_enter(struct connection *connection, enum phase phase, uint64_t now_ns)
{
    connection->phase = phase;
    connection->since_ns = connection->moved_ns = now_ns;
    connection->body_bytes = connection->body_held = 0;
}

void connection_feed(struct connection *connection, size_t count, uint64_t now_ns)
{
    connection->body_bytes += count;
    connection->moved_ns = now_ns;
}

bool connection_has_ended(int fd)
{
    char byte;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return count == 0 || (count < 0 && errno == ECONNRESET);
}

static uint64_t passed_ms(const struct connection *connection, uint64_t now_ns)
{
    return (now_ns - connection->since_ns) / 1000000;
}

/* After a time of grace a body must have arrived at a rate, counted from the grace's end. */
static bool is_slower(const struct connection *connection, uint64_t passed_ms, uint64_t grace_ms,
                      double bytes_per_s)
{
    return passed_ms > grace_ms &&
           (double)connection->body_bytes < (double)(passed_ms - grace_ms) / 1e3 * bytes_per_s;
}

static bool is_body_late(const struct connection *connection, const struct server_options *options,
                         uint64_t passed_ms)
{
    return passed_ms > options->request_timeout_ms || /* no answer could be in time */
           is_slower(connection, passed_ms, options->body_rate_grace_ms,
                     (double)options->body_rate_min_bytes_per_s);
}

enum lateness connection_lateness(const struct connection *connection,
                                  const struct server_options *options, uint64_t now_ns)
{
    uint64_t passed = passed_ms(connection, now_ns);

    switch (connection->phase) {
    case PHASE_IDLE: return passed > options->idle_timeout_ms ? LATE_CUT : LATE_NOT;
    case PHASE_HEADERS: return passed > options->header_timeout_ms ? LATE_SAY_SO : LATE_NOT;
    case PHASE_BODY: return is_body_late(connection, options, passed) ? LATE_SAY_SO : LATE_NOT;
    case PHASE_WORKING: return LATE_NOT;
    case PHASE_SENDING: return passed > options->response_timeout_ms ? LATE_CUT : LATE_NOT;
    }
    return LATE_NOT;
}

/* Not on the way to be here in time. */
static bool is_behind(const struct connection *connection, uint64_t passed_ms, uint64_t limit_ms)
{
    return connection->body_held >= WASTE_BYTES_MIN &&
           limit_ms > WASTE_GRACE_MS && /* or it is late before it wastes any */
           is_slower(connection, passed_ms, WASTE_GRACE_MS,
                     (double)connection->body_held / (double)(limit_ms - WASTE_GRACE_MS) * 1e3);
}

static bool stands_still(const struct connection *connection, uint64_t now_ns)
{
    uint64_t limit_ms = connection->phase == PHASE_SENDING ? WASTE_UNREAD_MS : WASTE_GRACE_MS;

    return connection->exchange != NULL &&
           exchange_held_bytes(connection->exchange) >= WASTE_BYTES_MIN &&
           now_ns - connection->moved_ns > limit_ms * 1000000;
}

bool connection_wastes(const struct connection *connection, const struct server_options *options,
                       uint64_t now_ns)
{
    uint64_t passed = passed_ms(connection, now_ns);

    if (connection->phase != PHASE_BODY && connection->phase != PHASE_SENDING)
        return false;
    return stands_still(connection, now_ns) ||
           is_behind(connection, passed, options->request_timeout_ms);
}

void connections_need(struct connections *connections, struct connection *connection)
{
    if (!connection->is_told)
        return;
    connection->is_told = false;
    connections->sparable--;
    connections->service->crowd->sparable--;
}

/* The library notices and closes it; from now on it does not count. */
static void cut(struct connections *connections, struct connection *connection, uint64_t now_ns)
{
    if (!connection->is_shut)
        connections->service->crowd->count--;
    connection->is_shut = true;
    connections_need(connections, connection);
    (void)shutdown(connection->fd, SHUT_RDWR);
    connection_enter(connection, PHASE_WORKING, now_ns);
}

/* Idle, or connected for a while without a request.  Of those who watch, nobody has a body to
 * send. */
static bool is_sparable(const struct connections *connections, const struct connection *connection,
                        uint64_t now_ns)
{
    bool is_waiting =
        connection->phase == PHASE_HEADERS ||
        (connection->phase == PHASE_BODY && connections->service->scope == SERVES_VITAL);

    return connection->phase == PHASE_IDLE ||
           (is_waiting && passed_ms(connection, now_ns) > SILENT_MS_MAX);
}

/* The one that can best be spared, which has been so for longest. */
static struct connection *find_sparable(const struct connections *connections, uint64_t now_ns)
{
    struct connection *found = NULL;

    for (struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        if (is_sparable(connections, connection, now_ns) &&
            (found == NULL || connection->since_ns < found->since_ns))
            found = connection;
    }
    return found;
}

/* Tell the other loops how many could be spared here. */
static void tell_sparable(struct connections *connections, uint64_t now_ns)
{
    size_t count = 0;

    for (struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        connection->is_told = is_sparable(connections, connection, now_ns);
        count += connection->is_told;
    }
    connections->service->crowd->sparable += count - connections->sparable;
    connections->sparable = count;
}

/* Whether it is idle no longer: its next request is here, but has not been read. */
static bool is_asked(struct connections *connections, struct connection *connection,
                     uint64_t now_ns)
{
    char byte;

    if (connection->phase != PHASE_IDLE ||
        recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        return false;
    connections_need(connections, connection);
    connection_enter(connection, PHASE_HEADERS, now_ns);
    return true;
}

/* What is too much by all loops together is made up for by any of them. */
static void make_room(struct connections *connections, uint64_t now_ns)
{
    struct crowd *crowd = connections->service->crowd;
    struct connection *found;

    while (crowd->count > crowd->max && (found = find_sparable(connections, now_ns)) != NULL) {
        if (!is_asked(connections, found, now_ns))
            cut(connections, found, now_ns);
    }
}

/* Whether there are more than may be, and more than the other loops will make up for. */
static bool has_too_many(const struct connections *connections)
{
    const struct crowd *crowd = connections->service->crowd;

    return crowd->count > crowd->max + (crowd->sparable - connections->sparable);
}

struct connection *connections_add(struct connections *connections, int fd, uint64_t now_ns)
{
    struct connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    if (!quota_enter(connections->service->quota, fd, &connection->client)) {
        free(connection);
        return NULL;
    }
    connection->fd = fd;
    connection->next = connections->first;
    if (connection->next != NULL)
        connection->next->previous = connection;
    connections->first = connection;
    connections->service->crowd->count++;
    connection_enter(connection, PHASE_HEADERS, now_ns);
    make_room(connections, now_ns);
    connection->is_extra = has_too_many(connections);
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
    if (!connection->is_shut)
        connections->service->crowd->count--;
    connections_need(connections, connection);
    tls_detach(&connection->tls);
    quota_leave(connections->service->quota, connection->client);
    free(connection);
}

bool connections_part(struct connections *connections, uint64_t now_ns)
{
    bool is_over = true;

    for (struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        if (is_asked(connections, connection, now_ns))
            is_over = false;
        else if (connection->phase == PHASE_IDLE)
            cut(connections, connection, now_ns);
    }
    return is_over;
}

bool connections_have(const struct connections *connections, enum phase phase)
{
    const struct connection *connection = connections->first;

    while (connection != NULL && connection->phase != phase)
        connection = connection->next;
    return connection != NULL;
}

bool connections_can_send(const struct connections *connections)
{
    for (const struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        struct pollfd socket = {.fd = connection->fd, .events = POLLOUT};

        if (connection->phase == PHASE_SENDING && poll(&socket, 1, 0) > 0)
            return true;
    }
    return false;
}

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

/* To whoever is late with the headers there is no exchange yet. */
static void say_late(struct service *service, struct connection *connection, uint64_t now_ns)
{
    char id[EXCHANGE_ID_BYTES + 1], body[REPLY_JSON_ERROR_BYTES];
    const struct reply_header headers[] = {
        {"Content-Type", "application/json"}, {"X-Request-Id", id}, {"Connection", "close"}};
    struct loss_error error;

    if (connection->exchange != NULL) { /* and exchange_close counts it */
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

/* Whether its client, who still has to send something, has closed its side: an edge-triggered
 * library may have missed that if it came with the last bytes.  Each is looked for once a
 * round, as far as `looks` go. */
static bool is_abandoned(struct connection *connection, unsigned round, unsigned *looks)
{
    if ((connection->phase != PHASE_BODY && connection->phase != PHASE_HEADERS) ||
        connection->round == round || *looks == SWEEP_LOOKS_MAX)
        return false;
    connection->round = round;
    ++*looks;
    return connection_has_ended(connection->fd);
}

/* Ask the kernel, which sends while nobody here takes note, whether the client has had more.  Of
 * some sockets it does not tell. */
static void note_sending(struct connection *connection, uint64_t now_ns)
{
    struct tcp_info info = {.tcpi_bytes_acked = 0};
    socklen_t size = sizeof info;

    if (connection->phase != PHASE_SENDING)
        return;
    if (getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked ||
        info.tcpi_bytes_acked != connection->gone_bytes)
        connection->moved_ns = now_ns;
    connection->gone_bytes = info.tcpi_bytes_acked;
}

/* When memory is short, let one go that wastes it, the one that began first; whether that was
 * enough shows when the library has closed it.  False if there is none. */
static bool end_waste(struct connections *connections, uint64_t now_ns)
{
    const struct service *service = connections->service;
    struct connection *found = NULL;

    if (pressure_now(service) == PRESSURE_NONE)
        return false;
    for (struct connection *connection = connections->first; connection != NULL;
         connection = connection->next) {
        note_sending(connection, now_ns);
        if (connection_wastes(connection, service->options, now_ns) &&
            (found == NULL || connection->since_ns < found->since_ns))
            found = connection;
    }
    if (found == NULL)
        return false;
    if (found->phase == PHASE_BODY)
        say_late(connections->service, found, now_ns);
    cut(connections, found, now_ns);
    return true;
}

bool connections_sweep(struct connections *connections, uint64_t now_ns)
{
    unsigned cuts = 0, looks = 0, round = connections->round + 1;
    struct connection *connection = connections->first;
    bool has_more;

    for (; connection != NULL && cuts < SWEEP_CUTS_MAX; connection = connection->next) {
        enum lateness lateness =
            connection_lateness(connection, connections->service->options, now_ns);

        if (lateness == LATE_CUT && is_asked(connections, connection, now_ns))
            continue;
        if (lateness == LATE_SAY_SO)
            say_late(connections->service, connection, now_ns);
        if (lateness != LATE_NOT || is_abandoned(connection, round, &looks)) {
            cut(connections, connection, now_ns);
            cuts++;
        }
    }
    if (connection == NULL && looks < SWEEP_LOOKS_MAX)
        connections->round = round;
    has_more = end_waste(connections, now_ns) || connection != NULL;
    make_room(connections, now_ns); /* others may be idle now */
    tell_sparable(connections, now_ns);
    return has_more;
}
