/* listener.h - the listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "loss/status.h"

enum { LISTENING_ADDRESS_BYTES = 110 };

/* Where to listen. */
struct listener_place {
    const char *address; /* numeric, IPv4 or IPv6 */
    unsigned port;       /* 0: the kernel picks one */
    int inherited;       /* instead, a socket that listens already; -1: there is none */
};

/* Where a server can be reached. */
struct listening {
    char address[LISTENING_ADDRESS_BYTES]; /* numeric; or a path, or '@' and a name without one */
    unsigned port;                         /* 0 for a path or name */
    bool is_inherited;                     /* another process goes on with it: not to be shut */
};

/* Listen there with `count` sockets, or descriptors of the inherited one.  The kernel spreads
 * connections among sockets; of descriptors whoever comes first accepts.  False, with a sentence
 * and nothing open, if that fails.  The caller closes listeners[count]. */
bool listener_open(const struct listener_place *place, int *listeners, size_t count,
                   struct listening *where, struct loss_error *error);

/* Let no new connection begin, while those in the backlog can still be accepted.  Closing the
 * socket resets whoever is in the backlog at that moment, so this comes first: packets to the
 * listener are dropped, and whoever tries again later is refused.  Best effort. */
void listener_shut(int listener);

#endif
