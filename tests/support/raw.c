/* raw.c - HTTP by a raw socket. */
#include "support/raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/daemon.h"
#include "support/texts.h"

void raw_open_from(struct raw *raw, const char *address, unsigned port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((unsigned short)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in from = {.sin_family = AF_INET};
    const int later = 1; /* a port that is free for this daemon is enough */

    *raw = (struct raw){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    text_append(&raw->bytes, &raw->length, &raw->room, NULL, 0);
    if (raw->fd >= 0 && inet_pton(AF_INET, address, &from.sin_addr) == 1 &&
        setsockopt(raw->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &later, sizeof later) == 0 &&
        bind(raw->fd, (const struct sockaddr *)(const void *)&from, sizeof from) == 0 &&
        connect(raw->fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0)
        return;
    raw->error = errno;
    if (raw->fd >= 0)
        (void)close(raw->fd);
    raw->fd = -1;
}

void raw_open(struct raw *raw, unsigned port)
{
    raw_open_from(raw, "0.0.0.0", port);
}

void raw_close(struct raw *raw)
{
    if (raw->fd >= 0)
        (void)close(raw->fd);
    free(raw->bytes);
    *raw = (struct raw){.fd = -1};
}

bool raw_send(struct raw *raw, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t count = send(raw->fd, bytes, length, MSG_NOSIGNAL);

        if (count <= 0)
            return false;
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

bool raw_say(struct raw *raw, const char *text)
{
    return raw_send(raw, text, strlen(text));
}

/* More bytes, before the deadline: 1; 0 at the end of the connection; -1 if the time is over. */
static int receive(struct raw *raw, double deadline)
{
    struct pollfd readable = {.fd = raw->fd, .events = POLLIN};
    double left = deadline - clock_ms();
    char bytes[64 * 1024];
    ssize_t count;

    if (poll(&readable, 1, left > 0 ? (int)ceil(left) : 0) != 1)
        return -1;
    count = recv(raw->fd, bytes, sizeof bytes, 0);
    if (count <= 0)
        return 0; /* a reset is an end, too */
    text_append(&raw->bytes, &raw->length, &raw->room, bytes, (size_t)count);
    return 1;
}

static void drop(struct raw *raw, size_t count)
{
    raw->length -= count;
    memmove(raw->bytes, raw->bytes + count, raw->length + 1);
}

/* Have `count` bytes, or, for 0, a whole head; its length then, 0 and a failure if not. */
static size_t want(struct raw *raw, size_t count, double deadline, struct response *response)
{
    for (;;) {
        const char *end = count == 0 ? strstr(raw->bytes, "\r\n\r\n") : NULL;
        int more;

        if (end != NULL)
            return (size_t)(end + 4 - raw->bytes);
        if (count > 0 && raw->length >= count)
            return count;
        more = receive(raw, deadline);
        if (more == 1)
            continue;
        response->status = 0;
        response->failure = more < 0                                         ? "late"
                            : raw->length == 0 && response->head_length == 0 ? "closed"
                                                                             : "cut";
        return 0;
    }
}

void raw_read(struct raw *raw, bool bodiless, unsigned timeout_ms, struct response *response)
{
    double deadline = clock_ms() + timeout_ms;
    char digits[32];
    size_t length;

    response_clear(response);
    for (;;) {
        length = want(raw, 0, deadline, response);
        if (length == 0)
            return;
        response->status = length > 12 ? strtol(raw->bytes + 9, NULL, 10) : 0;
        if (response->status < 100 || response->status > 199)
            break;
        response->continues++;
        drop(raw, length);
    }
    text_append(&response->head, &response->head_length, &response->head_room, raw->bytes, length);
    drop(raw, length);
    if (bodiless || response_header(response, "Content-Length", digits, sizeof digits) == NULL)
        return;
    length = (size_t)strtoull(digits, NULL, 10);
    if (length == 0 || want(raw, length, deadline, response) == 0)
        return;
    text_append(&response->body, &response->body_length, &response->body_room, raw->bytes, length);
    drop(raw, length);
}

enum raw_next raw_next(struct raw *raw, unsigned timeout_ms)
{
    int more = raw->length > 0 ? 1 : receive(raw, clock_ms() + timeout_ms);

    return more > 0 ? RAW_BYTES : more == 0 ? RAW_CLOSED : RAW_SILENT;
}

const char *raw_read_all(struct raw *raw, unsigned timeout_ms, bool *closed)
{
    double deadline = clock_ms() + timeout_ms;
    int more = 1;

    while (more == 1)
        more = receive(raw, deadline);
    *closed = more == 0;
    return raw->bytes;
}
