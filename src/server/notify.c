/* notify.c - telling the service manager how the daemon is. */
#include "server/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/clock.h"

struct notify {
    int socket; /* -1: nobody to tell */
    bool is_lost;
    uint64_t interval_ns; /* between two words to the watchdog; 0: there is none */
    _Atomic size_t loops; /* that have to tick */
    /* A round begins when the interval is over and ends when every loop has ticked in it. */
    _Atomic uint64_t due_ns;
    _Atomic unsigned round; /* from 1 on */
    _Atomic size_t missing; /* loops that have not ticked in this round */
};

/* A socket connected to a path, or for "@name" to a name without one; -1 if that fails. */
static int connect_to(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    int fd;

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* Half of what the watchdog grants this process, so that one late word is not the end. */
static uint64_t watchdog_interval_ns(void)
{
    const char *granted = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");

    if (granted == NULL || (whom != NULL && strtoll(whom, NULL, 10) != (long long)getpid()))
        return 0;
    return strtoull(granted, NULL, 10) * 1000 / 2;
}

struct notify *notify_new(size_t loops)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct notify *notify = calloc(1, sizeof *notify);

    if (notify == NULL)
        return NULL;
    notify->socket = name != NULL ? connect_to(name) : -1;
    notify->is_lost = name != NULL && notify->socket < 0;
    if (notify->socket >= 0)
        notify->interval_ns = watchdog_interval_ns();
    notify->loops = notify->missing = loops;
    notify->round = 1;
    return notify;
}

void notify_free(struct notify *notify)
{
    if (notify != NULL && notify->socket >= 0)
        (void)close(notify->socket);
    free(notify);
}

bool notify_is_lost(const struct notify *notify)
{
    return notify->is_lost;
}

void notify_tell(struct notify *notify, enum notify_event event)
{
    static const char *const texts[] = {
        [NOTIFY_READY] = "READY=1\nSTATUS=serving",
        [NOTIFY_RELOADING] = "RELOADING=1\nSTATUS=reading its files again",
        [NOTIFY_STOPPING] = "STOPPING=1\nSTATUS=answering what was accepted",
    };
    char text[128]; /* the time is for those who wait for a reload to end */

    if (event == NOTIFY_STOPPING)
        notify->loops = 1;
    if (notify->socket < 0)
        return;
    (void)snprintf(text, sizeof text, "%s\nMONOTONIC_USEC=%" PRIu64, texts[event],
                   clock_now_ns() / 1000);
    /* Without its first word a service would be taken for not started, and killed: that one
     * waits. */
    (void)send(notify->socket, text, strlen(text),
               MSG_NOSIGNAL | (event == NOTIFY_READY ? 0 : MSG_DONTWAIT));
}

void notify_tick(struct notify *notify, unsigned *round)
{
    static const char text[] = "WATCHDOG=1";
    uint64_t now_ns;

    if (notify->interval_ns == 0 || *round == notify->round)
        return;
    now_ns = clock_now_ns();
    if (now_ns < notify->due_ns)
        return;
    *round = notify->round;
    if (notify->missing-- > 1 && notify->loops > 1)
        return;
    (void)send(notify->socket, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    notify->due_ns = now_ns + notify->interval_ns;
    notify->missing = notify->loops;
    notify->round++; /* last: only now may the next round be counted */
}
