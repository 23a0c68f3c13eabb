/* session.h - one daemon and one client, for all tests of a program. */
#ifndef SUPPORT_SESSION_H
#define SUPPORT_SESSION_H

#include <stdbool.h>

#include "support/client.h"
#include "support/daemon.h"

extern struct daemon lossd;
extern struct client *client;

/* Start the daemon as daemon_start does, and connect; 0, as a group's set-up returns it. */
int session_start(const char *const *flags, const char *const *environment);

/* A group's set-up, for a daemon with nothing but its defaults; and its tear-down. */
int session_start_plain(void **state);
int session_stop(void **state);

/* SIGHUP, and wait until it is counted as one of this series; false, with a line on standard error,
 * if it is not. */
bool session_reload(const char *series);

/* Fails the test, naming what was done before, unless the next request works: on the same
 * connection, or on a new one. */
void session_check_next(const char *name, bool on_a_new_connection);

/* Wait, by a connection of its own that is closed then, until a series has this value: one that
 * counts connections counts it too. */
void session_wait_as_visitor(const char *series, double value);

#endif
