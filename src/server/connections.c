/* connections.c - all connections of a loop: room for newcomers, and the end of those that are
 * late. */
#include "server/connections.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "server/pressure.h"

enum {
    SILENT_MS_MAX = 1000, /* that a new connection may take when others want its place */
    SWEEP_CUTS_MAX = 8,   /* at a time: whoever asks in the meantime should not notice */
};

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
           (is_waiting && connection_passed_ms(connection, now_ns) > SILENT_MS_MAX);
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

/* Its next one may be on its way. */
static bool has_no_request(const struct connection *connection)
{
    return connection->phase == PHASE_IDLE || connection->phase == PHASE_HEADERS;
}

/* Whether it is idle or silent no longer: its next request is here, but has not been read.  That
 * is found once for each, or who trickles would have time without end. */
static bool is_asked(struct connections *connections, struct connection *connection,
                     uint64_t now_ns)
{
    char byte;

    if (!has_no_request(connection) || connection->was_asked ||
        recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        return false;
    connection->was_asked = true;
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

bool connections_accept(struct connections *connections, uint64_t now_ns)
{
    const struct crowd *crowd = connections->service->crowd;

    if (crowd->count >= crowd->max + CONNECTIONS_SPARED) /* another loop was to make the room */
        make_room(connections, now_ns);
    return crowd->count < crowd->max + CONNECTIONS_SPARED;
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
        else if (has_no_request(connection))
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
        connection_note_sending(connection, now_ns);
        if (connection_wastes(connection, service->options, now_ns) &&
            (found == NULL || connection->since_ns < found->since_ns))
            found = connection;
    }
    if (found == NULL)
        return false;
    if (found->phase == PHASE_BODY)
        connection_say_late(found, connections->service, now_ns);
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
            connection_say_late(connection, connections->service, now_ns);
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
