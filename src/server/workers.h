/* workers.h - threads that run jobs, behind a bounded queue.
 *
 * A job belongs to the thread that submits it until workers_submit returns, then to a worker, and
 * after done_jobs_take to the caller of that.  Submitting never blocks: a place in the queue is
 * reserved first, and a full queue is an answer; or the job waits for a place, in turn. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/jobs.h"

struct workers;

struct workers_options {
    size_t threads;               /* at least 1 */
    size_t queue_jobs_max;        /* jobs that wait, at least 1; running ones do not count */
    void (*run)(struct job *job); /* on a worker thread */
};

/* Start the threads; NULL if one cannot be started. */
struct workers *workers_start(const struct workers_options *options);

/* Finish what runs and what waits, and join.  NULL is allowed.  Done jobs
 * that nobody took are lost. */
void workers_stop(struct workers *workers);

/* Reserve a place for one job, to submit it then; false if the queue is full. */
bool workers_reserve(struct workers *workers);

/* Submit a job, which will be pushed on *done. */
void workers_submit(struct workers *workers, struct job *job, struct done_jobs *done);

/* The same without a place: the job gets one that becomes free, after those before it, but only
 * every other, so that places can be reserved meanwhile; or a thread that has nothing else. */
void workers_submit_later(struct workers *workers, struct job *job, struct done_jobs *done);

/* Whether a place could not be reserved now. */
bool workers_are_full(struct workers *workers);

/* Work in parts, which threads that have nothing else to do help with. */
struct shared_work {
    void (*run)(void *argument, size_t part); /* on any of the threads; each part once */
    void *argument;
    size_t parts;
    /* The workers' own: */
    struct shared_work *next;
    size_t next_part, helpers;
};

/* Run all parts, here and on idle threads; returns when all are done.  A waiting job is
 * more important to a helper than the next part.  Any thread may share, a worker
 * running a job above all. */
void workers_share(struct workers *workers, struct shared_work *work);

/* Push the jobs that wait, in the queue or for a place in it, and whose deadline is before
 * `now_ns`, on their done jobs as they are.  UINT64_MAX: all that wait. */
void workers_return_late(struct workers *workers, uint64_t now_ns);

/* Gauges: the jobs that wait, in the queue or for a place in it, and the threads that work. */
size_t workers_waiting(struct workers *workers);
size_t workers_busy(struct workers *workers);

#endif
