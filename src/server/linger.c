/* linger.c - sockets whose client was answered before it had sent its body. */
#include "server/linger.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

void linger_add(struct lingering *lingering, int fd, bool is_shut, uint64_t now_ns)
{
    int kept;

    if (lingering->count == LINGER_SOCKETS_MAX)
        return;
    kept = dup(fd);
    if (kept < 0)
        return;
    (void)shutdown(kept, SHUT_WR); /* fails if the client is gone, which the next sweep sees */
    lingering->sockets[lingering->count].fd = kept;
    lingering->sockets[lingering->count].since_ns = now_ns;
    lingering->sockets[lingering->count].is_shut = is_shut;
    lingering->sockets[lingering->count].bytes = 0;
    lingering->count++;
}

/* Throw away what is there; false at the end of the stream, or at an error.  A socket that is shut for
 * reading always seems to be at its end, though more may come. */
static bool discard(int fd, bool is_shut, size_t *bytes)
{
    char scrap[64 * 1024];
    ssize_t count;

    do {
        count = recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
        if (count > 0)
            *bytes += (size_t)count;
    } while (count > 0 && *bytes < LINGER_BYTES_MAX);
    return (count == 0 && is_shut) || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

void linger_sweep(struct lingering *lingering, uint64_t now_ns)
{
    for (size_t i = 0; i < lingering->count;) {
        uint64_t waited_ms = (now_ns - lingering->sockets[i].since_ns) / 1000000;

        if (discard(lingering->sockets[i].fd, lingering->sockets[i].is_shut,
                    &lingering->sockets[i].bytes) &&
            waited_ms < LINGER_MS_MAX) {
            i++;
            continue;
        }
        (void)close(lingering->sockets[i].fd);
        lingering->sockets[i] = lingering->sockets[--lingering->count];
    }
}

void linger_end(struct lingering *lingering)
{
    while (lingering->count != 0)
        (void)close(lingering->sockets[--lingering->count].fd);
}
