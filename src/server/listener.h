/* listener.h - the listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>

#include "loss/status.h"
#include "server/options.h"

/* Bind and listen on options->listen_address and listen_port, with as many sockets as there are loops,
 * among which the kernel spreads connections; *port is the one that was bound.  False, with a sentence and
 * nothing open, if that fails.  The caller closes listeners[options->loops]. */
bool listener_open(const struct server_options *options, int *listeners, unsigned *port,
                   struct loss_error *error);

/* Let no new connection begin, while those in the backlog can still be accepted.  Closing the socket
 * resets whoever is in the backlog at that moment, so this comes first: packets to the listener are
 * dropped, and whoever tries again later is refused.  Best effort. */
void listener_shut(int listener);

#endif
