/* bench_servers.h - the servers that are measured beside each other, one process at a time. */
#ifndef BENCH_SERVERS_H
#define BENCH_SERVERS_H

#include "bench/bench_client.h"
#include "support/daemon.h"

enum bench_kind_of_server {
    BENCH_EPOLL,
    BENCH_HTTP,
    BENCH_LOSSD,
    BENCH_LOSSD_LOOP, /* with one event loop, as the bare ones */
    BENCH_SERVERS
};

struct bench_server {
    enum bench_kind_of_server kind;
    struct daemon daemon; /* of the bare servers only pid and port */
};

const char *bench_server_name(enum bench_kind_of_server kind);

/* Start one.  Bare ones answer with `reply`, as lossd wrote it, and take bodies of body_bytes_max;
 * lossd has its default settings, but for the number of loops.  Failures end the program. */
void bench_server_start(struct bench_server *server, enum bench_kind_of_server kind,
                        const struct bench_reply *reply, size_t body_bytes_max);
void bench_server_stop(struct bench_server *server);

/* Bytes in memory, of the process. */
double bench_server_rss_bytes(const struct bench_server *server);

#endif
