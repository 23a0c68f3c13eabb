/* lone_connections.h - the connections of a loop, without the loop. */
#ifndef SUPPORT_LONE_CONNECTIONS_H
#define SUPPORT_LONE_CONNECTIONS_H

#include "server/connections.h"
#include "support/lone_service.h"

enum { MS = 1000000 };

/* Headers 500 ms, bodies 1000 bytes a second after 200 ms, requests 20 s, replies 7 s, idle ones 3
 * s; 1 MiB of memory. */
extern const struct server_options lone_connections_options;

/* A service with these limits, and its connections, none so far. */
struct lone_connections {
    struct lone_service lone;
    struct connections connections;
};

void lone_connections_start(struct lone_connections *own);

/* All of them have ended. */
void lone_connections_stop(struct lone_connections *own);

/* A new one, whose other end is *peer, which does not block; and the end of both. */
struct connection *lone_connections_add(struct lone_connections *own, uint64_t now_ns, int *peer);
void lone_connections_end(struct lone_connections *own, struct connection *connection, int peer);

#endif
