/* server.h - the daemon: built, run until it is told to stop, taken down in order. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>

#include "loss/status.h"
#include "observe/log.h"
#include "server/listener.h"
#include "server/options.h"

struct server;

/* Bind, start the workers, be ready to accept.  *options and *log must outlive the server; zeros in
 * *options are replaced by what they stand for.  NULL, with a sentence, if anything fails. */
struct server *server_start(struct server_options *options, struct log *log,
                            struct loss_error *error);

const struct listening *server_listening(const struct server *server);

/* The port of the metrics, if they have one of their own; else 0. */
unsigned server_metrics_port(const struct server *server);

/* Serve until SIGTERM or SIGINT: then not ready, for drain_delay_ms as before, no new connections,
 * what was accepted is answered within drain_timeout_ms.  A second signal stops waiting.  True if
 * every request that was accepted has been answered.  SIGHUP reads the files of keys again. */
bool server_run(struct server *server);

void server_stop(struct server *server); /* NULL is allowed */

#endif
