/* bench_client.h - who sends the requests of `make bench`, over keep-alive connections.
 *
 * Every reply must have status 200; anything else, or a connection that
 * breaks, ends the program. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <stddef.h>

#include "bench/bench_requests.h"

/* What a load found. */
struct bench_load {
    double seconds; /* from the first request to the last reply */
    size_t replies;
    double p50_us, p99_us; /* of the time from a request's first byte to its reply's last */
};

/* Small requests from one thread: each connection sends its next request when it has its
 * reply, for so many seconds. */
void bench_client_many(unsigned port, const struct bench_request *request, unsigned connections,
                       double seconds, struct bench_load *load);

/* Requests of any size on one connection, one after the other; at least one. */
void bench_client_one(unsigned port, const struct bench_request *request, double seconds,
                      struct bench_load *load);

enum { BENCH_REPLY_BYTES = 4096 };

/* A reply, head and body. */
struct bench_reply {
    char bytes[BENCH_REPLY_BYTES];
    size_t length;
};

/* One request and its reply. */
void bench_client_ask(unsigned port, const struct bench_request *request,
                      struct bench_reply *reply);

/* Threads that send large requests without a pause, a connection each, until they are stopped. */
struct bench_senders;
struct bench_senders *bench_senders_start(unsigned port, const struct bench_request *request,
                                          unsigned count);
/* Ends them; how many replies they got in a second. */
double bench_senders_stop(struct bench_senders *senders);

#endif
