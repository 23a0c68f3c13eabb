/* tasks.c - jobs that can be held up, and the workers for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <time.h>

#include "server/clock.h"
#include "support/tasks.h"

_Atomic int tasks_wakes;
static _Atomic int started;

static void run_task(struct job *job)
{
    struct task *task = (struct task *)job;

    task->order = atomic_fetch_add(&started, 1);
    if (task->gate != NULL) {
        (void)pthread_mutex_lock(task->gate);
        (void)pthread_mutex_unlock(task->gate);
    }
    atomic_fetch_add(&task->runs, 1);
}

void tasks_count_wake(void *context)
{
    atomic_fetch_add((_Atomic int *)context, 1);
}

struct done_jobs tasks_done = {.wake = tasks_count_wake, .context = &tasks_wakes};

struct workers *tasks_start(size_t threads, size_t queue_jobs_max)
{
    const struct workers_options options = {
        .threads = threads, .queue_jobs_max = queue_jobs_max, .run = run_task};
    struct workers *workers;

    tasks_done.newest = NULL; /* the jobs of the test before are gone */
    started = tasks_wakes = 0;
    workers = workers_start(&options);
    assert_non_null(workers);
    assert_int_equal(workers_waiting(workers), 0);
    assert_int_equal(workers_busy(workers), 0);
    assert_false(workers_are_full(workers));
    return workers;
}

void tasks_submit(struct workers *workers, struct task *task)
{
    assert_true(workers_reserve(workers));
    workers_submit(workers, &task->job, &tasks_done);
}

void tasks_wait_for(size_t (*gauge)(struct workers *workers), struct workers *workers, size_t value)
{
    const struct timespec pause = {.tv_nsec = 200000};
    uint64_t end = clock_now_ns() + 10000000000;

    while (gauge(workers) != value && clock_now_ns() < end)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(gauge(workers), value);
}

static size_t count_wakes(struct workers *workers)
{
    (void)workers;
    return (size_t)tasks_wakes;
}

void tasks_wait_for_wakes(int count)
{
    tasks_wait_for(count_wakes, NULL, (size_t)count);
}
