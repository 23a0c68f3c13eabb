/* stream.h - a request of many lines, each a request of its own (NDJSON).
 *
 * What has come of the body is a window; its whole lines are evaluated while the rest is on its
 * way, and only their replies are kept.  So memory is bounded by the longest line and by the reply,
 * not by the body.  The window's lines run on all idle workers, their replies stand in the order of
 * the lines, and a line that is wrong has its error in its place.  Lines of nothing but white space
 * have no reply.  A shortage of memory or time is no fault of a line: it fails the whole request,
 * so that what is answered depends on the lines alone. */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/text.h"

struct exchange;

/* Of an exchange; zeros are a new one. */
struct stream {
    struct text replies; /* in the exchange's arena, as its last piece */
    bool is_open;        /* there are replies */
    bool is_skipping;    /* the rest of a line of which enough is there to refuse it */
    bool has_ended;      /* the body is complete */
    size_t ready;        /* bytes at the beginning of the window that are whole lines */
};

/* More of the body. */
void stream_receive(struct exchange *exchange, const char *bytes, size_t count);

/* Whether the window is to be evaluated before more is received. */
bool stream_is_full(const struct exchange *exchange);

/* The body is complete: its last lines are evaluated, or wait for a worker,
 * and the state says which. */
void stream_end(struct exchange *exchange);

/* Evaluate the whole lines of the window.  After it the state is EXCHANGE_RECEIVING, or
 * EXCHANGE_ANSWERED once the body has ended. */
void stream_run(struct exchange *exchange);

#endif
