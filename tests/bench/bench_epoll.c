/* bench_epoll.c - the bare epoll server. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench_bare.h"

enum { HEAD_BYTES = 64 * 1024, EVENTS = 256 };

struct peer {
    int fd;
    size_t head_length; /* what is here of the head, and of the body after it */
    size_t body_left;   /* to come, once the head is whole; before that 0 */
    char head[HEAD_BYTES];
};

struct server {
    const struct bench_bare *bare;
    char *body;
    int epoll;
};

static _Noreturn void give_up(const char *what)
{
    perror(what);
    _exit(EXIT_FAILURE);
}

static void watch(const struct server *server, int fd, void *of)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = of};

    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        give_up("epoll_ctl");
}

static void accept_one(const struct server *server)
{
    struct peer *peer = calloc(1, sizeof *peer);
    int on = 1;

    if (peer == NULL)
        give_up("calloc");
    peer->fd = accept4(server->bare->listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer->fd < 0)
        give_up("accept4");
    (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(server, peer->fd, peer);
}

static void answer(const struct server *server, struct peer *peer)
{
    peer->head_length = 0;
    if (send(peer->fd, server->bare->reply->bytes, server->bare->reply->length, MSG_NOSIGNAL) < 0)
        give_up("send");
}

/* How much is missing of the body, if the head is whole. */
static bool find_body(const struct peer *peer, size_t *left)
{
    static const char field[] = "\r\nContent-Length: ";
    const char *end = memmem(peer->head, peer->head_length, "\r\n\r\n", 4), *at;

    if (end == NULL)
        return false;
    at = memmem(peer->head, (size_t)(end - peer->head), field, sizeof field - 1);
    *left = at != NULL ? strtoul(at + sizeof field - 1, NULL, 10) : 0;
    *left -= peer->head_length - (size_t)(end + 4 - peer->head);
    return true;
}

/* Read once.  False if the peer is gone. */
static bool serve_once(const struct server *server, struct peer *peer)
{
    ssize_t count;

    if (peer->body_left > 0) { /* all of it goes to the buffer's beginning: nobody will look */
        count = recv(peer->fd, server->body, peer->body_left, MSG_DONTWAIT);
        if (count > 0)
            peer->body_left -= (size_t)count;
    } else {
        count = recv(peer->fd, peer->head + peer->head_length, HEAD_BYTES - peer->head_length,
                     MSG_DONTWAIT);
        peer->head_length += count > 0 ? (size_t)count : 0;
        if (count <= 0 || !find_body(peer, &peer->body_left))
            return count > 0 || (count < 0 && errno == EAGAIN);
    }
    if (count <= 0)
        return count < 0 && errno == EAGAIN;
    if (peer->body_left == 0)
        answer(server, peer);
    return true;
}

_Noreturn void bench_epoll_serve(const struct bench_bare *bare)
{
    struct server server = {.bare = bare,
                            .body = calloc(bare->body_bytes_max + 1, 1),
                            .epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct epoll_event events[EVENTS];

    if (server.body == NULL || server.epoll < 0)
        give_up("bare epoll");
    watch(&server, bare->listener, NULL);
    for (;;) {
        int count = epoll_wait(server.epoll, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            struct peer *peer = events[i].data.ptr;

            if (peer == NULL) {
                accept_one(&server);
            } else if (!serve_once(&server, peer)) {
                (void)close(peer->fd);
                free(peer);
            }
        }
    }
}
