/* inherited.c - a listening socket that another process has opened. */
#include "server/inherited.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST = 3 }; /* the protocol passes descriptors from this one on */

/* The number in a variable of the environment; -1 if it is not set or not a number. */
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end;
    long number;

    if (text == NULL || *text == '\0')
        return -1;
    number = strtol(text, &end, 10);
    return *end == '\0' && number >= 0 ? number : -1;
}

static int option_of(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static bool is_listening(int fd)
{
    int family = option_of(fd, SO_DOMAIN);

    return option_of(fd, SO_TYPE) == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == 1 &&
           (family == AF_INET || family == AF_INET6 || family == AF_UNIX);
}

bool inherited_find(int *listener, struct loss_error *error)
{
    long count = number_of("LISTEN_FDS");

    *listener = -1;
    if (number_of("LISTEN_PID") != (long)getpid() || count == 0)
        return true;
    if (count != 1) {
        (void)loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                        "LISTEN_FDS must be 1, a single socket to listen on, but is \"%s\"",
                        count > 0 ? getenv("LISTEN_FDS") : "not a number");
        return false;
    }
    if (!is_listening(FIRST) || fcntl(FIRST, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(FIRST, F_SETFL, fcntl(FIRST, F_GETFL) | O_NONBLOCK) != 0) {
        (void)loss_fail(
            error, LOSS_INTERNAL_ERROR, NULL,
            "LISTEN_FDS passes descriptor %d, but that is not a listening stream socket "
            "of IPv4, IPv6 or a path",
            FIRST);
        return false;
    }
    *listener = FIRST;
    return true;
}
