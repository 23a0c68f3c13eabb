/* connection.c - the clocks of a connection. */
#include "server/connection.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "server/clock.h"

/* So much of a tcp_info has this member: kernels before it was added give less. */
#define UP_TO(member) (offsetof(struct tcp_info, member) + sizeof((struct tcp_info *)NULL)->member)

enum {
    TAKEN_AT_ONCE_BYTES = 16384, /* by an empty socket: what TCP has for that at least */
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

void connection_uncount(struct connection *connection)
{
    if (connection->is_counted)
        quota_end(connection->client);
    connection->is_counted = false;
}

/* What the kernel knows of it, at least as far as `bytes` of *info; of some sockets nothing. */
static bool has_info(const struct connection *connection, struct tcp_info *info, size_t bytes)
{
    socklen_t size = sizeof *info;

    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 && size >= bytes;
}

void connection_uncount_early(struct connection *connection, size_t length)
{
    struct tcp_info info;

    /* Whoever has not read the replies before may keep this one waiting, and what it holds. */
    if (connection->client != NULL && length <= TAKEN_AT_ONCE_BYTES &&
        has_info(connection, &info, UP_TO(tcpi_notsent_bytes)) && info.tcpi_unacked == 0 &&
        info.tcpi_notsent_bytes == 0)
        connection_uncount(connection);
}

bool connection_has_ended(int fd)
{
    char byte;
    ssize_t count = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return count == 0 || (count < 0 && errno == ECONNRESET);
}

uint64_t connection_passed_ms(const struct connection *connection, uint64_t now_ns)
{
    return clock_passed_ns(connection->since_ns, now_ns) / 1000000;
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
    uint64_t passed = connection_passed_ms(connection, now_ns);

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
           clock_passed_ns(connection->moved_ns, now_ns) > limit_ms * 1000000;
}

bool connection_wastes(const struct connection *connection, const struct server_options *options,
                       uint64_t now_ns)
{
    uint64_t passed = connection_passed_ms(connection, now_ns);

    if (connection->phase != PHASE_BODY && connection->phase != PHASE_SENDING)
        return false;
    return stands_still(connection, now_ns) ||
           is_behind(connection, passed, options->request_timeout_ms);
}

/* Ask the kernel, which sends while nobody here takes note, whether the client has had more. */
void connection_note_sending(struct connection *connection, uint64_t now_ns)
{
    struct tcp_info info = {.tcpi_bytes_acked = 0};

    if (connection->phase != PHASE_SENDING)
        return;
    if (!has_info(connection, &info, UP_TO(tcpi_bytes_acked)) ||
        info.tcpi_bytes_acked != connection->gone_bytes)
        connection->moved_ns = now_ns;
    connection->gone_bytes = info.tcpi_bytes_acked;
}
