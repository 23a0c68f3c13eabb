/* test_quota.c - how many requests a client has, whatever connections they come by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/connection.h"

enum { REQUESTS_MAX = 2, THREADS = 4, ROUNDS = 2000 };

/* A connection whose peer has this address of the loopback network; and the peer. */
static int connect_from_peer(const char *address, int *peer_fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET}, from = {.sin_family = AF_INET};
    socklen_t size = sizeof to;
    int listener = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0), fd;

    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    assert_int_equal(bind(listener, (struct sockaddr *)(void *)&to, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)(void *)&to, &size), 0);
    assert_int_equal(bind(peer, (struct sockaddr *)(void *)&from, sizeof from), 0);
    assert_int_equal(connect(peer, (struct sockaddr *)(void *)&to, sizeof to), 0);
    fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    (void)close(listener);
    *peer_fd = peer;
    return fd;
}

/* The same without the peer, whose address can still be asked for. */
static int connect_from(const char *address)
{
    int peer, fd = connect_from_peer(address, &peer);

    (void)close(peer);
    return fd;
}

static struct quota_client *enter(struct quota *quota, const char *address)
{
    struct quota_client *client;
    int fd = connect_from(address);

    assert_true(quota_enter(quota, fd, &client));
    (void)close(fd);
    return client;
}

static void requests_of_all_connections_count(void **state)
{
    struct quota *quota = quota_new(REQUESTS_MAX);
    struct quota_client *one = enter(quota, "127.0.0.2"), *same = enter(quota, "127.0.0.2");
    struct quota_client *other = enter(quota, "127.0.0.3");

    (void)state;
    assert_ptr_equal(one, same);
    assert_ptr_not_equal(one, other);
    assert_false(quota_begin(quota, one));
    assert_false(quota_begin(quota, same));
    assert_true(quota_begin(quota, one)); /* one too many, which has begun */
    assert_false(quota_begin(quota, other));
    quota_end(one);
    assert_true(quota_begin(quota, one));
    quota_end(one);
    quota_end(one);
    assert_false(quota_begin(quota, same));
    quota_leave(quota, one);
    assert_true(quota_begin(quota, same)); /* known for as long as it has a connection */
    quota_leave(quota, same);
    one = enter(quota, "127.0.0.2");
    assert_false(quota_begin(quota, one));
    quota_leave(quota, one);
    quota_leave(quota, other);
    quota_free(quota);
}

static void nobody_is_held_to_none(void **state)
{
    struct quota *quota = quota_new(1), *unlimited = quota_new(0);
    struct quota_client *client;
    int ends[2], fd = connect_from("127.0.0.2");

    (void)state;
    assert_true(quota_enter(unlimited, fd, &client));
    assert_null(client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(quota_enter(quota, ends[0], &client)); /* which has no address */
    assert_null(client);
    for (int i = 0; i < 3; i++)
        assert_false(quota_begin(quota, client));
    quota_end(client);
    quota_leave(quota, client);
    (void)close(ends[0]);
    (void)close(ends[1]);
    (void)close(fd);
    quota_free(quota);
    quota_free(unlimited);
}

static bool is_still_counted(struct connection *connection, size_t length)
{
    connection_uncount_early(connection, length);
    return connection->is_counted;
}

/* A request of which the client may have the reply is over for him, unless he leaves replies
 * unread. */
static void a_request_counts_until_its_reply_has_gone(void **state)
{
    enum { AT_ONCE = 16384, TRIES_MAX = 20000 };
    static char bytes[AT_ONCE];
    struct quota *quota = quota_new(1);
    struct connection connection = {.is_counted = true};
    int peer, tries = 0;

    (void)state;
    connection.fd = connect_from_peer("127.0.0.2", &peer);
    assert_true(quota_enter(quota, connection.fd, &connection.client));
    assert_false(quota_begin(quota, connection.client));
    assert_true(is_still_counted(&connection, AT_ONCE + 1));
    while (send(connection.fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
    assert_true(is_still_counted(&connection, 1));
    while (is_still_counted(&connection, AT_ONCE) && ++tries < TRIES_MAX) {
        (void)poll(&(struct pollfd){.fd = peer, .events = POLLIN}, 1, 1);
        (void)recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    }
    assert_false(connection.is_counted);
    assert_false(is_still_counted(&connection, 0)); /* it ends once */
    assert_false(quota_begin(quota, connection.client));
    assert_true(quota_begin(quota, connection.client));
    quota_leave(quota, connection.client);
    quota_free(quota);
    (void)close(connection.fd);
    (void)close(peer);
}

struct caller {
    struct quota *quota;
    int fd;
    unsigned refused;
};

static void *come_and_go(void *argument)
{
    struct caller *caller = argument;
    struct quota_client *client;

    for (int round = 0; round < ROUNDS; round++) {
        if (!quota_enter(caller->quota, caller->fd, &client))
            continue;
        caller->refused += quota_begin(caller->quota, client);
        quota_end(client);
        quota_leave(caller->quota, client);
    }
    return NULL;
}

/* Of as many threads as there may be requests none is ever refused, of more some may be; and
 * whatever the order, nothing is left of them in the end. */
static void loops_do_not_disturb_each_other(void **state)
{
    struct quota *quota = quota_new(THREADS);
    struct caller callers[THREADS];
    struct quota_client *client;
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){quota, connect_from("127.0.0.2"), 0};
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &callers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(callers[i].refused, 0);
        (void)close(callers[i].fd);
    }
    client = enter(quota, "127.0.0.2");
    for (int i = 0; i < THREADS; i++)
        assert_false(quota_begin(quota, client));
    assert_true(quota_begin(quota, client));
    quota_leave(quota, client);
    quota_free(quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_all_connections_count),
        cmocka_unit_test(a_request_counts_until_its_reply_has_gone),
        cmocka_unit_test(nobody_is_held_to_none),
        cmocka_unit_test(loops_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
