/* client.h - HTTP from the other side, by libcurl.
 *
 * Nothing here asserts anything, so that threads may use it, a client each. */
#ifndef SUPPORT_CLIENT_H
#define SUPPORT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "support/response.h"

struct client; /* keeps its connection alive from one request to the next */

struct client *client_open(unsigned port);
void client_close(struct client *client); /* NULL is allowed */

/* From now on, send this header with every request; NULL none.  It is kept, not copied. */
void client_always_send(struct client *client, const char *header);

/* From now on, over TLS, and believe the certificates of this file; if the others are not
 * NULL, show that certificate with its key.  The paths are kept, not copied; connections
 * that there were are closed. */
void client_secure(struct client *client, const char *authority, const char *certificate,
                   const char *key);

/* Send a request and wait for its reply, at most 30 s.  `headers` ends in NULL, or is NULL; `body`
 * NULL sends none.  Nothing is added: no Content-Type, no Expect.  The response is the client's. */
const struct response *client_send(struct client *client, const char *method, const char *path,
                                   const char *const *headers, const char *body, size_t length);

/* POST /v1/evaluate with a body that is a string. */
const struct response *client_evaluate(struct client *client, const char *body);

/* The value of a series, as in `lossd_queue_jobs` or `lossd_errors_total{code="draining"}`, in the
 * text of /metrics; NaN if it is not there.  The second asks for the text first. */
double metric_value_in(const char *text, const char *series);
double client_metric(struct client *client, const char *series);

/* Wait for a series to be from `low` to `high`, at most CLIENT_WAIT_MS, or false, with a line on
 * standard error: so also if the daemon is dead, or has no such series. */
enum { CLIENT_WAIT_MS = 120000 };
bool client_wait(struct client *client, const char *series, double low, double high);

/* lossd_in_flight_bytes when no request is in flight but the one that asks, which is waited for:
 * another loop may not have closed the book on a request whose reply is here.  NaN if it does not
 * come to that. */
double client_resting_bytes(struct client *client);

#endif
