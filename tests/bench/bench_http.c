/* bench_http.c - bare libmicrohttpd under lossd's own event loop: this is all of
 * src/server/http.h that the loop calls. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_bare.h"
#include "server/loop.h"

enum { CONNECTION_BYTES = 64 * 1024, CONNECTIONS_MAX = 1024 }; /* both as lossd's */

struct http {
    struct MHD_Daemon *daemon;
    struct MHD_Response *response; /* one for all */
    char *body;
    size_t body_bytes_max;
};

/* The context of a request is where the next byte of its body goes. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload_data,
                                  size_t *upload_data_size, void **request_context)
{
    struct http *http = context;
    char *at = *request_context;
    size_t count = *upload_data_size;

    (void)url, (void)method, (void)version;
    if (at == NULL) {
        *request_context = http->body;
        return MHD_YES;
    }
    if (count == 0)
        return MHD_queue_response(connection, MHD_HTTP_OK, http->response);
    if (count > http->body_bytes_max - (size_t)(at - http->body))
        return MHD_NO;
    memcpy(at, upload_data, count);
    *request_context = at + count;
    *upload_data_size = 0;
    return MHD_YES;
}

int http_epoll_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

bool http_run(struct http *http, uint64_t *wait_ms)
{
    MHD_UNSIGNED_LONG_LONG wait;

    (void)MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &wait) != MHD_YES)
        return false;
    *wait_ms = wait;
    return true;
}

bool http_starves(const struct http *http)
{
    (void)http;
    return false;
}

bool http_sweep(struct http *http, uint64_t now_ns)
{
    (void)http, (void)now_ns;
    return false;
}

static void nothing(void *context)
{
    (void)context;
}

/* As many header bytes as lossd sends. */
static bool add_headers(struct MHD_Response *response)
{
    static const char *const headers[][2] = {
        {"Content-Type", "application/json"},
        {"Server-Timing",
         "queue;dur=0.000, decode;dur=0.000, evaluate;dur=0.000, encode;dur=0.000"},
        {"X-Request-Id", "0123456789abcdef"},
    };
    bool added = true;

    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        added = added && MHD_add_response_header(response, headers[i][0], headers[i][1]) == MHD_YES;
    return added;
}

_Noreturn void bench_http_serve(const struct bench_bare *bare)
{
    const struct loop_events events = {.on_wake = nothing, .on_tick = nothing};
    struct http http = {.body = calloc(bare->body_bytes_max + 1, 1),
                        .body_bytes_max = bare->body_bytes_max};
    const char *body = (char *)memmem(bare->reply->bytes, bare->reply->length, "\r\n\r\n", 4) + 4;
    struct loop *loop = NULL;

    http.response =
        MHD_create_response_from_buffer(bare->reply->length - (size_t)(body - bare->reply->bytes),
                                        (void *)(size_t)body, MHD_RESPMEM_PERSISTENT);
    /* clang-format off */
    http.daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, &http,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)bare->listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    /* clang-format on */
    if (http.body != NULL && http.daemon != NULL && http.response != NULL &&
        add_headers(http.response))
        loop = loop_new(&http, &events);
    if (loop == NULL) {
        (void)fputs("bench: bare libmicrohttpd cannot start\n", stderr);
        _exit(EXIT_FAILURE);
    }
    loop_run(loop);
    _exit(EXIT_SUCCESS);
}
