/* workers.h - threads that run jobs, behind a bounded queue.
 *
 * A job belongs to the thread that submits it until workers_submit returns, then to a worker, and
 * after workers_take_done to the caller of that.  Submitting never blocks: a place in the queue is
 * reserved first, and a full queue is an answer. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workers;

/* Embedded in whatever the job is. */
struct job {
    struct job *next;
    uint64_t submitted_ns; /* when it was submitted and when a worker took it, clock_now_ns */
    uint64_t started_ns;
};

struct workers_options {
    size_t threads;               /* at least 1 */
    size_t queue_jobs_max;        /* jobs that wait, at least 1; running ones do not count */
    void (*run)(struct job *job); /* on a worker thread */
    void (*wake)(void *context);  /* on a worker thread: there is something for take_done */
    void *context;
};

/* Start the threads; NULL if one cannot be started. */
struct workers *workers_start(const struct workers_options *options);

/* Finish what runs and what waits, and join.  NULL is allowed.  Done jobs that nobody took are lost. */
void workers_stop(struct workers *workers);

/* Reserve a place for one job; false if the queue is full.  Then submit it, or hand the place back. */
bool workers_reserve(struct workers *workers);
void workers_unreserve(struct workers *workers);
void workers_submit(struct workers *workers, struct job *job);

/* Work in parts, which threads that have nothing else to do help with. */
struct shared_work {
    void (*run)(void *argument, size_t part); /* on any of the threads; each part once */
    void *argument;
    size_t parts;
    /* The workers' own: */
    struct shared_work *next;
    size_t next_part, helpers;
};

/* Run all parts, here and on idle threads; returns when all are done.  A waiting job is more important
 * to a helper than the next part.  Any thread may share, a worker running a job above all. */
void workers_share(struct workers *workers, struct shared_work *work);

/* All jobs that are done, oldest first, linked by `next`; NULL if there are none. */
struct job *workers_take_done(struct workers *workers);

/* Take every job that still waits out of the queue, oldest first. */
struct job *workers_take_waiting(struct workers *workers);

/* Gauges. */
size_t workers_waiting(struct workers *workers);
size_t workers_busy(struct workers *workers);

#endif
