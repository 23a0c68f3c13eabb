/* loop.h - the event loop: one thread on which libuv drives http, wakes for done jobs, and ticks. */
#ifndef SERVER_LOOP_H
#define SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "server/http.h"

struct loop;

/* Called on the loop thread, before http is pumped. */
struct loop_events {
    void (*on_wake)(void *context);   /* after loop_wake, once for any number of calls */
    void (*on_tick)(void *context);   /* every 100 ms */
    void (*on_signal)(void *context); /* SIGTERM or SIGINT */
    void (*on_hangup)(void *context); /* SIGHUP */
    void *context;
};

/* Watch http, and the signals.  NULL if that fails. */
struct loop *loop_new(struct http *http, const struct loop_events *events);

/* Run until loop_end; returns after all handles are closed. */
void loop_run(struct loop *loop);
void loop_end(struct loop *loop);

/* Tick every 10 ms from now on: somebody waits for the end. */
void loop_hurry(struct loop *loop);

/* Make on_wake happen; from any thread, until loop_run has returned. */
void loop_wake(struct loop *loop);

/* After loop_run has returned.  NULL is allowed. */
void loop_free(struct loop *loop);

#endif
