/* connection.h - the clocks of a connection, which run whatever its client trickles.
 *
 * libmicrohttpd's own timeout, which is not used, only sees inactivity: one byte now and then
 * outlives it, and whoever pauses is cut off, whatever else he may take time for.  So each
 * connection has a phase and the time it began, and a sweep (connections.h) finds those that are
 * late. */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "server/exchange.h"
#include "server/quota.h"
#include "server/tls.h"

enum phase {
    PHASE_IDLE,    /* between requests; the next one's headers may be on their way */
    PHASE_HEADERS, /* the first request of a new connection, or one whose first line is here */
    PHASE_BODY,
    PHASE_WORKING, /* the exchange's deadline watches over this one */
    PHASE_SENDING,
};

struct connection {
    struct connection *next, *previous; /* in the list of all */
    struct exchange *exchange;          /* the request that is being served, or NULL */
    int fd;
    struct quota_client *client; /* NULL: it may have any number of requests */
    bool is_counted;             /* its request is among those of its client */
    enum phase phase;
    uint64_t since_ns;   /* the phase began */
    uint64_t body_bytes; /* received in PHASE_BODY */
    uint64_t body_held;  /* its length, if all of it has had memory from the beginning; or 0 */
    uint64_t moved_ns;   /* the phase began, or something of the body came, or of the reply went */
    uint64_t gone_bytes; /* that its client had had then, of all replies */
    bool is_extra;       /* it was one too many when it came, and none was there to cut */
    bool has_bad_escape; /* in the path of the request that is being read */
    bool leaves_unread;  /* answered before its body was read: the client may still be sending */
    bool was_asked;      /* something of its next request was found unread; until its headers end */
    bool is_shut;        /* cut off, and no longer counted */
    bool is_told;        /* the crowd has it among those that can be spared */
    unsigned round;      /* of looking for clients that are gone, when this one was looked for */
    struct tls_link tls; /* if it has one */
};

enum lateness {
    LATE_NOT,
    LATE_SAY_SO, /* no reply was begun: a 408 can still be written */
    LATE_CUT,
};

void connection_enter(struct connection *connection, enum phase phase, uint64_t now_ns);

/* Since the phase began. */
uint64_t connection_passed_ms(const struct connection *connection, uint64_t now_ns);

/* So many bytes of its body have come. */
void connection_feed(struct connection *connection, size_t count, uint64_t now_ns);

/* Whether the client has closed its side, or all of it, and nothing of it is
 * left to read.  Any thread. */
bool connection_has_ended(int fd);

/* Its request, if it has one, is no longer among those of its client. */
void connection_uncount(struct connection *connection);

/* The same before a reply of so many bytes is sent, if the kernel will take all of it at once: its
 * client may then have it, and ask again elsewhere, before the library says that it is sent. */
void connection_uncount_early(struct connection *connection, size_t length);

/* What to do about a connection at `now_ns`. */
enum lateness connection_lateness(const struct connection *connection,
                                  const struct server_options *options, uint64_t now_ns);

/* Whether it holds much memory for nothing: nothing of its body has come for 2 seconds, or after 2
 * seconds it is not on the way to be here in time, or nothing of a reply has gone for 10. */
bool connection_wastes(const struct connection *connection, const struct server_options *options,
                       uint64_t now_ns);

/* In PHASE_SENDING, note whether its client has had more of the reply, for connection_wastes.  Of
 * some sockets, as those that have a path, the kernel does not tell: they never waste. */
void connection_note_sending(struct connection *connection, uint64_t now_ns);

/* Write the reply of its exchange past the library, which has begun none and cannot yet, as far as
 * the socket takes it.  The connection is to be ended then. */
void connection_say(struct connection *connection);

/* Write that it is too late, a 408, likewise; or what its request has failed with before. */
void connection_say_late(struct connection *connection, struct service *service, uint64_t now_ns);

#endif
