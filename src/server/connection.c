/* connection.c - the clocks of a connection. */
#include "server/connection.h"

void connection_enter(struct connection *connection, enum phase phase, uint64_t now_ns)
{
    connection->phase = phase;
    connection->since_ns = now_ns;
    connection->body_bytes = 0;
}

/* After a time of grace a body must have arrived at the minimum rate, counted from the grace's end. */
static bool is_body_late(const struct connection *connection, const struct server_options *options,
                         uint64_t passed_ms)
{
    uint64_t grace_ms = options->body_rate_grace_ms;

    return passed_ms > grace_ms &&
           (double)connection->body_bytes <
               (double)(passed_ms - grace_ms) / 1e3 * (double)options->body_rate_min_bytes_per_s;
}

enum lateness connection_lateness(const struct connection *connection,
                                  const struct server_options *options, uint64_t now_ns)
{
    uint64_t passed_ms = (now_ns - connection->since_ns) / 1000000;

    switch (connection->phase) {
    case PHASE_IDLE: /* the library closes silent ones; this is for those that trickle a header */
        return passed_ms > options->idle_timeout_ms + options->header_timeout_ms ? LATE_CUT
                                                                                 : LATE_NOT;
    case PHASE_HEADERS: return passed_ms > options->header_timeout_ms ? LATE_SAY_SO : LATE_NOT;
    case PHASE_BODY: return is_body_late(connection, options, passed_ms) ? LATE_SAY_SO : LATE_NOT;
    case PHASE_WORKING: return LATE_NOT;
    case PHASE_SENDING: return passed_ms > options->response_timeout_ms ? LATE_CUT : LATE_NOT;
    }
    return LATE_NOT;
}
