/* jobs.c - jobs in lists, and the way back of those that are done.
 *
 * Done jobs are a stack that is only ever pushed to one by one and taken whole, so it needs no
 * lock; whoever pushes on an empty stack wakes the loop. */
#include "server/jobs.h"

#include <stdatomic.h>
#include <stddef.h>

void done_jobs_push(struct job *job)
{
    struct done_jobs *done = job->done;
    struct job *top = atomic_load_explicit(&done->newest, memory_order_relaxed);

    do {
        job->next = top;
    } while (!atomic_compare_exchange_weak_explicit(&done->newest, &top, job, memory_order_release,
                                                    memory_order_relaxed));
    if (top == NULL)
        done->wake(done->context);
}

struct job *done_jobs_take(struct done_jobs *done)
{
    struct job *job = atomic_exchange_explicit(&done->newest, NULL, memory_order_acquire);
    struct job *list = NULL;

    while (job != NULL) { /* turn them round */
        struct job *next = job->next;

        job->next = list;
        list = job;
        job = next;
    }
    return list;
}

void job_list_init(struct job_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

void job_list_append(struct job_list *list, struct job *job)
{
    job->next = NULL;
    *list->last = job;
    list->last = &job->next;
}

struct job *job_list_take(struct job_list *list)
{
    struct job *job = list->first;

    if (job == NULL)
        return NULL;
    list->first = job->next;
    if (list->first == NULL)
        list->last = &list->first;
    return job;
}
