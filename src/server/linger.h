/* linger.h - sockets whose client was answered before it had sent its body.
 *
 * Closing a socket with unread bytes resets the connection, and a reset may overtake the answer:
 * the client then sees a broken pipe instead of its 503.  So such a socket is only shut for
 * writing, and what still comes is thrown away, for a while. */
#ifndef SERVER_LINGER_H
#define SERVER_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINGER_SOCKETS_MAX = 128, LINGER_MS_MAX = 2000, LINGER_BYTES_MAX = 64 * 1024 * 1024 };

struct lingering {
    size_t count;
    struct lingering_socket {
        int fd;
        bool is_shut;
        uint64_t since_ns;
        size_t bytes;              /* thrown away */
    } sockets[LINGER_SOCKETS_MAX]; /* the oldest first */
};

/* Keep a duplicate of `fd`, which the caller is about to close, and may have shut for
 * reading.  Where there is no room the oldest makes some; where no file descriptor is
 * left, `fd` is closed as ever. */
void linger_add(struct lingering *lingering, int fd, bool is_shut, uint64_t now_ns);

/* Throw away what has come; close those that are done, or have had their time.  True if some are in
 * the middle of sending, and wait for the next time. */
bool linger_sweep(struct lingering *lingering, uint64_t now_ns);

/* Close all. */
void linger_end(struct lingering *lingering);

#endif
