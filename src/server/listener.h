/* listener.h - the listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "loss/status.h"

/* Where to listen. */
struct listener_place {
    const char *setting; /* that has the address, for a sentence about it */
    const char *address; /* numeric, IPv4 or IPv6 */
    unsigned port;       /* 0: the kernel picks one */
};

/* Bind and listen there with `count` sockets, among which the kernel spreads connections; *port is the one
 * that was bound.  False, with a sentence and nothing open, if that fails.  The caller closes
 * listeners[count]. */
bool listener_open(const struct listener_place *place, int *listeners, size_t count, unsigned *port,
                   struct loss_error *error);

/* Let no new connection begin, while those in the backlog can still be accepted.  Closing the socket
 * resets whoever is in the backlog at that moment, so this comes first: packets to the listener are
 * dropped, and whoever tries again later is refused.  Best effort. */
void listener_shut(int listener);

#endif
