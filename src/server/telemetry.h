/* telemetry.h - the metrics of the server, all of which exist from the start.  Any thread may
 * count.  No label ever comes from a client: routes, methods and codes are from fixed sets. */
#ifndef SERVER_TELEMETRY_H
#define SERVER_TELEMETRY_H

#include <stddef.h>
#include <stdint.h>

#include "loss/status.h"
#include "observe/metrics.h"
#include "server/access.h"
#include "server/routes.h"

struct service;

enum { TELEMETRY_CODES = 17 }; /* HTTP statuses that this server sends */

struct telemetry {
    struct metrics *registry;
    struct metric *requests[ROUTE_COUNT][METHOD_COUNT][TELEMETRY_CODES]; /* NULL: cannot happen */
    struct metric *requests_other; /* if it did all the same */
    struct metric *errors[LOSS_STATUS_COUNT];
    struct metric *duration[ROUTE_COUNT];
    struct metric *request_bytes, *response_bytes;
    struct metric *rows;
    struct metric *queue_wait;
    struct metric *client_aborts;
    struct metric *reloads[ACCESS_RELOAD_COUNT];
};

/* Register everything; NULL if memory runs out.  *service is read whenever metrics are. */
struct telemetry *telemetry_new(struct service *service);
void telemetry_free(struct telemetry *telemetry);

/* Count a reload, if there was anything to read. */
void telemetry_reload(struct telemetry *telemetry, enum access_reload reload);

/* Count a finished request. */
void telemetry_request(struct telemetry *telemetry, enum route_name route, enum method method,
                       unsigned http_status, uint64_t duration_ns);

#endif
