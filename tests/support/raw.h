/* raw.h - HTTP by a raw socket, byte by byte, for what libcurl would not do.
 *
 * Nothing here asserts anything, so that threads may use it. */
#ifndef SUPPORT_RAW_H
#define SUPPORT_RAW_H

#include <stdbool.h>
#include <stddef.h>

#include "support/response.h"

struct raw {
    int fd; /* -1: not connected, `error` says why */
    int error;
    char *bytes; /* received and not yet looked at */
    size_t length, room;
};

enum { RAW_MS = 120000 }; /* long enough for any reply */

void raw_open(struct raw *raw, unsigned port);

/* The same from an address of our own: all of 127.0.0.0/8 is this machine. */
void raw_open_from(struct raw *raw, const char *address, unsigned port);

void raw_close(struct raw *raw);

/* Send all of it; false if the connection is gone. */
bool raw_send(struct raw *raw, const char *bytes, size_t length);
bool raw_say(struct raw *raw, const char *text);

/* Read one whole reply; `bodiless` for one to HEAD.  Its status is 0 if there is none in time, or
 * `failure` says "closed" if the connection ended before the first byte of it. */
void raw_read(struct raw *raw, bool bodiless, unsigned timeout_ms, struct response *response);

/* What comes next on the connection. */
enum raw_next { RAW_CLOSED, RAW_SILENT, RAW_BYTES };
enum raw_next raw_next(struct raw *raw, unsigned timeout_ms);

/* Everything until the connection ends, or the time is over, as a string in raw->bytes. */
const char *raw_read_all(struct raw *raw, unsigned timeout_ms, bool *closed);

#endif
