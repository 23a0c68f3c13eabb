/* service.h - what every request of one server shares.  All of it is the loop thread's, but for what
 * says otherwise: memory, workers, telemetry and the log take care of themselves. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/log.h"
#include "server/memory.h"
#include "server/options.h"
#include "server/telemetry.h"
#include "server/workers.h"

struct exchange;
struct statistics;

struct service {
    const struct server_options *options;
    struct codec_limits limits;
    struct log *log;
    struct memory *memory;
    struct workers *workers;
    struct telemetry *telemetry;
    struct statistics *statistics; /* the loop thread's */
    struct exchange *spare;        /* exchanges that are not in use, linked by `next` */
    struct exchange *stalled; /* streams that wait for a place in the queue, linked by `next` */
    struct exchange *stalled_last; /* the newest of them, if there is one */
    size_t in_flight;              /* exchanges that are */
    size_t working;                /* of those, in the queue or with a worker */
    size_t connections;
    uint64_t request_seed;   /* random at start; the next request id comes from it */
    bool draining;           /* since SIGTERM: not ready, every reply closes its connection */
    _Atomic bool abandoning; /* the time to drain is over: workers stop at the next block of rows */
};

#endif
