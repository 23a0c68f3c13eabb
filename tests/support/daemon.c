/* daemon.c - lossd as a process. */
#include "support/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS = 4, ARGUMENTS_MAX = 64, START_MS = 60000, STOP_MS = 60000 };

extern char **environ;

/* There is nothing to test. */
static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "tests/support/daemon.c: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

double clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void pause_a_ms(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    (void)nanosleep(&pause, NULL);
}

static const char *program(void)
{
    const char *path = getenv("LOSSD");

    return path != NULL ? path : "build/lossd";
}

/* This environment without LOSSD_*, with the extra entries and perhaps one more; only the list is
 * ours. */
static char **make_environment(const char *const *extra, char *last)
{
    size_t count = 0, used = 0;
    char **list;

    while (environ[count] != NULL)
        count++;
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        count++;
    list = calloc(count + 2, sizeof *list); /* with the one more, and the end */
    if (list == NULL)
        give_up("environment");
    for (size_t i = 0; environ[i] != NULL; i++) {
        if (strncmp(environ[i], "LOSSD_", 6) != 0)
            list[used++] = environ[i];
    }
    for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
        list[used++] = (char *)(void *)(size_t)extra[i];
    list[used] = last;
    return list;
}

/* In the child: become lossd, or say why not and leave.  The first three descriptors are its
 * streams, the fourth a socket if it is not -1. */
static _Noreturn void become(const char *const *arguments, char **environment,
                             const int *descriptors, pid_t parent)
{
    char *list[ARGUMENTS_MAX + 2] = {(char *)(void *)(size_t)program()};

    for (size_t i = 0; i < ARGUMENTS_MAX && arguments != NULL && arguments[i] != NULL; i++)
        list[i + 1] = (char *)(void *)(size_t)arguments[i];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGQUIT, SIG_DFL); /* shells have background jobs ignore it */
    if (getppid() == parent) {
        for (int i = 0; i < DESCRIPTORS && descriptors[i] >= 0; i++) {
            if (descriptors[i] == i)
                (void)fcntl(i, F_SETFD, 0);
            else
                (void)dup2(descriptors[i], i); /* which leaves it open over exec */
        }
        (void)execve(program(), list, environment);
        perror(program());
    }
    _exit(127);
}

static pid_t start(const char *const *arguments, const char *const *environment,
                   const int *descriptors)
{
    char whom[32], **list = make_environment(environment, descriptors[3] >= 0 ? whom : NULL);
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        (void)snprintf(whom, sizeof whom, "LISTEN_PID=%d", (int)getpid());
        become(arguments, list, descriptors, parent);
    }
    free(list);
    if (pid < 0)
        give_up("fork");
    return pid;
}

static int memory_file(const char *name)
{
    int file = memfd_create(name, MFD_CLOEXEC);

    /* Threads write to it: without O_APPEND, at places of their own choice. */
    if (file < 0 || fcntl(file, F_SETFL, O_APPEND) != 0)
        give_up("memfd_create");
    return file;
}

static char *read_file(int file)
{
    off_t length = lseek(file, 0, SEEK_END);
    char *text = calloc((size_t)(length > 0 ? length : 0) + 1, 1);

    if (text == NULL || pread(file, text, (size_t)length, 0) != length)
        give_up("read");
    return text;
}

void daemon_spawn_on(struct daemon *daemon, int listener, const char *const *arguments,
                     const char *const *environment)
{
    int out[2], nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (nothing < 0 || pipe2(out, O_CLOEXEC) != 0)
        give_up("pipe");
    *daemon = (struct daemon){.out = out[0], .err = memory_file("stderr"), .status = DAEMON_RUNS};
    daemon->pid =
        start(arguments, environment, (const int[]){nothing, out[1], daemon->err, listener});
    (void)close(out[1]);
    (void)close(nothing);
}

void daemon_spawn(struct daemon *daemon, const char *const *arguments,
                  const char *const *environment)
{
    daemon_spawn_on(daemon, -1, arguments, environment);
}

/* The port in what the daemon says about itself: on standard output, or, with a log in JSON,
 * there. */
static unsigned find_port(const struct daemon *daemon, const char *greeting)
{
    const char *at = strstr(greeting, " listens on http");
    unsigned port = 0;

    if (at != NULL && strchr(at, '\n') != NULL) {
        for (; *at != '\n'; at++) { /* after the last colon: IPv6 has more of them */
            if (*at == ':')
                port = (unsigned)strtoul(at + 1, NULL, 10);
        }
        return port;
    }
    char *log = daemon_errors(daemon);

    at = strstr(log, "\"port\":");
    if (at != NULL)
        port = (unsigned)strtoul(at + 7, NULL, 10);
    free(log);
    return port;
}

void daemon_start(struct daemon *daemon, const char *const *flags, const char *const *environment)
{
    const char *arguments[ARGUMENTS_MAX + 1] = {"--listen-port", "0"};
    char greeting[4096] = "";
    size_t length = 0, used = 2;
    double deadline = clock_ms() + START_MS;

    for (size_t i = 0; flags != NULL && flags[i] != NULL && used < ARGUMENTS_MAX; i++)
        arguments[used++] = flags[i];
    daemon_spawn(daemon, arguments, environment);
    while (daemon->port == 0) {
        struct pollfd readable = {.fd = daemon->out, .events = POLLIN};

        if (clock_ms() > deadline || daemon_wait(daemon, 0) != DAEMON_RUNS) {
            char *errors = daemon_errors(daemon);

            (void)fprintf(stderr, "lossd does not start (status %d): %s\n", daemon->status, errors);
            exit(EXIT_FAILURE);
        }
        if (poll(&readable, 1, 2) == 1 && length + 1 < sizeof greeting) {
            ssize_t count = read(daemon->out, greeting + length, sizeof greeting - 1 - length);

            length += count > 0 ? (size_t)count : 0;
        }
        daemon->port = find_port(daemon, greeting);
    }
}

void daemon_signal(const struct daemon *daemon, int number)
{
    if (daemon->pid > 0)
        (void)kill(daemon->pid, number); /* it is our child, so the id is its own */
}

int daemon_wait(struct daemon *daemon, unsigned timeout_ms)
{
    double deadline = clock_ms() + timeout_ms;
    int status;

    while (daemon->pid > 0) {
        if (waitpid(daemon->pid, &status, WNOHANG) == daemon->pid) {
            daemon->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            daemon->pid = 0;
            break;
        }
        if (clock_ms() >= deadline)
            return DAEMON_RUNS;
        pause_a_ms();
    }
    return daemon->status;
}

int daemon_stop(struct daemon *daemon)
{
    bool runs = daemon->pid > 0;
    int status;

    if (daemon->err == 0)
        return 0;
    daemon_signal(daemon, SIGTERM);
    status = daemon_wait(daemon, STOP_MS);
    if (status == DAEMON_RUNS) {
        daemon_signal(daemon, SIGKILL);
        (void)daemon_wait(daemon, STOP_MS);
    }
    if (runs && status != 0) {
        char *errors = daemon_errors(daemon);

        (void)fprintf(stderr, "lossd ended with %d: %s\n", status, errors);
        free(errors);
    }
    (void)close(daemon->out);
    (void)close(daemon->err);
    *daemon = (struct daemon){.status = status};
    return status;
}

char *daemon_errors(const struct daemon *daemon)
{
    return read_file(daemon->err);
}

bool daemon_says(const struct daemon *daemon, const char *text)
{
    double deadline = clock_ms() + START_MS;
    char *log = daemon_errors(daemon);
    bool is_there;

    while (strstr(log, text) == NULL && clock_ms() < deadline) {
        pause_a_ms();
        free(log);
        log = daemon_errors(daemon);
    }
    is_there = strstr(log, text) != NULL;
    if (!is_there)
        (void)fprintf(stderr, "lossd does not say %s, but %s\n", text, log);
    free(log);
    return is_there;
}

unsigned daemon_metrics_port(const struct daemon *daemon)
{
    static const char name[] = " metrics_port=";
    char *log = daemon_errors(daemon);
    const char *at = strstr(log, name);
    unsigned port = at != NULL ? (unsigned)strtoul(at + strlen(name), NULL, 10) : 0;

    free(log);
    return port;
}

double daemon_peak_bytes(const struct daemon *daemon)
{
    char path[64], line[256];
    double bytes = (double)NAN;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)daemon->pid);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            bytes = strtod(line + 6, NULL) * 1024;
    }
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

double daemon_cpu_s(const struct daemon *daemon)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(daemon->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return (double)NAN;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void daemon_run(struct daemon_run *run, const char *const *arguments,
                const char *const *environment, const char *input)
{
    size_t length = input != NULL ? strlen(input) : 0;
    const int streams[DESCRIPTORS] = {memory_file("stdin"), memory_file("stdout"),
                                      memory_file("stderr"), -1};
    struct daemon daemon = {.status = DAEMON_RUNS};

    if (length > 0 && pwrite(streams[0], input, length, 0) != (ssize_t)length)
        give_up("write");
    daemon.pid = start(arguments, environment, streams);
    run->status = daemon_wait(&daemon, STOP_MS);
    if (run->status == DAEMON_RUNS) {
        daemon_signal(&daemon, SIGKILL);
        (void)daemon_wait(&daemon, STOP_MS);
    }
    run->out = read_file(streams[1]);
    run->err = read_file(streams[2]);
    for (int i = 0; i < 3; i++)
        (void)close(streams[i]);
}

void daemon_run_free(struct daemon_run *run)
{
    free(run->out);
    free(run->err);
    *run = (struct daemon_run){.status = DAEMON_RUNS};
}
