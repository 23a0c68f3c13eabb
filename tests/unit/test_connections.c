/* test_connections.c - all connections of a loop: the sweep, room for newcomers, and who has to go
 * for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/connections.h"
#include "server/pressure.h"
#include "support/lone_service.h"

enum { MS = 1000000 };

static const struct server_options options = {
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

/* A service; and a connection of it, whose other end is *peer. */
struct fixture {
    struct lone_service lone;
    struct connections connections;
};

static void set_up(struct fixture *fixture)
{
    lone_service_start(&fixture->lone, &options);
    fixture->connections = (struct connections){.service = &fixture->lone.service};
}

static void tear_down(struct fixture *fixture)
{
    assert_null(fixture->connections.first);
    assert_int_equal(fixture->lone.state.clients.count, 0);
    assert_int_equal(fixture->lone.state.clients.sparable, 0);
    lone_service_stop(&fixture->lone);
}

static struct connection *add(struct fixture *fixture, uint64_t now_ns, int *peer)
{
    struct connection *connection;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    connection = connections_add(&fixture->connections, ends[0], now_ns);
    assert_non_null(connection);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    *peer = ends[1];
    return connection;
}

static void end(struct fixture *fixture, struct connection *connection, int peer)
{
    (void)close(connection->fd);
    (void)close(peer);
    connections_remove(&fixture->connections, connection);
}

/* All that has arrived; -1 if the other side is still open and silent, 0 at its end. */
static ssize_t arrived(int peer, char *text, size_t size)
{
    ssize_t length = recv(peer, text, size - 1, 0);

    text[length > 0 ? length : 0] = '\0';
    return length;
}

/* The headers of a request with a body of `length` bytes. */
static struct head post(const char *length)
{
    return (struct head){.method = "POST",
                         .path = "/v1/evaluate",
                         .hosts = 1,
                         .content_length = length,
                         .content_lengths = 1};
}

static uint64_t timeouts_counted(const struct fixture *fixture)
{
    return metric_value(fixture->lone.service.telemetry->errors[LOSS_REQUEST_TIMEOUT]);
}

static void connections_are_listed(void **state)
{
    struct fixture fixture;
    struct connection *a, *b, *c;

    (void)state;
    set_up(&fixture);
    a = connections_add(&fixture.connections, 1, 7);
    b = connections_add(&fixture.connections, 2, 7);
    c = connections_add(&fixture.connections, 3, 7);
    assert_int_equal(a->phase, PHASE_HEADERS);
    assert_true(a->since_ns == 7);
    assert_null(a->exchange);
    assert_int_equal(fixture.lone.state.clients.count, 3);
    connections_remove(&fixture.connections, b); /* from the middle */
    assert_ptr_equal(fixture.connections.first, c);
    assert_ptr_equal(c->next, a);
    assert_ptr_equal(a->previous, c);
    connections_remove(&fixture.connections, c); /* the first */
    assert_ptr_equal(fixture.connections.first, a);
    assert_null(a->previous);
    assert_null(a->next);
    connections_remove(&fixture.connections, a); /* the only one */
    tear_down(&fixture);
}

static void late_headers_are_told_and_cut(void **state)
{
    struct fixture fixture;
    struct connection *late, *punctual;
    int late_peer, punctual_peer;
    char text[4096], *body;

    (void)state;
    set_up(&fixture);
    late = add(&fixture, 0, &late_peer);
    punctual = add(&fixture, 1 * MS, &punctual_peer);
    connections_sweep(&fixture.connections, 500 * (uint64_t)MS);
    assert_int_equal(arrived(late_peer, text, sizeof text), -1);
    connections_sweep(&fixture.connections, 501 * (uint64_t)MS);
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
    assert_int_equal(timeouts_counted(&fixture), 1);
    assert_int_equal(late->phase, PHASE_WORKING);
    connection_enter(punctual, PHASE_IDLE, 501 * (uint64_t)MS);
    connections_sweep(&fixture.connections, 3000 * (uint64_t)MS); /* it is not told again */
    assert_int_equal(timeouts_counted(&fixture), 1);
    end(&fixture, late, late_peer);
    end(&fixture, punctual, punctual_peer);
    tear_down(&fixture);
}

/* A request that was begun is counted by its own end, under its own id. */
static void a_late_body_fails_its_exchange(void **state)
{
    struct head head = post("100");
    struct fixture fixture;
    struct connection *connection;
    char text[4096];
    int peer;

    (void)state;
    head.request_id = "mine-1";
    set_up(&fixture);
    connection = add(&fixture, 0, &peer);
    connection->exchange = exchange_open(&fixture.lone.service, &head);
    connection_enter(connection, PHASE_BODY, 0);
    connections_sweep(&fixture.connections, 201 * (uint64_t)MS);
    assert_true(arrived(peer, text, sizeof text) > 0);
    assert_non_null(strstr(text, "X-Request-Id: mine-1\r\n"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    assert_non_null(strstr(text, "\"request_id\": \"mine-1\"}\n"));
    assert_int_equal(connection->exchange->status, LOSS_REQUEST_TIMEOUT);
    assert_int_equal(timeouts_counted(&fixture), 0);
    exchange_close(connection->exchange, false);
    assert_int_equal(timeouts_counted(&fixture), 1);
    assert_int_equal(memory_used_bytes(fixture.lone.service.memory), 0);
    end(&fixture, connection, peer);
    tear_down(&fixture);
}

/* Of which the rest is late: why it failed is what its client is told. */
static void a_late_body_has_failed_before(void **state)
{
    const struct head head = post("100");
    struct fixture fixture;
    struct connection *connection;
    char text[4096];
    int peer;

    (void)state;
    set_up(&fixture);
    connection = add(&fixture, 0, &peer);
    connection->exchange = exchange_open(&fixture.lone.service, &head);
    exchange_fail_plainly(connection->exchange, LOSS_DEADLINE_EXCEEDED);
    connection_enter(connection, PHASE_BODY, 0);
    connections_sweep(&fixture.connections, 201 * (uint64_t)MS);
    assert_true(arrived(peer, text, sizeof text) > 0);
    assert_memory_equal(text, "HTTP/1.1 504 Gateway Timeout\r\n", 30);
    assert_int_equal(connection->exchange->status, LOSS_DEADLINE_EXCEEDED);
    exchange_close(connection->exchange, false);
    end(&fixture, connection, peer);
    tear_down(&fixture);
}

/* In the middle of a reply nothing can be said. */
static void a_slow_reader_is_cut_without_a_word(void **state)
{
    struct fixture fixture;
    struct connection *connection;
    char text[64];
    int peer;

    (void)state;
    set_up(&fixture);
    connection = add(&fixture, 0, &peer);
    connection_enter(connection, PHASE_SENDING, 0);
    connections_sweep(&fixture.connections, 7000 * (uint64_t)MS);
    assert_int_equal(arrived(peer, text, sizeof text), -1);
    connections_sweep(&fixture.connections, 7001 * (uint64_t)MS);
    assert_int_equal(arrived(peer, text, sizeof text), 0);
    assert_int_equal(timeouts_counted(&fixture), 0);
    end(&fixture, connection, peer);
    tear_down(&fixture);
}

/* A sweep looks for some clients only; who is left has his turn in the next,
 * and then all have it again. */
static void clients_that_are_gone_are_found_in_turn(void **state)
{
    enum { COUNT = SWEEP_LOOKS_MAX + 2 };
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT], first = COUNT - 1, last = 0; /* new ones come to the head of the list */

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < COUNT; i++)
        connections[i] = add(&fixture, 0, &peers[i]);
    (void)shutdown(peers[last], SHUT_WR);
    assert_false(connections_sweep(&fixture.connections, 1 * MS));
    assert_false(connections[last]->is_shut);
    (void)shutdown(peers[first], SHUT_WR);
    connections_sweep(&fixture.connections, 2 * MS);
    assert_true(connections[last]->is_shut);
    assert_false(connections[first]->is_shut);
    connections_sweep(&fixture.connections, 3 * MS);
    assert_true(connections[first]->is_shut);
    for (int i = 0; i < COUNT; i++)
        end(&fixture, connections[i], peers[i]);
    tear_down(&fixture);
}

/* All at once would keep others waiting. */
static void late_ones_are_cut_a_few_at_a_time(void **state)
{
    enum { COUNT = 20 };
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t sweeps = 1;

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < COUNT; i++)
        connections[i] = add(&fixture, 0, &peers[i]);
    while (connections_sweep(&fixture.connections, 501 * (uint64_t)MS))
        assert_int_equal(timeouts_counted(&fixture), 8 * sweeps++);
    assert_int_equal(timeouts_counted(&fixture), COUNT);
    assert_int_equal(sweeps, 3);
    for (int i = 0; i < COUNT; i++) {
        assert_true(connections[i]->is_shut);
        end(&fixture, connections[i], peers[i]);
    }
    tear_down(&fixture);
}

/* One at a time, and only as long as memory is short. */
static void the_oldest_waste_ends_first(void **state)
{
    enum { COUNT = 3, HELD = 200000 }; /* of 1 MiB: 3/4 with what blocks are larger */
    const struct head head = post("200000");
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT];
    const uint64_t late = 4001 * (uint64_t)MS;

    (void)state;
    set_up(&fixture);
    fixture.lone.options.json_bytes_max = HELD;
    fixture.lone.options.inline_bytes_max = HELD;
    fixture.lone.options.body_rate_grace_ms = 10000;
    for (int i = 0; i < COUNT; i++) {
        connections[i] = add(&fixture, 0, &peers[i]);
        connections[i]->exchange = exchange_open(&fixture.lone.service, &head);
        assert_int_equal(connections[i]->exchange->status, LOSS_OK);
        connection_enter(connections[i], PHASE_BODY, (uint64_t)(i ^ 1) * 1000 * MS);
        connections[i]->body_held = HELD;
    }
    for (int round = 0; round < 2; round++) { /* 0 began after 1 */
        int found = round ^ 1;

        assert_true(pressure_now(&fixture.lone.service) != PRESSURE_NONE);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(connections[i]->is_shut, i != found && i < 2 && round == 1);
        assert_true(connections_sweep(&fixture.connections, late));
        assert_true(connections[found]->is_shut);
        assert_int_equal(connections[found]->exchange->status, LOSS_REQUEST_TIMEOUT);
        if (round == 0)
            continue;
        exchange_close(connections[found]->exchange, false); /* as the library would make it */
        connections[found]->exchange = NULL;
    }
    assert_true(pressure_now(&fixture.lone.service) == PRESSURE_NONE);
    assert_true(connection_wastes(connections[2], &fixture.lone.options, 2 * late));
    assert_false(connections_sweep(&fixture.connections, 2 * late));
    assert_false(connections[2]->is_shut);
    for (int i = 0; i < COUNT; i++) {
        if (connections[i]->exchange != NULL)
            exchange_close(connections[i]->exchange, false);
        end(&fixture, connections[i], peers[i]);
    }
    tear_down(&fixture);
}

static void to_phase(struct connection *connection, enum phase phase, uint64_t now_ns)
{
    connection_enter(connection, phase, now_ns);
    connection->was_asked = false; /* its request before was read */
}

/* One whose next request is here is not idle, though nobody has read it. */
static void who_has_asked_is_not_cut(void **state)
{
    enum { ASKED, IDLE, LATER, COUNT };
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t now = 3001 * (uint64_t)MS;

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < COUNT; i++) {
        connections[i] = add(&fixture, 0, &peers[i]);
        connection_enter(connections[i], PHASE_IDLE, i == LATER ? now - MS : 0);
    }
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    connections_sweep(&fixture.connections, now); /* its time is over, for two */
    assert_int_equal(connections[ASKED]->phase, PHASE_HEADERS);
    assert_true(connections[ASKED]->since_ns == now);
    assert_true(!connections[ASKED]->is_shut && connections[IDLE]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 2 * MS);
    fixture.lone.state.clients.max = 1; /* of the other two one has to go: not the longest idle */
    connections_sweep(&fixture.connections, now);
    assert_true(!connections[ASKED]->is_shut && connections[LATER]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 0);
    assert_false(connections_part(&fixture.connections, now));
    assert_false(connections[ASKED]->is_shut);
    to_phase(connections[ASKED], PHASE_WORKING, 0);
    assert_true(connections_part(&fixture.connections, now));
    assert_false(connections[ASKED]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 0);
    assert_int_equal(recv(connections[ASKED]->fd, (char[1]){0}, 1, 0), 1);
    assert_true(connections_part(&fixture.connections, now));
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        end(&fixture, connections[i], peers[i]);
    tear_down(&fixture);
}

/* Nor is one silent whose first request is; but whoever trickles it is found so once. */
static void who_has_asked_at_last_is_not_cut(void **state)
{
    enum { SILENT, ASKED, COUNT };
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t now = 1001 * (uint64_t)MS;

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < COUNT; i++)
        connections[i] = add(&fixture, 0, &peers[i]);
    fixture.lone.options.header_timeout_ms = 10000;
    fixture.lone.state.clients.max = COUNT - 1;
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    connections_sweep(&fixture.connections, now);
    assert_true(!connections[ASKED]->is_shut && connections[SILENT]->is_shut);
    assert_true(connections[ASKED]->since_ns == now);
    fixture.lone.state.clients.max = 0;
    connections_sweep(&fixture.connections, 2 * now);
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        end(&fixture, connections[i], peers[i]);
    tear_down(&fixture);
}

/* Whatever was silent until then. */
static void who_parts_leaves_nobody_waiting(void **state)
{
    enum { SILENT, ASKED, COUNT };
    struct fixture fixture;
    struct connection *connections[COUNT];
    int peers[COUNT];

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < COUNT; i++)
        connections[i] = add(&fixture, 0, &peers[i]);
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    assert_false(connections_part(&fixture.connections, MS));
    assert_true(!connections[ASKED]->is_shut && connections[SILENT]->is_shut);
    assert_true(connections_part(&fixture.connections, MS)); /* it has not gone on */
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        end(&fixture, connections[i], peers[i]);
    tear_down(&fixture);
}

static struct connection *add_to(struct connections *connections, struct connection **list)
{
    *list = connections_add(connections, -1, 0);
    assert_non_null(*list);
    return *list;
}

/* Newcomers may have as many places as other loops can spare, which make them when they sweep. */
static void what_another_loop_can_spare_is_room(void **state)
{
    enum { IDLE, SILENT, BUSY, COUNT };
    struct fixture fixture;
    struct connections others;
    struct connection *old[COUNT], *come[COUNT];
    int peers[COUNT];
    struct crowd *crowd = &fixture.lone.state.clients;

    (void)state;
    set_up(&fixture);
    crowd->max = COUNT;
    others = fixture.connections;
    for (int i = 0; i < COUNT; i++)
        old[i] = add(&fixture, 0, &peers[i]);
    connection_enter(old[IDLE], PHASE_IDLE, 0);
    connection_enter(old[BUSY], PHASE_WORKING, 0);
    assert_true(add_to(&others, &come[0])->is_extra); /* nobody knows of what can be spared */
    connections_remove(&others, come[0]);
    fixture.lone.options.header_timeout_ms = 3000;
    connections_sweep(&fixture.connections, 1001 * (uint64_t)MS);
    assert_int_equal(crowd->sparable, 2);
    for (int i = 0; i < 2; i++) /* it is taken back once */
        connections_need(&fixture.connections, old[SILENT]);
    assert_int_equal(crowd->sparable, 1);
    connections_sweep(&fixture.connections, 1001 * (uint64_t)MS);
    connections_sweep(&fixture.connections, 1001 * (uint64_t)MS);
    assert_int_equal(crowd->sparable, 2);
    assert_false(add_to(&others, &come[0])->is_extra);
    assert_false(add_to(&others, &come[1])->is_extra);
    assert_true(add_to(&others, &come[2])->is_extra);
    connections_sweep(&others, 500 * (uint64_t)MS); /* all of its own have just come */
    assert_int_equal(crowd->count, 2 * COUNT);
    connections_sweep(&fixture.connections, 1001 * (uint64_t)MS);
    assert_true(old[IDLE]->is_shut && old[SILENT]->is_shut && !old[BUSY]->is_shut);
    assert_int_equal(crowd->count, COUNT + 1);
    assert_int_equal(crowd->sparable, 0);
    for (int i = 0; i < COUNT; i++) {
        end(&fixture, old[i], peers[i]);
        connections_remove(&others, come[i]);
    }
    tear_down(&fixture);
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
        cmocka_unit_test(who_has_asked_is_not_cut),
        cmocka_unit_test(who_has_asked_at_last_is_not_cut),
        cmocka_unit_test(who_parts_leaves_nobody_waiting),
        cmocka_unit_test(what_another_loop_can_spare_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
