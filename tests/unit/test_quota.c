/* test_quota.c - how many requests a client has, whatever connections they come by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/quota.h"

enum { REQUESTS_MAX = 2, THREADS = 4, ROUNDS = 2000 };

/* A connection whose peer has this address of the loopback network. */
static int connect_from(const char *address)
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
    (void)close(peer); /* its address can still be asked for */
    (void)close(listener);
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
        cmocka_unit_test(nobody_is_held_to_none),
        cmocka_unit_test(loops_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
