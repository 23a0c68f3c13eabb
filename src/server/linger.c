/* linger.c - sockets whose client was answered before it had sent its body. */
#include "server/linger.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/clock.h"

enum { SWEEP_BYTES_MAX = 1024 * 1024 }; /* of each socket: others wait for the loop */

/* Throw away what is there, as far as one sweep goes; false at the end of the stream, or at an
 * error.  A socket that is shut for reading always seems to be at its end, though more may come. */
static bool discard(struct lingering_socket *socket)
{
    size_t most = socket->bytes + SWEEP_BYTES_MAX;
    char scrap[64 * 1024];
    ssize_t count;

    do {
        count = recv(socket->fd, scrap, sizeof scrap, MSG_DONTWAIT);
        if (count > 0)
            socket->bytes += (size_t)count;
    } while (count > 0 && socket->bytes < most && socket->bytes < LINGER_BYTES_MAX);
    return (count > 0 && socket->bytes < LINGER_BYTES_MAX) || (count == 0 && socket->is_shut) ||
           (count < 0 && (errno == EAGAIN || errno == EINTR));
}

bool linger_sweep(struct lingering *lingering, uint64_t now_ns)
{
    size_t kept = 0;
    bool are_sending = false;

    for (size_t i = 0; i < lingering->count; i++) {
        struct lingering_socket *socket = &lingering->sockets[i];
        uint64_t waited_ms = clock_passed_ns(socket->since_ns, now_ns) / 1000000;
        size_t bytes = socket->bytes;

        if (discard(socket) && waited_ms < LINGER_MS_MAX) {
            are_sending |= socket->bytes != bytes;
            lingering->sockets[kept++] = *socket;
        } else {
            (void)close(socket->fd);
        }
    }
    lingering->count = kept;
    return are_sending;
}

void linger_add(struct lingering *lingering, int fd, bool is_shut, uint64_t now_ns)
{
    int kept = dup(fd);

    if (kept < 0)
        return;
    (void)shutdown(kept, SHUT_WR); /* fails if the client is gone, which the next sweep sees */
    if (lingering->count == LINGER_SOCKETS_MAX)
        (void)linger_sweep(lingering, now_ns); /* most clients are done long before their turn */
    if (lingering->count == LINGER_SOCKETS_MAX) {
        (void)close(lingering->sockets[0].fd); /* it has had the longest time */
        memmove(&lingering->sockets[0], &lingering->sockets[1],
                --lingering->count * sizeof lingering->sockets[0]);
    }
    lingering->sockets[lingering->count++] =
        (struct lingering_socket){.fd = kept, .is_shut = is_shut, .since_ns = now_ns};
}

void linger_end(struct lingering *lingering)
{
    while (lingering->count != 0)
        (void)close(lingering->sockets[--lingering->count].fd);
}
