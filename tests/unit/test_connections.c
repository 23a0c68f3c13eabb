/* test_connections.c - all connections of a loop, and the sweep of those that are late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/pressure.h"
#include "support/lone_connections.h"

/* All that has arrived; -1 if the other side is still open and silent, 0 at its end. */
static ssize_t arrived(int peer, char *text, size_t size)
{
    ssize_t length = recv(peer, text, size - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return length;
}

static uint64_t timeouts_counted(const struct lone_connections *own)
{
    return metric_value(own->lone.service.telemetry->errors[LOSS_REQUEST_TIMEOUT]);
}

static void connections_are_listed(void **state)
{
    struct lone_connections own;
    struct connection *a, *b, *c;

    (void)state;
    lone_connections_start(&own);
    a = connections_add(&own.connections, 1, 7);
    b = connections_add(&own.connections, 2, 7);
    c = connections_add(&own.connections, 3, 7);
    assert_int_equal(a->phase, PHASE_HEADERS);
    assert_true(a->since_ns == 7);
    assert_null(a->exchange);
    assert_int_equal(own.lone.state.clients.count, 3);
    connections_remove(&own.connections, b); /* from the middle */
    assert_ptr_equal(own.connections.first, c);
    assert_ptr_equal(c->next, a);
    assert_ptr_equal(a->previous, c);
    connections_remove(&own.connections, c); /* the first */
    assert_ptr_equal(own.connections.first, a);
    assert_null(a->previous);
    assert_null(a->next);
    connections_remove(&own.connections, a); /* the only one */
    lone_connections_stop(&own);
}

static void late_headers_are_told_and_cut(void **state)
{
    struct lone_connections own;
    struct connection *late, *punctual;
    int late_peer, punctual_peer;
    char text[4096], *body;

    (void)state;
    lone_connections_start(&own);
    late = lone_connections_add(&own, 0, &late_peer);
    punctual = lone_connections_add(&own, 1 * MS, &punctual_peer);
    connections_sweep(&own.connections, 500 * (uint64_t)MS);
    assert_int_equal(arrived(late_peer, text, sizeof text), -1);
    connections_sweep(&own.connections, 501 * (uint64_t)MS);
    assert_true(arrived(late_peer, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 408 Request Timeout\r\n", 30);
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    assert_non_null(strstr(body, "\"code\": \"request_timeout\""));
    assert_int_equal(strtoul(strstr(text, "Content-Length: ") + 16, NULL, 10), strlen(body + 4));
    assert_memory_equal(strstr(text, "X-Request-Id: ") + 14, strstr(body, "_id\": \"") + 7, 16);
    assert_int_equal(arrived(late_peer, text, sizeof text), 0); /* cut */
    assert_int_equal(arrived(punctual_peer, text, sizeof text), -1);
    assert_int_equal(timeouts_counted(&own), 1);
    assert_int_equal(late->phase, PHASE_WORKING);
    connection_enter(punctual, PHASE_IDLE, 501 * (uint64_t)MS);
    connections_sweep(&own.connections, 3000 * (uint64_t)MS); /* it is not told again */
    assert_int_equal(timeouts_counted(&own), 1);
    lone_connections_end(&own, late, late_peer);
    lone_connections_end(&own, punctual, punctual_peer);
    lone_connections_stop(&own);
}

/* A request that was begun is counted by its own end, under its own id. */
static void a_late_body_fails_its_exchange(void **state)
{
    struct head head = lone_service_post("100");
    struct lone_connections own;
    struct connection *connection;
    char text[4096];
    int peer;

    (void)state;
    head.request_id = "mine-1";
    lone_connections_start(&own);
    connection = lone_connections_add(&own, 0, &peer);
    connection->exchange = exchange_open(&own.lone.service, &head);
    connection_enter(connection, PHASE_BODY, 0);
    connections_sweep(&own.connections, 201 * (uint64_t)MS);
    assert_true(arrived(peer, text, sizeof text) > 0);
    assert_non_null(strstr(text, "X-Request-Id: mine-1\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(text, "\"request_id\": \"mine-1\"}\n"));
    assert_int_equal(connection->exchange->status, LOSS_REQUEST_TIMEOUT);
    assert_int_equal(timeouts_counted(&own), 0);
    exchange_close(connection->exchange, false);
    assert_int_equal(timeouts_counted(&own), 1);
    assert_int_equal(memory_used_bytes(own.lone.service.memory), 0);
    lone_connections_end(&own, connection, peer);
    lone_connections_stop(&own);
}

/* Of which the rest is late: why it failed is what its client is told. */
static void a_late_body_has_failed_before(void **state)
{
    const struct head head = lone_service_post("100");
    struct lone_connections own;
    struct connection *connection;
    char text[4096];
    int peer;

    (void)state;
    lone_connections_start(&own);
    connection = lone_connections_add(&own, 0, &peer);
    connection->exchange = exchange_open(&own.lone.service, &head);
    exchange_fail_plainly(connection->exchange, LOSS_DEADLINE_EXCEEDED);
    connection_enter(connection, PHASE_BODY, 0);
    connections_sweep(&own.connections, 201 * (uint64_t)MS);
    assert_true(arrived(peer, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 504 Gateway Timeout\r\n", 30);
    assert_int_equal(connection->exchange->status, LOSS_DEADLINE_EXCEEDED);
    exchange_close(connection->exchange, false);
    lone_connections_end(&own, connection, peer);
    lone_connections_stop(&own);
}

/* In the middle of a reply nothing can be said. */
static void a_slow_reader_is_cut_without_a_word(void **state)
{
    struct lone_connections own;
    struct connection *connection;
    char text[64];
    int peer;

    (void)state;
    lone_connections_start(&own);
    connection = lone_connections_add(&own, 0, &peer);
    connection_enter(connection, PHASE_SENDING, 0);
    connections_sweep(&own.connections, 7000 * (uint64_t)MS);
    assert_int_equal(arrived(peer, text, sizeof text), -1);
    connections_sweep(&own.connections, 7001 * (uint64_t)MS);
    assert_int_equal(arrived(peer, text, sizeof text), 0);
    assert_int_equal(timeouts_counted(&own), 0);
    lone_connections_end(&own, connection, peer);
    lone_connections_stop(&own);
}

/* A sweep looks for some clients only; who is left has his turn in the next,
 * and then all have it again. */
static void clients_that_are_gone_are_found_in_turn(void **state)
{
    enum { COUNT = SWEEP_LOOKS_MAX + 2 };
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT], first = COUNT - 1, last = 0; /* new ones come to the head of the list */

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < COUNT; i++)
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
    (void)shutdown(peers[last], SHUT_WR);
    assert_false(connections_sweep(&own.connections, 1 * MS));
    assert_false(connections[last]->is_shut);
    (void)shutdown(peers[first], SHUT_WR);
    connections_sweep(&own.connections, 2 * MS);
    assert_true(connections[last]->is_shut);
    assert_false(connections[first]->is_shut);
    connections_sweep(&own.connections, 3 * MS);
    assert_true(connections[first]->is_shut);
    for (int i = 0; i < COUNT; i++)
        lone_connections_end(&own, connections[i], peers[i]);
    lone_connections_stop(&own);
}

/* All at once would keep others waiting. */
static void late_ones_are_cut_a_few_at_a_time(void **state)
{
    enum { COUNT = 20 };
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t sweeps = 1;

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < COUNT; i++)
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
    while (connections_sweep(&own.connections, 501 * (uint64_t)MS))
        assert_int_equal(timeouts_counted(&own), 8 * sweeps++);
    assert_int_equal(timeouts_counted(&own), COUNT);
    assert_int_equal(sweeps, 3);
    for (int i = 0; i < COUNT; i++) {
        assert_true(connections[i]->is_shut);
        lone_connections_end(&own, connections[i], peers[i]);
    }
    lone_connections_stop(&own);
}

/* One at a time, and only as long as memory is short. */
static void the_oldest_waste_ends_first(void **state)
{
    enum { COUNT = 3, HELD = 200000 }; /* of 1 MiB: 3/4 with what blocks are larger */
    const struct head head = lone_service_post("200000");
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT];
    const uint64_t late = 4001 * (uint64_t)MS;

    (void)state;
    lone_connections_start(&own);
    own.lone.options.json_bytes_max = HELD;
    own.lone.options.inline_bytes_max = HELD;
    own.lone.options.body_rate_grace_ms = 10000;
    for (int i = 0; i < COUNT; i++) {
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
        connections[i]->exchange = exchange_open(&own.lone.service, &head);
        assert_int_equal(connections[i]->exchange->status, LOSS_OK);
        connection_enter(connections[i], PHASE_BODY, (uint64_t)(i ^ 1) * 1000 * MS);
        connections[i]->body_held = HELD;
    }
    for (int round = 0; round < 2; round++) { /* 0 began after 1 */
        int found = round ^ 1;

        assert_true(pressure_now(&own.lone.service) != PRESSURE_NONE);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(connections[i]->is_shut, i != found && i < 2 && round == 1);
        assert_true(connections_sweep(&own.connections, late));
        assert_true(connections[found]->is_shut);
        assert_int_equal(connections[found]->exchange->status, LOSS_REQUEST_TIMEOUT);
        if (round == 0)
            continue;
        exchange_close(connections[found]->exchange, false); /* as the library would make it */
        connections[found]->exchange = NULL;
    }
    assert_true(pressure_now(&own.lone.service) == PRESSURE_NONE);
    assert_true(connection_wastes(connections[2], &own.lone.options, 2 * late));
    assert_false(connections_sweep(&own.connections, 2 * late));
    assert_false(connections[2]->is_shut);
    for (int i = 0; i < COUNT; i++) {
        if (connections[i]->exchange != NULL)
            exchange_close(connections[i]->exchange, false);
        lone_connections_end(&own, connections[i], peers[i]);
    }
    lone_connections_stop(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_are_listed),
        cmocka_unit_test(late_headers_are_told_and_cut),
        cmocka_unit_test(a_late_body_fails_its_exchange),
        cmocka_unit_test(a_late_body_has_failed_before),
        cmocka_unit_test(a_slow_reader_is_cut_without_a_word),
        cmocka_unit_test(clients_that_are_gone_are_found_in_turn),
        cmocka_unit_test(late_ones_are_cut_a_few_at_a_time),
        cmocka_unit_test(the_oldest_waste_ends_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
