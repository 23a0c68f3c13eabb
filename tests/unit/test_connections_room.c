/* test_connections_room.c - who is cut off for newcomers, or when all end, and who is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "support/lone_connections.h"

static void to_phase(struct connection *connection, enum phase phase, uint64_t now_ns)
{
    connection_enter(connection, phase, now_ns);
    connection->was_asked = false; /* its request before was read */
}

/* One whose next request is here is not idle, though nobody has read it. */
static void who_has_asked_is_not_cut(void **state)
{
    enum { ASKED, IDLE, LATER, COUNT };
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t now = 3001 * (uint64_t)MS;

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < COUNT; i++) {
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
        connection_enter(connections[i], PHASE_IDLE, i == LATER ? now - MS : 0);
    }
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    connections_sweep(&own.connections, now); /* its time is over, for two */
    assert_int_equal(connections[ASKED]->phase, PHASE_HEADERS);
    assert_true(connections[ASKED]->since_ns == now);
    assert_true(!connections[ASKED]->is_shut && connections[IDLE]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 2 * MS);
    own.lone.state.clients.max = 1; /* of the other two one has to go: not the longest idle */
    connections_sweep(&own.connections, now);
    assert_true(!connections[ASKED]->is_shut && connections[LATER]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 0);
    assert_false(connections_part(&own.connections, now));
    assert_false(connections[ASKED]->is_shut);
    to_phase(connections[ASKED], PHASE_WORKING, 0);
    assert_true(connections_part(&own.connections, now));
    assert_false(connections[ASKED]->is_shut);
    to_phase(connections[ASKED], PHASE_IDLE, 0);
    assert_int_equal(recv(connections[ASKED]->fd, (char[1]){0}, 1, 0), 1);
    assert_true(connections_part(&own.connections, now));
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        lone_connections_end(&own, connections[i], peers[i]);
    lone_connections_stop(&own);
}

/* Nor is one silent whose first request is; but whoever trickles it is found so once. */
static void who_has_asked_at_last_is_not_cut(void **state)
{
    enum { SILENT, ASKED, COUNT };
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT];
    uint64_t now = 1001 * (uint64_t)MS;

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < COUNT; i++)
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
    own.lone.options.header_timeout_ms = 10000;
    own.lone.state.clients.max = COUNT - 1;
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    connections_sweep(&own.connections, now);
    assert_true(!connections[ASKED]->is_shut && connections[SILENT]->is_shut);
    assert_true(connections[ASKED]->since_ns == now);
    own.lone.state.clients.max = 0;
    connections_sweep(&own.connections, 2 * now);
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        lone_connections_end(&own, connections[i], peers[i]);
    lone_connections_stop(&own);
}

/* Whatever was silent until then. */
static void who_parts_leaves_nobody_waiting(void **state)
{
    enum { SILENT, ASKED, COUNT };
    struct lone_connections own;
    struct connection *connections[COUNT];
    int peers[COUNT];

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < COUNT; i++)
        connections[i] = lone_connections_add(&own, 0, &peers[i]);
    assert_int_equal(send(peers[ASKED], "G", 1, 0), 1);
    assert_false(connections_part(&own.connections, MS));
    assert_true(!connections[ASKED]->is_shut && connections[SILENT]->is_shut);
    assert_true(connections_part(&own.connections, MS)); /* it has not gone on */
    assert_true(connections[ASKED]->is_shut);
    for (int i = 0; i < COUNT; i++)
        lone_connections_end(&own, connections[i], peers[i]);
    lone_connections_stop(&own);
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
    struct lone_connections own;
    struct connections others;
    struct connection *old[COUNT], *come[COUNT];
    int peers[COUNT];
    struct crowd *crowd = &own.lone.state.clients;

    (void)state;
    lone_connections_start(&own);
    crowd->max = COUNT;
    others = own.connections;
    for (int i = 0; i < COUNT; i++)
        old[i] = lone_connections_add(&own, 0, &peers[i]);
    connection_enter(old[IDLE], PHASE_IDLE, 0);
    connection_enter(old[BUSY], PHASE_WORKING, 0);
    assert_true(add_to(&others, &come[0])->is_extra); /* nobody knows of what can be spared */
    connections_remove(&others, come[0]);
    own.lone.options.header_timeout_ms = 3000;
    connections_sweep(&own.connections, 1001 * (uint64_t)MS);
    assert_int_equal(crowd->sparable, 2);
    for (int i = 0; i < 2; i++) /* it is taken back once */
        connections_need(&own.connections, old[SILENT]);
    assert_int_equal(crowd->sparable, 1);
    connections_sweep(&own.connections, 1001 * (uint64_t)MS);
    connections_sweep(&own.connections, 1001 * (uint64_t)MS);
    assert_int_equal(crowd->sparable, 2);
    assert_false(add_to(&others, &come[0])->is_extra);
    assert_false(add_to(&others, &come[1])->is_extra);
    assert_true(add_to(&others, &come[2])->is_extra);
    connections_sweep(&others, 500 * (uint64_t)MS); /* all of its own have just come */
    assert_int_equal(crowd->count, 2 * COUNT);
    connections_sweep(&own.connections, 1001 * (uint64_t)MS);
    assert_true(old[IDLE]->is_shut && old[SILENT]->is_shut && !old[BUSY]->is_shut);
    assert_int_equal(crowd->count, COUNT + 1);
    assert_int_equal(crowd->sparable, 0);
    for (int i = 0; i < COUNT; i++) {
        lone_connections_end(&own, old[i], peers[i]);
        connections_remove(&others, come[i]);
    }
    lone_connections_stop(&own);
}

/* Those that are accepted though there is no place are made up for by a loop that has idle ones as
 * soon as it needs that itself. */
static void one_more_comes_in_the_place_of_an_idle_one(void **state)
{
    struct lone_connections own;
    struct connection *connections[CONNECTIONS_SPARED];
    int peers[CONNECTIONS_SPARED];
    const uint64_t now = 1001 * (uint64_t)MS;

    (void)state;
    lone_connections_start(&own);
    for (int i = 0; i < CONNECTIONS_SPARED; i++)
        connections[i] = lone_connections_add(&own, now, &peers[i]);
    connection_enter(connections[0], PHASE_IDLE, now);
    own.lone.state.clients.max = 1;
    assert_true(connections_accept(&own.connections, now));
    assert_false(connections[0]->is_shut);
    own.lone.state.clients.max = 0;
    assert_true(connections_accept(&own.connections, now));
    assert_true(connections[0]->is_shut);
    own.lone.state.clients.count++;
    assert_false(connections_accept(&own.connections, now)); /* all others have just come */
    own.lone.state.clients.count--;
    for (int i = 0; i < CONNECTIONS_SPARED; i++)
        lone_connections_end(&own, connections[i], peers[i]);
    lone_connections_stop(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_asked_is_not_cut),
        cmocka_unit_test(who_has_asked_at_last_is_not_cut),
        cmocka_unit_test(who_parts_leaves_nobody_waiting),
        cmocka_unit_test(what_another_loop_can_spare_is_room),
        cmocka_unit_test(one_more_comes_in_the_place_of_an_idle_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
