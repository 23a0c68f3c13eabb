/* test_connection.c - the clocks of connections: both sides of each limit, and the sweep. */
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

#include "server/connection.h"
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

static void each_phase_has_its_limit(void **state)
{
    static const struct {
        const char *name;
        enum phase phase;
        uint64_t passed_ms, body_bytes;
        enum lateness lateness;
    } rows[] = {
        {"idle from the start", PHASE_IDLE, 0, 0, LATE_NOT},
        {"idle", PHASE_IDLE, 3000, 0, LATE_NOT},
        {"idle too long", PHASE_IDLE, 3001, 0, LATE_CUT},
        {"headers", PHASE_HEADERS, 500, 0, LATE_NOT},
        {"slow headers", PHASE_HEADERS, 501, 0, LATE_SAY_SO},
        {"body at the start of its grace", PHASE_BODY, 0, 0, LATE_NOT},
        {"body in its time of grace", PHASE_BODY, 200, 0, LATE_NOT},
        {"no body after it", PHASE_BODY, 201, 0, LATE_SAY_SO},
        {"one byte for one millisecond", PHASE_BODY, 201, 1, LATE_NOT},
        {"and for two", PHASE_BODY, 202, 1, LATE_SAY_SO},
        {"body at the rate", PHASE_BODY, 10200, 10000, LATE_NOT},
        {"body below the rate", PHASE_BODY, 10200, 9999, LATE_SAY_SO},
        {"a body as long as a request may take", PHASE_BODY, 20000, 19800, LATE_NOT},
        {"and longer, however fast", PHASE_BODY, 20001, 1000000, LATE_SAY_SO},
        {"a body past the time of its request", PHASE_BODY, 20001, 86400000, LATE_SAY_SO},
        {"working", PHASE_WORKING, 100000000, 0, LATE_NOT},
        {"sending", PHASE_SENDING, 7000, 0, LATE_NOT},
        {"sending too long", PHASE_SENDING, 7001, 0, LATE_CUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t start = 123456789012345;
        struct connection connection = {.body_bytes = 99};
        enum lateness lateness;

        connection_enter(&connection, rows[i].phase, start);
        assert_int_equal(connection.body_bytes, 0);
        connection.body_bytes = rows[i].body_bytes;
        lateness =
            connection_lateness(&connection, &options, false, start + rows[i].passed_ms * MS);
        if (lateness != rows[i].lateness)
            fail_msg("%s: got %u", rows[i].name, (unsigned)lateness);
        if (connection_lateness(&connection, &options, false,
                                start + (rows[i].passed_ms + 1) * MS - 1) !=
            lateness) /* only whole milliseconds count */
            fail_msg("%s: too early", rows[i].name);
    }
}

/* A body of 200,000 bytes may take 20 seconds: 10,000 in each. */
static void memory_that_is_short_is_not_held_for_long(void **state)
{
    static const struct {
        const char *name;
        uint64_t grace_ms, rate, held, passed_ms, bytes;
        bool is_late, is_late_short;
    } rows[] = {
        {"nothing for 2 s", 6000, 1000, 200000, 2000, 0, false, false},
        {"and for 2.001 s", 6000, 1000, 200000, 2001, 0, false, true},
        {"and for 6.001 s", 6000, 1000, 200000, 6001, 0, true, true},
        {"a grace that is shorter", 300, 1000, 200000, 301, 0, true, true},
        {"on its way to be in time", 6000, 1000, 200000, 12000, 100000, false, false},
        {"not on its way", 6000, 1000, 200000, 12000, 99999, false, true},
        {"a rate that is higher", 6000, 50000, 200000, 12000, 299999, true, true},
        {"and is kept", 6000, 50000, 200000, 8000, 300000, false, false},
        {"any rate", 6000, 0, 200000, 12000, 99999, false, true},
        {"much is held", 6000, 1000, 65536, 2001, 0, false, true},
        {"little is", 6000, 1000, 65535, 2001, 0, false, false},
        {"its length is not known", 6000, 1000, 0, 2001, 0, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connection connection = {.body_held = 1};
        struct server_options other = options;
        bool is_late, is_late_short;

        other.body_rate_grace_ms = rows[i].grace_ms;
        other.body_rate_min_bytes_per_s = rows[i].rate;
        connection_enter(&connection, PHASE_BODY, 0);
        assert_int_equal(connection.body_held, 0);
        connection.body_held = rows[i].held;
        connection.body_bytes = rows[i].bytes;
        is_late =
            connection_lateness(&connection, &other, false, rows[i].passed_ms * MS) != LATE_NOT;
        is_late_short =
            connection_lateness(&connection, &other, true, rows[i].passed_ms * MS) != LATE_NOT;
        if (is_late != rows[i].is_late || is_late_short != rows[i].is_late_short)
            fail_msg("%s: got %d, %d", rows[i].name, is_late, is_late_short);
    }
}

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
    const struct head head = {.method = "POST",
                              .path = "/v1/evaluate",
                              .hosts = 1,
                              .content_length = "100",
                              .content_lengths = 1,
                              .request_id = "mine-1"};
    struct fixture fixture;
    struct connection *connection;
    char text[4096];
    int peer;

    (void)state;
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
        cmocka_unit_test(each_phase_has_its_limit),
        cmocka_unit_test(memory_that_is_short_is_not_held_for_long),
        cmocka_unit_test(connections_are_listed),
        cmocka_unit_test(late_headers_are_told_and_cut),
        cmocka_unit_test(a_late_body_fails_its_exchange),
        cmocka_unit_test(a_slow_reader_is_cut_without_a_word),
        cmocka_unit_test(clients_that_are_gone_are_found_in_turn),
        cmocka_unit_test(late_ones_are_cut_a_few_at_a_time),
        cmocka_unit_test(what_another_loop_can_spare_is_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
