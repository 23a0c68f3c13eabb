/* tasks.h - jobs that can be held up and that count their runs, and the workers for them. */
#ifndef SUPPORT_TASKS_H
#define SUPPORT_TASKS_H

#include <pthread.h>
#include <stddef.h>

#include "server/workers.h"

/* A job that, if it has a gate, runs until that is opened. */
struct task {
    struct job job; /* first, so that a job is a task */
    pthread_mutex_t *gate;
    _Atomic int runs;
    int order; /* in which it was started */
};

/* Where the jobs come back, and how often that was told; the counter is tasks_count_wake's context,
 * here and for places of a test's own. */
extern struct done_jobs tasks_done;
extern _Atomic int tasks_wakes;
void tasks_count_wake(void *context);

/* Workers with nothing to do, and nothing counted: what came back before is forgotten. */
struct workers *tasks_start(size_t threads, size_t queue_jobs_max);

/* Take a place, which there must be, and submit the task. */
void tasks_submit(struct workers *workers, struct task *task);

/* Wait, for at most 10 seconds, until a gauge has a value, or until there were so many wakes; fails
 * the test if it does not come to that. */
void tasks_wait_for(size_t (*gauge)(struct workers *workers), struct workers *workers,
                    size_t value);
void tasks_wait_for_wakes(int count);

#endif
