/* bench_client.c - an epoll client for many small requests, and a blocking one for large ones. */
#include "bench/bench_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, SENDERS_MAX = 8 };

struct client {
    int fd;
    uint64_t sent_ns;         /* when its request went out */
    struct bench_reply reply; /* as far as it is here */
};

/* How long each request took, all of them: percentiles are exact. */
struct times {
    uint32_t *ns; /* up to 4.2 s */
    size_t count, room;
};

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add_time(struct times *times, uint64_t ns)
{
    if (times->count == times->room) {
        times->room = times->room != 0 ? 2 * times->room : 1 << 18;
        times->ns = realloc(times->ns, times->room * sizeof *times->ns);
        if (times->ns == NULL)
            give_up("times");
    }
    times->ns[times->count++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* What the times say; they are freed. */
static void conclude(struct times *times, uint64_t ns, struct bench_load *load)
{
    qsort(times->ns, times->count, sizeof *times->ns, compare);
    *load = (struct bench_load){.seconds = (double)ns / 1e9,
                                .replies = times->count,
                                .p50_us = times->ns[times->count / 2] / 1e3,
                                .p99_us = times->ns[times->count * 99 / 100] / 1e3};
    free(times->ns);
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* Whether the reply is whole. */
static bool is_whole(const struct bench_reply *reply)
{
    static const char field[] = "\r\nContent-Length: ";
    const char *end = memmem(reply->bytes, reply->length, "\r\n\r\n", 4), *at;

    if (end == NULL)
        return false;
    at = memmem(reply->bytes, (size_t)(end - reply->bytes), field, sizeof field - 1);
    if (at == NULL || memcmp(reply->bytes, "HTTP/1.1 200", 12) != 0) {
        (void)fprintf(stderr, "bench: not the reply that was wanted: %.*s\n", (int)reply->length,
                      reply->bytes);
        exit(EXIT_FAILURE);
    }
    return reply->length >=
           (size_t)(end + 4 - reply->bytes) + strtoul(at + sizeof field - 1, NULL, 10);
}

/* ---- many small requests --------------------------------------------------------------------- */

/* A small request always fits the socket's buffer, which is empty. */
static void send_next(struct client *client, const struct bench_request *request, uint64_t now)
{
    client->sent_ns = now;
    client->reply.length = 0;
    if (send(client->fd, request->bytes, request->length, MSG_NOSIGNAL) != (ssize_t)request->length)
        give_up("send");
}

/* What there is of the reply, without waiting or with; false if there is nothing. */
static bool receive(int fd, struct bench_reply *reply, int flags)
{
    ssize_t count =
        recv(fd, reply->bytes + reply->length, sizeof reply->bytes - reply->length, flags);

    if (count < 0 && errno == EAGAIN)
        return false;
    if (count <= 0) /* 0: closed, or a reply that is too long */
        give_up("recv");
    reply->length += (size_t)count;
    return true;
}

void bench_client_many(unsigned port, const struct bench_request *request, unsigned connections,
                       double seconds, struct bench_load *load)
{
    struct client *clients = calloc(connections, sizeof *clients);
    struct epoll_event events[EVENTS];
    struct times times = {NULL, 0, 0};
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned waiting = connections;
    uint64_t start, end, now;

    if (clients == NULL || epoll < 0)
        give_up("clients");
    for (unsigned i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};

        clients[i].fd = connect_to(port);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event) != 0)
            give_up("epoll_ctl");
    }
    start = now = now_ns();
    end = start + (uint64_t)(seconds * 1e9);
    for (unsigned i = 0; i < connections; i++)
        send_next(&clients[i], request, now_ns());
    while (waiting > 0) {
        int count = epoll_wait(epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct client *client = events[i].data.ptr;

            if (!receive(client->fd, &client->reply, MSG_DONTWAIT) || !is_whole(&client->reply))
                continue;
            now = now_ns();
            add_time(&times, now - client->sent_ns);
            if (now < end)
                send_next(client, request, now);
            else
                waiting--;
        }
    }
    conclude(&times, now - start, load);
    for (unsigned i = 0; i < connections; i++)
        (void)close(clients[i].fd);
    (void)close(epoll);
    free(clients);
}

/* ---- one request after the other ------------------------------------------------------------- */

static void exchange(int fd, const struct bench_request *request, struct bench_reply *reply)
{
    size_t sent = 0;

    while (sent < request->length) {
        ssize_t count = send(fd, request->bytes + sent, request->length - sent, MSG_NOSIGNAL);

        if (count <= 0)
            give_up("send");
        sent += (size_t)count;
    }
    reply->length = 0;
    while (!is_whole(reply))
        (void)receive(fd, reply, 0);
}

void bench_client_one(unsigned port, const struct bench_request *request, double seconds,
                      struct bench_load *load)
{
    struct times times = {NULL, 0, 0};
    int fd = connect_to(port);
    uint64_t start = now_ns(), now = start, before;
    struct bench_reply reply;

    do {
        before = now;
        exchange(fd, request, &reply);
        now = now_ns();
        add_time(&times, now - before);
    } while (now - start < (uint64_t)(seconds * 1e9));
    conclude(&times, now - start, load);
    (void)close(fd);
}

void bench_client_ask(unsigned port, const struct bench_request *request, struct bench_reply *reply)
{
    int fd = connect_to(port);

    exchange(fd, request, reply);
    (void)close(fd);
}

/* ---- large requests in the background -------------------------------------------------------- */

struct bench_senders {
    unsigned port, count;
    const struct bench_request *request;
    uint64_t start_ns;
    atomic_bool stopping;
    atomic_size_t replies;
    pthread_t threads[SENDERS_MAX];
};

static void *send_on(void *argument)
{
    struct bench_senders *senders = argument;
    int fd = connect_to(senders->port);
    struct bench_reply reply;

    while (!senders->stopping) {
        exchange(fd, senders->request, &reply);
        senders->replies++;
    }
    (void)close(fd);
    return NULL;
}

struct bench_senders *bench_senders_start(unsigned port, const struct bench_request *request,
                                          unsigned count)
{
    struct bench_senders *senders = calloc(1, sizeof *senders);

    if (senders == NULL || count > SENDERS_MAX)
        give_up("senders");
    senders->port = port;
    senders->count = count;
    senders->request = request;
    senders->start_ns = now_ns();
    for (unsigned i = 0; i < count; i++) {
        if ((errno = pthread_create(&senders->threads[i], NULL, send_on, senders)) != 0)
            give_up("pthread_create");
    }
    return senders;
}

double bench_senders_stop(struct bench_senders *senders)
{
    double rate;

    senders->stopping = true;
    for (unsigned i = 0; i < senders->count; i++)
        (void)pthread_join(senders->threads[i], NULL);
    rate = (double)senders->replies / ((double)(now_ns() - senders->start_ns) / 1e9);
    free(senders);
    return rate;
}
