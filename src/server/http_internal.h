/* http_internal.h - what the files of HTTP share, and nobody else sees of libmicrohttpd. */
#ifndef SERVER_HTTP_INTERNAL_H
#define SERVER_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "server/connections.h"
#include "server/http.h"
#include "server/linger.h"

struct http {
    struct service *service;
    struct MHD_Daemon *daemon;
    struct connections connections;
    struct lingering lingering;
    int listener;        /* -1 once it is closed */
    uint64_t moved;      /* counts what goes over TLS, and calls to http_on_request */
    unsigned still_runs; /* in a row that wanted another at once, though nothing moved */
    unsigned vain_runs;  /* in a row that nobody was connected after, though somebody waits */
};

/* NULL if memory ran out when it came. */
struct connection *http_connection_of(struct MHD_Connection *handle);

/* libmicrohttpd's handler of requests: called with the headers, with each piece of the body, and at
 * its end.  `context` is the struct http. */
enum MHD_Result http_on_request(void *context, struct MHD_Connection *handle, const char *url,
                                const char *method, const char *version, const char *upload_data,
                                size_t *upload_data_size, void **request_context);

#endif
