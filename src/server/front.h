/* front.h - a listening socket and the event loop that serves it, from the
 * first connection to the last.
 *
 * A server has one front or several, a thread each.  They have memory, workers and metrics in
 * common, and nothing else: a connection stays with the front that accepted it.  Told to stop, they
 * end together, when none of them has anything left to answer. */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

#include <stdbool.h>

#include "loss/status.h"
#include "server/service.h"

struct front;

/* A front with a copy of *common, which is a service without what is a loop's own.  The front owns
 * the listening socket, also if this fails: NULL, with a sentence.  `on_signal`, on its loop's
 * thread, hears of SIGTERM, SIGINT and SIGHUP; NULL if another front listens to them. */
struct front *front_new(const struct service *common, int listener,
                        void (*on_signal)(void *context, int number), void *context,
                        struct loss_error *error);

/* Serve until it is told to stop and all is answered, or the time for that is over.  True if every
 * request that was accepted has been answered.  On this thread; or on one of its own, which is
 * waited for with front_join. */
bool front_run(struct front *front);
bool front_start(struct front *front, struct loss_error *error);
bool front_join(struct front *front);

/* Tell it to stop: first not ready, for drain_delay_ms serving as before, then no new connections,
 * and what was accepted is answered within drain_timeout_ms.  Told a second time, it does not wait.
 * Any thread, until it is freed. */
void front_stop(struct front *front);

/* Not while it runs, and after the workers are stopped.  NULL is allowed. */
void front_free(struct front *front);

#endif
