/* connections.h - all connections of a loop. */
#ifndef SERVER_CONNECTIONS_H
#define SERVER_CONNECTIONS_H

#include "server/connection.h"

/* That are accepted beyond a crowd's maximum: they are told that there are too many, and vital
 * routes can still be reached through them. */
enum { CONNECTIONS_SPARED = 32 };

struct connections {
    struct service *service;
    struct connection *first;
    unsigned round;  /* the last one that looked for every client */
    size_t sparable; /* as the crowd was told */
};

/* Whether one more is accepted at all, if need be in the place of an idle one. */
bool connections_accept(struct connections *connections, uint64_t now_ns);

/* A new connection in PHASE_HEADERS, or NULL if memory runs out; and its end.  If the crowd has
 * more than it may, those that have been idle for longest are cut off: of this loop at once, of
 * another one when that sweeps. */
struct connection *connections_add(struct connections *connections, int fd, uint64_t now_ns);
void connections_remove(struct connections *connections, struct connection *connection);

/* Its client has begun a request: it cannot be spared any more. */
void connections_need(struct connections *connections, struct connection *connection);

/* Cut off those whose next request is not here as far as the end of its headers.  False if
 * something unread is here of one of them, which is spared once. */
bool connections_part(struct connections *connections, uint64_t now_ns);

/* Whether any of them is in this phase. */
bool connections_have(const struct connections *connections, enum phase phase);

/* Whether there is a reply of which more could be sent at once. */
bool connections_can_send(const struct connections *connections);

/* Those whose client is looked for in one sweep: that takes a system call for each. */
enum { SWEEP_LOOKS_MAX = 64 };

/* Cut off those that are late, with a 408 where that can still be said, and those whose client is
 * gone, which for many connections takes several sweeps to find; when memory is short, of those
 * that waste it the one that began first; and idle ones, if there are too many.  True if some may
 * be left, so that nobody else has to wait: come again soon. */
bool connections_sweep(struct connections *connections, uint64_t now_ns);

#endif
