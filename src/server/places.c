/* places.c - jobs that wait: in a queue with so many places, or for one of them. */
#include "server/places.h"

#include <assert.h>

void places_init(struct places *places, size_t max)
{
    *places = (struct places){.max = max};
    job_list_init(&places->queue);
    job_list_init(&places->later);
}

bool places_are_full(const struct places *places)
{
    return places->reserved >= places->max;
}

bool places_reserve(struct places *places)
{
    if (places_are_full(places))
        return false;
    places->reserved++;
    return true;
}

void places_put(struct places *places, struct job *job)
{
    job_list_append(&places->queue, job);
    places->queued++;
    assert(places->queued <= places->reserved);
}

void places_put_later(struct places *places, struct job *job)
{
    if (places->waiting_later == 0 && places_reserve(places)) {
        places_put(places, job);
        return;
    }
    job_list_append(&places->later, job);
    places->waiting_later++;
}

size_t places_waiting(const struct places *places)
{
    return places->queued + places->waiting_later;
}

static struct job *take_later(struct places *places)
{
    struct job *job = job_list_take(&places->later);

    places->waiting_later -= job != NULL;
    return job;
}

struct job *places_take(struct places *places)
{
    struct job *job = job_list_take(&places->queue);

    if (job == NULL)
        return take_later(places);
    places->queued--;
    if (places->waiting_later != 0 && places->later_is_next) {
        places_put(places, take_later(places));
        places->later_is_next = false;
    } else {
        places->reserved--;
        places->later_is_next = true;
    }
    return job;
}

/* Move those that are late from one list to another; returns how many. */
static size_t move_late(struct job_list *from, uint64_t now_ns, struct job_list *to)
{
    struct job_list all = *from;
    size_t count = 0;
    struct job *job;

    job_list_init(from);
    while ((job = job_list_take(&all)) != NULL) {
        bool is_late = job->deadline_ns < now_ns;

        job_list_append(is_late ? to : from, job);
        count += is_late;
    }
    return count;
}

void places_take_late(struct places *places, uint64_t now_ns, struct job_list *late)
{
    size_t count = move_late(&places->queue, now_ns, late);

    places->queued -= count;
    places->reserved -= count;
    places->waiting_later -= move_late(&places->later, now_ns, late);
}
