/* bench_servers.c - the servers as processes, and what they use. */
#include "bench/bench_servers.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench_bare.h"

enum { BACKLOG = 1024 };

static const struct {
    const char *name;
    void (*serve)(const struct bench_bare *bare); /* does not return; NULL: lossd itself */
    const char *arguments[3];                     /* lossd's, up to a NULL */
} servers[BENCH_SERVERS] = {
    [BENCH_EPOLL] = {"bare epoll", bench_epoll_serve, {NULL}},
    [BENCH_HTTP] = {"bare libmicrohttpd", bench_http_serve, {NULL}},
    [BENCH_LOSSD] = {"lossd", NULL, {NULL}},
    [BENCH_LOSSD_LOOP] = {"lossd, 1 loop", NULL, {"--loops", "1", NULL}},
};

const char *bench_server_name(enum bench_kind_of_server kind)
{
    return servers[kind].name;
}

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* On loopback, at a port of the kernel's choice. */
static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, BACKLOG) != 0 || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        give_up("bench: a listening socket");
    *port = ntohs(address.sin_port);
    return fd;
}

static void start_bare(struct bench_server *server, const struct bench_reply *reply,
                       size_t body_bytes_max)
{
    struct bench_bare bare = {.reply = reply, .body_bytes_max = body_bytes_max};
    pid_t parent = getpid();

    server->daemon = (struct daemon){0};
    bare.listener = listen_somewhere(&server->daemon.port);
    server->daemon.pid = fork();
    if (server->daemon.pid < 0)
        give_up("bench: fork");
    if (server->daemon.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == parent)
            servers[server->kind].serve(&bare);
        _exit(EXIT_FAILURE);
    }
    (void)close(bare.listener);
}

void bench_server_start(struct bench_server *server, enum bench_kind_of_server kind,
                        const struct bench_reply *reply, size_t body_bytes_max)
{
    server->kind = kind;
    if (servers[kind].serve != NULL)
        start_bare(server, reply, body_bytes_max);
    else
        daemon_start(&server->daemon, servers[kind].arguments, NULL);
}

void bench_server_stop(struct bench_server *server)
{
    if (servers[server->kind].serve == NULL) {
        (void)daemon_stop(&server->daemon);
        return;
    }
    (void)kill(server->daemon.pid, SIGKILL);
    (void)waitpid(server->daemon.pid, NULL, 0);
}

double bench_server_rss_bytes(const struct bench_server *server)
{
    char path[64], line[256];
    unsigned long kib = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)server->daemon.pid);
    file = fopen(path, "re");
    if (file == NULL)
        give_up(path);
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "VmRSS: %lu kB", &kib) != 1)
        continue;
    (void)fclose(file);
    return (double)kib * 1024;
}
