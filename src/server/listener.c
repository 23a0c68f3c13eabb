/* listener.c - the listening socket. */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un path;
};

/* Fill *address from a numeric host; its size. */
static socklen_t parse(const char *host, unsigned port, union address *address)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)port);
        return sizeof address->v4;
    }
    (void)inet_pton(AF_INET6, host, &address->v6.sin6_addr); /* the setting has been checked */
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = htons((uint16_t)port);
    return sizeof address->v6;
}

static void describe(int listener, struct listening *where)
{
    union address address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t size = sizeof address;

    (void)getsockname(listener, &address.any, &size); /* cannot fail for a socket that listens */
    if (address.any.sa_family == AF_UNIX) {
        if (address.path.sun_path[0] == '\0') /* a name without a path */
            address.path.sun_path[0] = '@';
        (void)snprintf(where->address, sizeof where->address, "%.*s",
                       (int)(size - offsetof(struct sockaddr_un, sun_path)), address.path.sun_path);
    } else if (address.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, where->address, sizeof where->address);
        where->port = ntohs(address.v6.sin6_port);
    } else {
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, where->address, sizeof where->address);
        where->port = ntohs(address.v4.sin_port);
    }
}

/* A bound socket, or -1 with errno.  A port of 0 becomes the one that was bound. */
static int bind_to(union address *address, socklen_t size, bool is_shared)
{
    int listener = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, reason;

    if (listener < 0)
        return -1;
    /* Bind again at once after a restart; and no wait for a full packet with small replies. */
    if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (!is_shared || setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
        setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(listener, &address->any, size) == 0 &&
        getsockname(listener, &address->any, &size) == 0)
        return listener;
    reason = errno;
    (void)close(listener);
    errno = reason;
    return -1;
}

static int listen_on(union address *address, socklen_t size, bool is_shared)
{
    int listener = bind_to(address, size, is_shared), reason;

    if (listener < 0 || listen(listener, BACKLOG) == 0)
        return listener;
    reason = errno;
    (void)close(listener);
    errno = reason;
    return -1;
}

/* Sockets on one port.  Where they are several, one that is not shared finds the port first, and
 * that nobody else listens there: whoever shared it with another process would not notice.  It does
 * not listen, for nobody would answer those who came to it. */
static bool open_all(union address *address, socklen_t size, int *listeners, size_t count)
{
    bool is_shared = count > 1;

    if (is_shared) {
        int alone = bind_to(address, size, false);

        if (alone < 0)
            return false;
        (void)close(alone);
    }
    for (size_t i = 0; i < count; i++) {
        listeners[i] = listen_on(address, size, is_shared);
        if (listeners[i] >= 0)
            continue;
        while (i-- > 0)
            (void)close(listeners[i]);
        return false;
    }
    return true;
}

/* Several descriptors of one socket. */
static bool share(int listener, int *listeners, size_t count)
{
    listeners[0] = listener;
    for (size_t i = 1; i < count; i++) {
        listeners[i] = fcntl(listeners[0], F_DUPFD_CLOEXEC, 0);
        if (listeners[i] >= 0)
            continue;
        while (i-- > 0)
            (void)close(listeners[i]);
        return false;
    }
    return true;
}

bool listener_open(const struct listener_place *place, int *listeners, size_t count,
                   struct listening *where, struct loss_error *error)
{
    union address address;
    socklen_t size = parse(place->address, place->port, &address);

    where->is_inherited = place->inherited >= 0;
    if (where->is_inherited) {
        describe(place->inherited, where);
        if (share(place->inherited, listeners, count))
            return true;
        (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot share the inherited socket: %s",
                        strerror(errno));
        return false;
    }
    if (open_all(&address, size, listeners, count)) {
        describe(listeners[0], where);
        return true;
    }
    (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "cannot listen on %s port %u: %s",
                    place->address, place->port, strerror(errno));
    return false;
}

void listener_shut(int listener)
{
    struct sock_filter drop_all[] = {
        BPF_STMT(BPF_RET | BPF_K, 0)}; /* keep 0 bytes of each packet */
    const struct sock_fprog program = {.len = 1, .filter = drop_all};

    (void)setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
