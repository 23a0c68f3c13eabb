/* notify.h - telling the service manager how the daemon is, by the protocol of sd_notify(3).
 *
 * The protocol is a datagram of NAME=value lines to the socket that NOTIFY_SOCKET names, documented
 * and promised to stay.  That is less code than the check for libsystemd would be, and that library
 * brings those of three compressions into an image of 10 MB. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>

struct notify;

enum notify_event {
    NOTIFY_READY, /* listening; or again as before, after NOTIFY_RELOADING */
    NOTIFY_RELOADING,
    NOTIFY_STOPPING, /* from here on one live loop is enough: others may have ended */
};

/* Connect to the service manager, if the environment names one: afterwards no call is made that
 * confine.h refuses.  `loops` have to be alive for the watchdog to be told so.  NULL if memory runs
 * out. */
struct notify *notify_new(size_t loops);
void notify_free(struct notify *notify); /* NULL is allowed */

/* Whether the environment names a service manager that cannot be reached. */
bool notify_is_lost(const struct notify *notify);

/* From one thread at a time. */
void notify_tell(struct notify *notify, enum notify_event event);

/* A loop is alive; to be called from every loop's tick, with a number of its own that
 * starts as 0.  When half the time that the watchdog grants has passed and then every
 * loop has ticked, it is told. */
void notify_tick(struct notify *notify, unsigned *round);

#endif
