/* jobs.h - jobs in lists, and the way back of those that are done. */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include <stdbool.h>
#include <stdint.h>

struct job;

/* Where jobs go when they are done: one for each thread that submits some.  All zero but for the
 * wake. */
struct done_jobs {
    void (*wake)(void *context); /* there is something to take; on any thread */
    void *context;
    _Atomic(struct job *) newest; /* of those that were pushed and not taken */
};

/* Embedded in whatever the job is. */
struct job {
    struct job *next;
    struct done_jobs *done; /* where it goes */
    uint64_t submitted_ns;  /* when it was submitted and when a worker took it, clock_now_ns */
    uint64_t started_ns;    /* 0: no worker ran it */
    uint64_t waited_ns;     /* in all, until it was taken or came back: zero it before */
    uint64_t deadline_ns;   /* after it nobody wants it any more */
};

/* Push a job on its done jobs; from here on it is the taker's.  Any thread. */
void done_jobs_push(struct job *job);

/* All jobs that are done, oldest first, linked by `next`; NULL if there are none. */
struct job *done_jobs_take(struct done_jobs *done);

/* Oldest first; for one thread at a time. */
struct job_list {
    struct job *first, **last;
};

void job_list_init(struct job_list *list);
void job_list_append(struct job_list *list, struct job *job);
/* The oldest; NULL if there is none. */
struct job *job_list_take(struct job_list *list);

#endif
