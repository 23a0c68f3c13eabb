/* test_client.c - which connections are one client's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/client.h"

#define NOT_HERE UINT64_MAX

/* The client at the end of a connection to an address of this machine; NOT_HERE if it has no such
 * address. */
static uint64_t client_at(int family, const char *listening, const char *address)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } to = {.any.sa_family = (sa_family_t)family};
    socklen_t size = family == AF_INET ? sizeof to.v4 : sizeof to.v6;
    void *place = family == AF_INET ? (void *)&to.v4.sin_addr : (void *)&to.v6.sin6_addr;
    int listener = socket(family, SOCK_STREAM, 0), ends[2] = {-1, -1}, from = AF_INET;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    uint64_t client = 0;

    assert_int_equal(inet_pton(family, listening, place), 1);
    if (bind(listener, &to.any, size) != 0) {
        (void)close(listener);
        return NOT_HERE;
    }
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, &to.any, &size), 0);
    from = inet_pton(AF_INET, address, &v4.sin_addr) == 1 ? AF_INET : AF_INET6;
    v4.sin_port = family == AF_INET ? to.v4.sin_port : to.v6.sin6_port;
    ends[0] = socket(from, SOCK_STREAM, 0);
    if (connect(ends[0], from == AF_INET ? (struct sockaddr *)(void *)&v4 : &to.any,
                from == AF_INET ? sizeof v4 : size) == 0) {
        ends[1] = accept(listener, NULL, NULL);
        client = client_of(ends[1]);
        (void)close(ends[1]);
    }
    (void)close(ends[0]);
    (void)close(listener);
    return client;
}

static uint64_t client_at_address(const char *text)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {.any.sa_family = AF_INET6};

    if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) != 1) {
        address.any.sa_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &address.v4.sin_addr), 1);
    }
    return client_of_address(&address.any);
}

static void an_ipv4_address_is_a_client(void **state)
{
    (void)state;
    assert_int_equal(client_at(AF_INET, "127.0.0.1", "127.0.0.1"), 0x7f000001);
}

/* A socket for both sees IPv4 addresses as IPv6 ones. */
static void and_the_same_by_ipv6(void **state)
{
    uint64_t client = client_at(AF_INET6, "::", "127.0.0.1");

    (void)state;
    if (client == NOT_HERE)
        skip();
    assert_int_equal(client, 0x7f000001);
    client = client_at(AF_INET6, "::1", "::1");
    if (client != NOT_HERE) /* containers may have IPv6 and no address of it */
        assert_int_equal(client, 1);
}

/* Pairs of addresses, and whether they are one client's. */
static void an_ipv6_network_is_a_client(void **state)
{
    static const struct {
        const char *one, *other;
        bool is_same;
    } pairs[] = {
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
        {"2001:db8:1:2::1", "2001:db8:1:2::1", true},
        {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:3::", false}, /* the next one */
        {"2001:db8:1:2::1", "2001:db9:1:2::1", false},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::1", "::2", true},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false}, /* in one network, were they IPv6 */
        {"::ffff:192.0.2.1", "::192.0.2.1", false},
        {"192.0.2.1", "192.0.3.1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        uint64_t one = client_at_address(pairs[i].one), other = client_at_address(pairs[i].other);

        if (one == 0 || other == 0 || (one == other) != pairs[i].is_same)
            fail_msg("%s is %" PRIx64 ", %s is %" PRIx64, pairs[i].one, one, pairs[i].other, other);
    }
}

static void what_has_no_address_is_none(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(client_of(ends[0]), 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    assert_int_equal(client_of(-1), 0);
    assert_int_equal(client_of_address(&(const struct sockaddr){.sa_family = AF_UNIX}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_is_a_client),
        cmocka_unit_test(and_the_same_by_ipv6),
        cmocka_unit_test(an_ipv6_network_is_a_client),
        cmocka_unit_test(what_has_no_address_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
