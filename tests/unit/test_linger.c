/* test_linger.c - who may still send after his answer, how much, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/linger.h"

enum { SECOND = 1000000000 };

static struct lingering lingering;
static int clients[LINGER_SOCKETS_MAX + 10];

/* The client's end of a connection that was answered at `now_ns` and then closed. */
static int answered(bool is_shut, uint64_t now_ns)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    linger_add(&lingering, ends[0], is_shut, now_ns);
    assert_int_equal(close(ends[0]), 0);
    return ends[1];
}

/* Whether somebody still listens to this client: else a connection would be reset. */
static bool may_send(int client)
{
    return send(client, "more", 4, MSG_NOSIGNAL | MSG_DONTWAIT) == 4;
}

/* He sees the end of his reply at once, and what he sends is taken. */
static void who_was_answered_may_send_for_a_while(void **state)
{
    int client = answered(false, 0);
    char byte;

    (void)state;
    assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), 0);
    (void)linger_sweep(&lingering, (uint64_t)(LINGER_MS_MAX - 1) * 1000000);
    assert_true(may_send(client));
    assert_int_equal(lingering.count, 1);
    (void)linger_sweep(&lingering, (uint64_t)LINGER_MS_MAX * 1000000);
    assert_false(may_send(client));
    assert_int_equal(lingering.count, 0);
    (void)close(client);
}

static void who_has_closed_is_forgotten(void **state)
{
    int client = answered(false, 0);

    (void)state;
    assert_true(may_send(client));
    (void)close(client);
    (void)linger_sweep(&lingering, 1);
    assert_int_equal(lingering.count, 0);
}

/* At its end is where such a socket always seems to be. */
static void what_was_shut_for_reading_waits_for_the_time(void **state)
{
    int client = answered(true, 0);

    (void)state;
    (void)close(client);
    (void)linger_sweep(&lingering, SECOND);
    assert_int_equal(lingering.count, 1);
    (void)linger_sweep(&lingering, UINT64_C(2) * SECOND);
    assert_int_equal(lingering.count, 0);
}

static void nobody_sends_for_ever(void **state)
{
    static char block[64 * 1024];
    int client = answered(false, 0);
    size_t sent = 0;
    ssize_t count;

    (void)state;
    assert_true(may_send(client));
    assert_true(linger_sweep(&lingering, 1)); /* he may have more */
    assert_false(linger_sweep(&lingering, 1));
    sent = 4;
    while (lingering.count == 1 && sent <= 2 * (size_t)LINGER_BYTES_MAX) {
        count = send(client, block, sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += count > 0 ? (size_t)count : 0;
        (void)linger_sweep(&lingering, 1);
    }
    assert_int_equal(lingering.count, 0);
    assert_in_range(sent, LINGER_BYTES_MAX, LINGER_BYTES_MAX + sizeof block);
    (void)close(client);
}

/* However much is there, a sweep is short; another takes the rest. */
static void a_sweep_ends(void **state)
{
    enum { MIB = 1024 * 1024, PIECE = 64 * 1024 };
    static char block[PIECE];
    int client = answered(false, 0), room = 4 * MIB;
    size_t sent = 0;

    (void)state;
    (void)setsockopt(client, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    while (sent < 2 * MIB && send(client, block, PIECE, MSG_NOSIGNAL | MSG_DONTWAIT) == PIECE)
        sent += PIECE;
    if (sent < 2 * MIB) {
        (void)printf("note: only the privileged may have so much in a socket\n");
        (void)close(client);
        linger_end(&lingering);
        skip();
    }
    assert_true(linger_sweep(&lingering, 1));
    assert_in_range(lingering.sockets[0].bytes, MIB, MIB + PIECE);
    while (linger_sweep(&lingering, 1))
        continue;
    assert_int_equal(lingering.count, 1);
    assert_int_equal(lingering.sockets[0].bytes, sent);
    (void)close(client);
    linger_end(&lingering);
}

/* A flood of refusals between two sweeps: those who are done make room, whoever is not. */
static void the_done_make_room(void **state)
{
    int first = answered(false, 0);

    (void)state;
    for (size_t i = 1; i < LINGER_SOCKETS_MAX; i++)
        (void)close(answered(false, 1));
    assert_int_equal(lingering.count, LINGER_SOCKETS_MAX);
    clients[0] = answered(false, 2);
    assert_int_equal(lingering.count, 2);
    assert_true(may_send(first));
    assert_true(may_send(clients[0]));
    (void)close(first);
    (void)close(clients[0]);
    linger_end(&lingering);
}

/* Where nobody is done, those go who had the longest time. */
static void the_oldest_make_room(void **state)
{
    size_t count = sizeof clients / sizeof *clients, extra = count - LINGER_SOCKETS_MAX;

    (void)state;
    for (size_t i = 0; i < count; i++)
        clients[i] = answered(false, i);
    assert_int_equal(lingering.count, LINGER_SOCKETS_MAX);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(may_send(clients[i]), i >= extra);
    linger_end(&lingering);
    for (size_t i = 0; i < count; i++) {
        assert_false(may_send(clients[i]));
        (void)close(clients[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_answered_may_send_for_a_while),
        cmocka_unit_test(who_has_closed_is_forgotten),
        cmocka_unit_test(what_was_shut_for_reading_waits_for_the_time),
        cmocka_unit_test(nobody_sends_for_ever),
        cmocka_unit_test(a_sweep_ends),
        cmocka_unit_test(the_done_make_room),
        cmocka_unit_test(the_oldest_make_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
