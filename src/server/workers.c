/* workers.c - threads that run jobs, behind a bounded queue.
 *
 * One lock guards the queue and its counters; done jobs go back without it (jobs.c). */
#include "server/workers.h"

#include <assert.h>
#include <stdlib.h>
#include <uv.h>

#include "server/clock.h"
#include "server/places.h"
#include "server/turns.h"

enum {
    STACK_BYTES = 512 * 1024, /* of a thread: kernels keep tiles, not rows, on the stack */
    TURN_NS = 100000,         /* event loops wait for its end */
};

struct workers {
    struct workers_options options; /* constant */
    uv_mutex_t lock;                /* guards all down to `stopping` */
    uv_cond_t not_empty;            /* of jobs or shared work */
    struct places places;
    uv_cond_t helped;           /* a helper has left some shared work */
    struct shared_work *shared; /* what has parts to take */
    size_t busy;
    bool stopping;
    uv_thread_t *threads;
    size_t started;
};

static bool has_jobs(const struct workers *workers)
{
    return places_waiting(&workers->places) != 0;
}

/* Take and run parts until there are none or, for a helper, a job waits.  Called with
 * the lock held and returns so.  Parts are taken in handfuls, small ones at the end, so
 * that all finish together. */
static void run_parts(struct workers *workers, struct shared_work *work, bool is_helper)
{
    while (work->next_part < work->parts && !(is_helper && has_jobs(workers))) {
        size_t part = work->next_part, left = work->parts - part;
        size_t end = part + 1 + left / (4 * (workers->options.threads + 1));

        work->next_part = end;
        uv_mutex_unlock(&workers->lock);
        for (; part < end; part++)
            work->run(work->argument, part);
        uv_mutex_lock(&workers->lock);
    }
}

/* The first shared work that has parts left. */
static struct shared_work *find_shared(const struct workers *workers)
{
    struct shared_work *work = workers->shared;

    while (work != NULL && work->next_part >= work->parts)
        work = work->next;
    return work;
}

static void help(struct workers *workers, struct shared_work *work)
{
    workers->busy++;
    work->helpers++;
    run_parts(workers, work, true);
    workers->busy--;
    if (--work->helpers == 0)
        uv_cond_broadcast(&workers->helped);
}

void workers_share(struct workers *workers, struct shared_work *work)
{
    struct shared_work **link;

    work->next_part = work->helpers = 0;
    if (work->parts < 2) {
        for (size_t part = 0; part < work->parts; part++)
            work->run(work->argument, part);
        return;
    }
    uv_mutex_lock(&workers->lock);
    work->next = workers->shared;
    workers->shared = work;
    uv_cond_broadcast(&workers->not_empty);
    run_parts(workers, work, false);
    while (work->helpers != 0) {
        uv_cond_wait(&workers->helped, &workers->lock);
        turns_begin(clock_now_ns());
    }
    for (link = &workers->shared; *link != work; link = &(*link)->next)
        continue;
    *link = work->next;
    uv_mutex_unlock(&workers->lock);
}

static void work(void *argument)
{
    struct workers *workers = argument;

    turns_join(TURN_NS);
    uv_mutex_lock(&workers->lock);
    for (;;) {
        struct shared_work *shared = NULL;
        struct job *job;

        while (!has_jobs(workers) && !workers->stopping &&
               (shared = find_shared(workers)) == NULL) {
            uv_cond_wait(&workers->not_empty, &workers->lock);
            turns_begin(clock_now_ns());
        }
        if (!has_jobs(workers) && shared != NULL) {
            help(workers, shared);
            continue;
        }
        job = places_take(&workers->places);
        if (job == NULL)
            break;
        workers->busy++;
        uv_mutex_unlock(&workers->lock);
        job->started_ns = clock_now_ns();
        job->waited_ns += job->started_ns - job->submitted_ns;
        workers->options.run(job);
        uv_mutex_lock(&workers->lock);
        workers->busy--;
        uv_mutex_unlock(&workers->lock);
        done_jobs_push(job);
        (void)turns_give_way(clock_now_ns());
        uv_mutex_lock(&workers->lock);
    }
    uv_mutex_unlock(&workers->lock);
}

struct workers *workers_start(const struct workers_options *options)
{
    const uv_thread_options_t thread = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                        .stack_size = STACK_BYTES};
    struct workers *workers = calloc(1, sizeof *workers);

    if (workers == NULL)
        return NULL;
    workers->options = *options;
    places_init(&workers->places, options->queue_jobs_max);
    workers->threads = calloc(options->threads, sizeof *workers->threads);
    if (workers->threads == NULL)
        goto free_workers;
    if (uv_mutex_init(&workers->lock) != 0)
        goto free_threads;
    if (uv_cond_init(&workers->not_empty) != 0)
        goto destroy_lock;
    if (uv_cond_init(&workers->helped) != 0)
        goto destroy_not_empty;
    for (; workers->started < options->threads; workers->started++) {
        if (uv_thread_create_ex(&workers->threads[workers->started], &thread, work, workers) != 0) {
            workers_stop(workers);
            return NULL;
        }
    }
    return workers;

destroy_not_empty:
    uv_cond_destroy(&workers->not_empty);
destroy_lock:
    uv_mutex_destroy(&workers->lock);
free_threads:
    free(workers->threads);
free_workers:
    free(workers);
    return NULL;
}

void workers_stop(struct workers *workers)
{
    if (workers == NULL)
        return;
    uv_mutex_lock(&workers->lock);
    workers->stopping = true;
    uv_cond_broadcast(&workers->not_empty);
    uv_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->started; i++)
        (void)uv_thread_join(&workers->threads[i]); /* fails for no thread that was started once */
    assert(!has_jobs(workers));
    uv_cond_destroy(&workers->helped);
    uv_cond_destroy(&workers->not_empty);
    uv_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}

bool workers_reserve(struct workers *workers)
{
    bool room;

    uv_mutex_lock(&workers->lock);
    room = places_reserve(&workers->places);
    uv_mutex_unlock(&workers->lock);
    return room;
}

bool workers_are_full(struct workers *workers)
{
    bool full;

    uv_mutex_lock(&workers->lock);
    full = places_are_full(&workers->places);
    uv_mutex_unlock(&workers->lock);
    return full;
}

static void begin(struct job *job, struct done_jobs *done)
{
    job->done = done;
    job->started_ns = 0;
    job->submitted_ns = clock_now_ns();
}

void workers_submit(struct workers *workers, struct job *job, struct done_jobs *done)
{
    begin(job, done);
    uv_mutex_lock(&workers->lock);
    places_put(&workers->places, job);
    uv_cond_signal(&workers->not_empty);
    uv_mutex_unlock(&workers->lock);
}

void workers_submit_later(struct workers *workers, struct job *job, struct done_jobs *done)
{
    begin(job, done);
    uv_mutex_lock(&workers->lock);
    places_put_later(&workers->places, job);
    uv_cond_signal(&workers->not_empty); /* even without a place: others may only be promised */
    uv_mutex_unlock(&workers->lock);
}

void workers_return_late(struct workers *workers, uint64_t now_ns)
{
    struct job_list late;
    struct job *job;

    job_list_init(&late);
    uv_mutex_lock(&workers->lock);
    places_take_late(&workers->places, now_ns, &late);
    uv_mutex_unlock(&workers->lock);
    while ((job = job_list_take(&late)) != NULL)
        done_jobs_push(job);
}

size_t workers_waiting(struct workers *workers)
{
    size_t waiting;

    uv_mutex_lock(&workers->lock);
    waiting = places_waiting(&workers->places);
    uv_mutex_unlock(&workers->lock);
    return waiting;
}

size_t workers_busy(struct workers *workers)
{
    size_t busy;

    uv_mutex_lock(&workers->lock);
    busy = workers->busy;
    uv_mutex_unlock(&workers->lock);
    return busy;
}
