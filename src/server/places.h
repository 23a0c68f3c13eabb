/* places.h - jobs that wait: in a queue with so many places, or for one of them.  For one thread at
 * a time: the workers' lock guards it. */
#ifndef SERVER_PLACES_H
#define SERVER_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/jobs.h"

struct places {
    size_t max; /* constant */
    struct job_list queue;
    struct job_list later; /* those that wait for a place in it */
    size_t queued, waiting_later;
    size_t reserved;    /* places promised, those in the queue included */
    bool later_is_next; /* to get a place that becomes free: the last one was left free */
};

void places_init(struct places *places, size_t max);

bool places_are_full(const struct places *places);
bool places_reserve(struct places *places); /* false if they are full */

/* Put a job on a place that was reserved for it. */
void places_put(struct places *places, struct job *job);

/* Put a job on a place that is free, or let it wait for one, after those that do already. */
void places_put_later(struct places *places, struct job *job);

/* How many jobs wait, here or there. */
size_t places_waiting(const struct places *places);

/* The next job, NULL if there is none.  The place it leaves goes by turns to those who wait for one
 * and to those who are still to come, who are refused if there is none: so neither keep the others
 * out.  When the queue is empty, those who wait for a place need none. */
struct job *places_take(struct places *places);

/* Move the jobs whose deadline is before `now_ns` to a list. */
void places_take_late(struct places *places, uint64_t now_ns, struct job_list *late);

#endif
