/* bench_bare.h - two servers that do nothing: what bounds any HTTP daemon,
 * and any over libmicrohttpd.
 *
 * Both answer every request of a listening socket with one and the same reply, on one
 * thread, until the process is killed.  Bodies of up to body_bytes_max land in one buffer
 * that is used again and again. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "bench/bench_client.h"

struct bench_bare {
    int listener;
    const struct bench_reply *reply; /* as lossd sent it */
    size_t body_bytes_max;
};

/* Only epoll: of a request no more is looked at than where its head ends and its Content-Length. */
_Noreturn void bench_epoll_serve(const struct bench_bare *bare);

/* libmicrohttpd, driven by lossd's own loop. */
_Noreturn void bench_http_serve(const struct bench_bare *bare);

#endif
