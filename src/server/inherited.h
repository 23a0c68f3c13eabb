/* inherited.h - a listening socket that another process has opened, as systemd
 * does for a .socket unit.
 *
 * Whoever passes it keeps it open over the ends and starts of daemons, so that connections wait in
 * its backlog meanwhile and none is refused. */
#ifndef SERVER_INHERITED_H
#define SERVER_INHERITED_H

#include <stdbool.h>

#include "loss/status.h"

/* Find the socket that LISTEN_PID and LISTEN_FDS tell of, and make it non-blocking and closed on
 * exec; *listener is -1 if there is none for this process.  False, with a sentence, if there are
 * several or it is not a listening stream socket of IPv4, IPv6 or a path. */
bool inherited_find(int *listener, struct loss_error *error);

#endif
