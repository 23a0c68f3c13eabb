/* http.c - HTTP/1.1 on sockets, by libmicrohttpd in external epoll mode: the
 * daemon and its connections. */
#include <assert.h>
#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/access.h"
#include "server/clock.h"
#include "server/http_internal.h"
#include "server/listener.h"

enum {
    STILL_RUNS_MAX = 128, /* in a row without a sign of anything done; 1 MiB fills in 91 */
    STALLED_MS = 20,      /* then, in case something else was to be done */
    LAST_RUNS_MAX = 256,  /* to empty the backlog; each accepts ten or so */
};

struct connection *http_connection_of(struct MHD_Connection *handle)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* ---- connections come and go ----------------------------------------------------------------- */

/* The library counts the connections of one loop; here are those of all. */
static enum MHD_Result on_newcomer(void *context, const struct sockaddr *address, socklen_t size)
{
    struct http *http = context;

    (void)address, (void)size;
    return connections_accept(&http->connections, clock_now_ns()) ? MHD_YES : MHD_NO;
}

static void begin_tls(struct http *http, struct MHD_Connection *handle,
                      struct connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(handle, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    tls_attach(&connection->tls, info->tls_session, connection->fd,
               access_identity(http->service->options->access), &http->moved);
}

/* If there is one. */
static void end_request(struct connection *connection, bool complete)
{
    if (connection->exchange == NULL)
        return;
    exchange_close(connection->exchange, complete);
    connection_uncount(connection);
    connection->exchange = NULL;
}

static void on_connection(void *context, struct MHD_Connection *handle, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct connection *connection = *socket_context;
    const union MHD_ConnectionInfo *info;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        info = MHD_get_connection_info(handle, MHD_CONNECTION_INFO_CONNECTION_FD);
        connection = connections_add(&http->connections, info->connect_fd, clock_now_ns());
        *socket_context = connection;
        if (connection != NULL && access_uses_tls(http->service->options->access))
            begin_tls(http, handle, connection);
    } else if (connection != NULL) { /* NULL: memory ran out, and its first request was refused */
        end_request(connection, false); /* 1.0 of the library tells no end of what it refuses */
        if (connection->leaves_unread)
            linger_add(&http->lingering, connection->fd, connection->is_shut, clock_now_ns());
        connections_remove(&http->connections, connection);
    }
}

static void on_completed(void *context, struct MHD_Connection *handle, void **request_context,
                         enum MHD_RequestTerminationCode code)
{
    struct connection *connection = http_connection_of(handle);

    (void)context;
    *request_context = NULL; /* the connection has it too */
    if (connection != NULL) {
        end_request(connection, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
        connection_enter(connection, PHASE_IDLE, clock_now_ns());
    }
}

/* The request line is here.  The path comes decoded later, and a NUL would cut it short unseen, so
 * this is where its escapes are looked at. */
static void *on_request_line(void *context, const char *uri, struct MHD_Connection *handle)
{
    struct connection *connection = http_connection_of(handle);
    const char *end = uri + strcspn(uri, "?"); /* of the path */
    struct http *http = context;

    if (connection == NULL)
        return NULL;
    connections_need(&http->connections, connection);
    if (connection->phase == PHASE_IDLE)
        connection_enter(connection, PHASE_HEADERS, clock_now_ns());
    connection->has_bad_escape = false;
    for (const char *at = strchr(uri, '%'); at != NULL && at < end; at = strchr(at + 1, '%')) {
        bool is_escape = isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2]);

        if (!is_escape || (at[1] == '0' && at[2] == '0'))
            connection->has_bad_escape = true;
    }
    return NULL;
}

/* ---- the daemon ------------------------------------------------------------------------------ */

static void on_log(void *context, const char *format, va_list arguments)
{
    struct http *http = context;
    char text[256];
    const struct log_field field = {"text", text, 0};

    (void)vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_write(http->service->log, LOG_DEBUG, "libmicrohttpd", &field, 1);
}

static void on_panic(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    (void)fprintf(stderr, "lossd: libmicrohttpd cannot go on: %s (%s:%u)\n",
                  reason != NULL ? reason : "no reason given", file, line);
    abort();
}

struct http *http_start(struct service *service, int listener, struct loss_error *error)
{
    const struct server_options *options = service->options;
    struct http *http = calloc(1, sizeof *http);
    bool has_tls = access_uses_tls(options->access);

    if (http == NULL)
        goto fail;
    http->service = service;
    http->connections.service = service;
    http->listener = listener;
    MHD_set_panic_func(on_panic, NULL);
    /* clang-format off */
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (has_tls ? MHD_USE_TLS : 0),
        0, on_newcomer, http, http_on_request, http,
        MHD_OPTION_EXTERNAL_LOGGER, on_log, http,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)listener,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(service->crowd->max + CONNECTIONS_SPARED),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)options->connection_memory_bytes,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, http,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        has_tls ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, tls_priorities,
        MHD_OPTION_HTTPS_CERT_CALLBACK, tls_no_certificate, MHD_OPTION_END);
    /* clang-format on */
    if (http->daemon != NULL)
        return http;
    free(http);
fail:
    (void)close(listener);
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "libmicrohttpd cannot start");
    return NULL;
}

int http_epoll_fd(const struct http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static bool has_backlog(const struct http *http)
{
    struct pollfd listener = {.fd = http->listener, .events = POLLIN};

    return http->listener >= 0 && poll(&listener, 1, 0) > 0;
}

bool http_starves(const struct http *http)
{
    return http->vain_runs > 1; /* once, somebody may have come after the library looked */
}

bool http_run(struct http *http, uint64_t *wait_ms)
{
    MHD_UNSIGNED_LONG_LONG wait;
    uint64_t moved = http->moved;

    (void)MHD_run(http->daemon); /* fails only for a daemon with threads of its own */
    if (http->connections.first == NULL && has_backlog(http))
        http->vain_runs++;
    else
        http->vain_runs = 0;
    if (MHD_get_timeout(http->daemon, &wait) != MHD_YES) {
        http->still_runs = 0;
        return false;
    }
    http->still_runs = wait == 0 && http->moved == moved ? http->still_runs + 1 : 0;
    /* A handshake that waits for its client is in the library's eyes ready to go on, as is a chunk
     * whose first line fills the buffer, so that it would be run over and over.  Other things take
     * a few runs without a sign: a buffer that grows, a connection that comes back from a worker.
     * Of replies only TLS tells that they move; the sockets of the others are asked. */
    if (http->still_runs > STILL_RUNS_MAX && (access_uses_tls(http->service->options->access) ||
                                              !connections_can_send(&http->connections)))
        wait = STALLED_MS;
    *wait_ms = wait;
    return true;
}

void http_resume(struct exchange *exchange)
{
    exchange->service->working--;
    if (exchange->state == EXCHANGE_RECEIVING)
        connection_enter(http_connection_of(exchange->connection), PHASE_BODY, clock_now_ns());
    MHD_resume_connection(exchange->connection);
}

bool http_sweep(struct http *http, uint64_t now_ns)
{
    bool are_sending = linger_sweep(&http->lingering, now_ns);

    return connections_sweep(&http->connections, now_ns) || are_sending;
}

bool http_expects_request(const struct http *http)
{
    return connections_have(&http->connections, PHASE_HEADERS);
}

bool http_part(struct http *http)
{
    return connections_part(&http->connections, clock_now_ns());
}

static void stop_accepting(struct http *http)
{
    http->listener = -1;
    (void)close(MHD_quiesce_daemon(http->daemon));
}

void http_close_listener(struct http *http)
{
    if (http->listener < 0)
        return;
    /* Whoever is in the backlog of a socket that ends has been promised an answer: accept until
     * nobody is there, as far as the limit on connections lets in. */
    if (!http->service->listener_is_lent) {
        listener_shut(http->listener);
        for (int run = 0; run < LAST_RUNS_MAX && has_backlog(http); run++)
            (void)MHD_run(http->daemon);
    }
    stop_accepting(http);
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    if (http->listener >= 0) /* it has never run, and promised nobody anything */
        stop_accepting(http);
    MHD_stop_daemon(http->daemon);
    assert(http->connections.first == NULL);
    linger_end(&http->lingering);
    free(http);
}
