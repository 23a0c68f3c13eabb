/* secure.h - TLS on a raw socket, for what libcurl would not do: stop in the middle, or ask for old
 * versions.  Like raw.h, it asserts nothing. */
#ifndef SUPPORT_SECURE_H
#define SUPPORT_SECURE_H

#include <stdbool.h>

#include "support/raw.h"

struct secure {
    struct raw raw;
    void *session, *credentials;
    bool is_open; /* the handshake was made */
    int alert;    /* the last one that was received, or -1 */
};

/* Connect, and shake hands with these priorities of GnuTLS; the server's
 * certificate is not looked at. */
void secure_open(struct secure *secure, unsigned port, const char *priorities);
void secure_close(struct secure *secure);

bool secure_say(struct secure *secure, const char *text);

/* Everything until the TLS side or the connection ends, or the time is over: a string, the
 * secure's.  `closed`: it was the TLS side, in good order. */
const char *secure_read_all(struct secure *secure, unsigned timeout_ms, bool *closed);

#endif
