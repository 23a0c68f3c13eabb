/* listener.h - the listening socket. */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include "loss/status.h"
#include "server/options.h"

/* Bind and listen on options->listen_address and listen_port; *port is the one that was bound.
 * Returns the descriptor, or -1 with a sentence. */
int listener_open(const struct server_options *options, unsigned *port, struct loss_error *error);

/* Let no new connection begin, while those in the backlog can still be accepted.  Closing the socket
 * resets whoever is in the backlog at that moment, so this comes first: packets to the listener are
 * dropped, and whoever tries again later is refused.  Best effort. */
void listener_shut(int listener);

#endif
