/* lone_connections.c - the connections of a loop, without the loop. */
#include "support/lone_connections.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

const struct server_options lone_connections_options = {
    .inline_bytes_max = 1000,
    .connections_max = 100,
    .memory_budget_bytes = 1 << 20,
    .header_timeout_ms = 500,
    .idle_timeout_ms = 3000,
    .body_rate_min_bytes_per_s = 1000,
    .body_rate_grace_ms = 200,
    .response_timeout_ms = 7000,
    .request_timeout_ms = 20000,
    .json_bytes_max = 1000,
    .cors_origin = "",
    .version = "0",
    .revision = "0",
};

void lone_connections_start(struct lone_connections *own)
{
    lone_service_start(&own->lone, &lone_connections_options);
    own->connections = (struct connections){.service = &own->lone.service};
}

void lone_connections_stop(struct lone_connections *own)
{
    assert_null(own->connections.first);
    assert_int_equal(own->lone.state.clients.count, 0);
    assert_int_equal(own->lone.state.clients.sparable, 0);
    lone_service_stop(&own->lone);
}

struct connection *lone_connections_add(struct lone_connections *own, uint64_t now_ns, int *peer)
{
    struct connection *connection;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connection = connections_add(&own->connections, ends[0], now_ns);
    assert_non_null(connection);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    *peer = ends[1];
    return connection;
}

void lone_connections_end(struct lone_connections *own, struct connection *connection, int peer)
{
    (void)close(connection->fd);
    (void)close(peer);
    connections_remove(&own->connections, connection);
}
