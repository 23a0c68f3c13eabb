/* loop.h - an event loop: a thread on which libuv drives http, wakes for done jobs, and ticks. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "server/http.h"

struct loop;

/* Called on the loop thread, before http is pumped. */
struct loop_events {
    void (*on_wake)(void *context); /* after loop_wake, once for any number of calls */
    void (*on_tick)(void *context); /* every 100 ms */
    void *context;
    /* SIGTERM, SIGINT or SIGHUP; NULL: another loop's business. */
    void (*on_signal)(void *signal_context, int number);
    void *signal_context;
};

/* Watch http, and the signals if there is an event for them.  NULL if that fails. */
struct loop *loop_new(struct http *http, const struct loop_events *events);

/* Run until loop_end, which is for events to call. */
void loop_run(struct loop *loop);
void loop_end(struct loop *loop);

/* Tick every 10 ms from now on: somebody waits for the end. */
void loop_hurry(struct loop *loop);

/* Make on_wake happen, if the loop still runs; from any thread, until it is freed. */
void loop_wake(struct loop *loop);

/* Before the http that it watches.  NULL is allowed. */
void loop_free(struct loop *loop);

#endif
