/* daemon.h - lossd as a process: started on a port of the kernel's choice, watched, and ended.
 *
 * What is run is $LOSSD, or build/lossd, from the project's root.  Every process dies with the
 * thread that started it, so that a failed assertion leaves nothing behind: start them from
 * main's thread. Failures to start end the test program, for then there is nothing to test. */
#ifndef SUPPORT_DAEMON_H
#define SUPPORT_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct daemon {
    pid_t pid; /* 0: there is none */
    unsigned port;
    int out, err; /* what it wrote: a pipe, and a file in memory */
    int status;   /* once it has ended: its exit status, or 128 + signal */
};

enum { DAEMON_RUNS = -1 }; /* instead of an exit status */

/* Start `lossd --listen-port 0 FLAGS` and wait until it listens.  Both lists end in NULL, or are
 * NULL; the environment is this program's without LOSSD_*, and with these "NAME=value". */
void daemon_start(struct daemon *daemon, const char *const *flags, const char *const *environment);

/* The same for exactly these arguments, without waiting for anything; the port is not known. */
void daemon_spawn(struct daemon *daemon, const char *const *arguments,
                  const char *const *environment);

/* The same with a socket to listen on, passed as LISTEN_FDS and LISTEN_PID tell of it; -1: none. */
void daemon_spawn_on(struct daemon *daemon, int listener, const char *const *arguments,
                     const char *const *environment);

void daemon_signal(const struct daemon *daemon, int number);

/* Its exit status, if it ends in time; DAEMON_RUNS if not. */
int daemon_wait(struct daemon *daemon, unsigned timeout_ms);

/* SIGTERM, and its exit status; killed, and DAEMON_RUNS, if it does not end within 60
 * s.  Nothing if there is none. */
int daemon_stop(struct daemon *daemon);

/* What it wrote to standard error so far; to be freed. */
char *daemon_errors(const struct daemon *daemon);

/* Whether it writes this there, within 60 s; if not, what it wrote goes to our standard error. */
bool daemon_says(const struct daemon *daemon, const char *text);

/* The port for metrics alone, as the log has it; 0 if there is none. */
unsigned daemon_metrics_port(const struct daemon *daemon);

/* The most memory that it ever had, in bytes; NaN if it does not run.  With sanitizers that says
 * little, for they keep what is freed. */
double daemon_peak_bytes(const struct daemon *daemon);

/* The CPU time it has used, in seconds; NaN if it does not run. */
double daemon_cpu_s(const struct daemon *daemon);

/* A run of lossd from start to end. */
struct daemon_run {
    int status; /* DAEMON_RUNS if it had to be killed after 60 s */
    char *out, *err;
};

/* Run `lossd ARGUMENTS`, with `input` (or nothing) as its standard input. */
void daemon_run(struct daemon_run *run, const char *const *arguments,
                const char *const *environment, const char *input);
void daemon_run_free(struct daemon_run *run);

/* Monotonic milliseconds, and a pause of about one, for loops that wait for a condition. */
double clock_ms(void);
void pause_a_ms(void);

#endif
