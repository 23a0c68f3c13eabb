/* cors.h - pages of other origins that may call: Cross-Origin Resource Sharing, as the Fetch
 * standard has it.  Off unless the setting cors_origin names an origin, or "*" for all. */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include <stdbool.h>

#include "server/head.h"

/* The request's headers that such a page may send, by name, and the reply's that it may read. */
extern const char cors_allowed[], cors_exposed[];

/* What Access-Control-Allow-Origin says to this request, or NULL: `setting` is static. */
const char *cors_origin(const char *setting, const struct head *head);

/* Whether a request is a browser's question if it may send another. */
bool cors_is_preflight(const struct head *head);

#endif
