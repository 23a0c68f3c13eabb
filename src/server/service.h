/* service.h - what the requests of one event loop share.  All of it is that loop's
 * thread's, but for what several loops have in common, which takes care of itself: memory,
 * workers, telemetry and so on. */
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
struct notify;
struct quota;
struct statistics;

/* What is served at a listening socket. */
enum service_scope {
    SERVES_ALL,
    SERVES_ALL_BUT_METRICS, /* they have a socket of their own, */
    SERVES_VITAL,           /* this one: metrics and health */
};

/* The connections of all loops that listen at one place. */
struct crowd {
    size_t max;              /* constant; of more, the idle are closed */
    _Atomic size_t count;    /* those that are open */
    _Atomic size_t sparable; /* of them, when their loop last looked: it will close those it must */
};

/* How all loops of a server are together. */
struct service_state {
    struct crowd clients, watchers; /* watchers: where metrics have an address of their own */
    _Atomic size_t in_flight;       /* requests between their headers and the end of their reply */
    _Atomic size_t unquiet; /* fronts that have something to answer, or may still be asked */
    _Atomic size_t others;  /* fronts that have not ended, but for the first and that for metrics */
    _Atomic bool draining;  /* since SIGTERM: not ready, every reply closes its connection */
    _Atomic bool abandoning; /* the time to drain is over: workers stop at their next piece */
};

struct service {
    /* In common. */
    const struct server_options *options;
    struct codec_limits limits;
    struct log *log;
    struct memory *memory;
    struct workers *workers;
    struct telemetry *telemetry;
    struct statistics *statistics;
    struct quota *quota;
    struct service_state *state;
    struct notify *notify;
    bool listener_is_lent; /* another process goes on with it: it is not to be shut */

    /* The loop's own. */
    enum service_scope scope;
    struct crowd *crowd;    /* that its connections belong to */
    struct done_jobs done;  /* requests that come back from workers */
    struct exchange *spare; /* exchanges that are not in use, linked by `next` */
    size_t in_flight;       /* exchanges that are in use */
    size_t working;         /* of those, in the queue or with a worker */
    uint64_t request_seed;  /* random at start; the next request id comes from it */
};

#endif
