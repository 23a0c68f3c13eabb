/* test_workers.c - jobs and their threads: order, waking, stopping, many jobs, and work that is
 * shared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "server/clock.h"
#include "support/tasks.h"

static void jobs_run_and_return_in_order(void **state)
{
    enum { JOBS = 20 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[JOBS] = {{.gate = &gate}};
    struct workers *workers = tasks_start(1, JOBS);
    struct job *job;
    uint64_t before = clock_now_ns(), waited_ns[JOBS];

    (void)state;
    (void)pthread_mutex_lock(&gate);
    tasks_submit(workers, &tasks[0]);
    tasks_wait_for(workers_busy, workers, 1);
    for (int i = 1; i < JOBS; i++)
        tasks_submit(workers, &tasks[i]);
    assert_int_equal(workers_waiting(workers), JOBS - 1);
    assert_int_equal(tasks_wakes, 0);
    (void)pthread_mutex_unlock(&gate);
    tasks_wait_for(workers_waiting, workers, 0);
    tasks_wait_for(workers_busy, workers, 0);
    workers_stop(workers);
    workers = tasks_start(1, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(tasks[i].order, i);
        assert_true(tasks[i].job.submitted_ns >= before);
        assert_true(tasks[i].job.started_ns >= tasks[i].job.submitted_ns);
        assert_true(tasks[i].job.started_ns <= clock_now_ns());
        waited_ns[i] = tasks[i].job.started_ns - tasks[i].job.submitted_ns;
        assert_true(tasks[i].job.waited_ns == waited_ns[i]);
        tasks[i].gate = i == 0 ? &gate : NULL;
    }
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < JOBS; i++)
        tasks_submit(workers, &tasks[i]);
    (void)pthread_mutex_unlock(&gate);
    tasks_wait_for(workers_waiting, workers, 0);
    tasks_wait_for(workers_busy, workers, 0);
    for (int got = 0; got < JOBS;) {
        for (job = done_jobs_take(&tasks_done); job != NULL; job = job->next)
            assert_ptr_equal(job, &tasks[got++].job); /* oldest first */
    }
    assert_null(done_jobs_take(&tasks_done));
    workers_stop(workers);
    for (int i = 0; i < JOBS; i++) { /* it is added up */
        waited_ns[i] += tasks[i].job.started_ns - tasks[i].job.submitted_ns;
        assert_true(tasks[i].job.waited_ns == waited_ns[i]);
    }
}

/* A push on jobs that are there already wakes nobody: there is one wake for each time that
 * done_jobs_take found something, and one more at most. */
static void waking_is_done_once_for_many(void **state)
{
    struct task tasks[10] = {{.gate = NULL}};
    struct workers *workers = tasks_start(2, 10);
    int seen = 0, takes = 0;

    (void)state;
    for (int i = 0; i < 6; i++)
        tasks_submit(workers, &tasks[i]);
    tasks_wait_for(workers_waiting, workers, 0);
    tasks_wait_for(workers_busy, workers, 0);
    tasks_wait_for_wakes(1);
    while (seen < 6) { /* a job that is no longer busy may not be there yet */
        struct job *job = done_jobs_take(&tasks_done);

        takes += job != NULL;
        for (; job != NULL; job = job->next)
            seen++;
    }
    for (int i = 6; i < 10; i++) {
        tasks_submit(workers, &tasks[i]);
        tasks_wait_for_wakes(++takes); /* each time anew, once they were taken */
        assert_ptr_equal(done_jobs_take(&tasks_done), &tasks[i].job);
    }
    workers_stop(workers);
    assert_int_equal(tasks_wakes, takes);
}

static void stopping_finishes_what_waits(void **state)
{
    enum { JOBS = 50 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[JOBS];
    struct workers *workers = tasks_start(2, JOBS);

    (void)state;
    for (int i = 0; i < JOBS; i++)
        tasks[i] = (struct task){.gate = i < 2 ? &gate : NULL};
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < JOBS; i++)
        tasks_submit(workers, &tasks[i]);
    tasks_wait_for(workers_busy, workers, 2);
    assert_int_equal(workers_waiting(workers), JOBS - 2);
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(tasks[i].runs, 1);
    workers_stop(tasks_start(3, 1)); /* nothing to do at all */
    workers_stop(NULL);
}

/* 4 threads and 20,000 jobs, each of which comes back exactly once, whatever the scheduling. */
static void no_job_is_lost_or_doubled(void **state)
{
    enum { JOBS = 20000, PLACES = 64 };
    static struct task tasks[JOBS];
    struct workers *workers = tasks_start(4, PLACES);
    int submitted = 0, seen = 0, takes = 0;
    uint64_t end = clock_now_ns() + 30000000000;

    (void)state;
    while (seen < JOBS) {
        struct job *job;

        while (submitted < JOBS && workers_reserve(workers))
            workers_submit(workers, &tasks[submitted++].job, &tasks_done);
        assert_in_range(workers_waiting(workers), 0, PLACES);
        assert_in_range(workers_busy(workers), 0, 4);
        job = done_jobs_take(&tasks_done);
        takes += job != NULL;
        for (; job != NULL; job = job->next) {
            struct task *task = (struct task *)job;

            assert_int_equal(task->runs, 1);
            task->runs = 2; /* seen */
            seen++;
        }
        assert_true(clock_now_ns() < end);
    }
    assert_null(done_jobs_take(&tasks_done));
    workers_stop(workers);
    assert_int_equal(tasks_wakes, takes); /* once for each time that there was something */
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(tasks[i].runs, 2);
}

/* Work whose parts meet: the first to come waits for another, so that two threads must take
 * part. */
struct meeting {
    pthread_mutex_t lock;
    pthread_cond_t met;
    int inside;
    bool have_met;
    _Atomic int runs[64];
};

static void meet(void *argument, size_t part)
{
    struct meeting *meeting = argument;

    atomic_fetch_add(&meeting->runs[part], 1);
    (void)pthread_mutex_lock(&meeting->lock);
    meeting->inside++;
    meeting->have_met |= meeting->inside > 1;
    (void)pthread_cond_broadcast(&meeting->met);
    while (!meeting->have_met)
        (void)pthread_cond_wait(&meeting->met, &meeting->lock);
    meeting->inside--;
    (void)pthread_mutex_unlock(&meeting->lock);
}

static void idle_threads_help_with_shared_work(void **state)
{
    struct meeting meeting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false, {0}};
    struct shared_work shared = {.run = meet, .argument = &meeting, .parts = 64};
    struct workers *workers = tasks_start(2, 1);

    (void)state;
    workers_share(workers, &shared);
    assert_true(meeting.have_met);
    for (int i = 0; i < 64; i++)
        assert_int_equal(meeting.runs[i], 1);
    tasks_wait_for(workers_busy, workers, 0);
    workers_stop(workers);
}

static void count_run(void *argument, size_t part)
{
    _Atomic int *runs = argument;

    atomic_fetch_add(&runs[part], 1);
}

static void work_of_few_parts_is_shared_as_well(void **state)
{
    struct workers *workers = tasks_start(3, 1);

    (void)state;
    for (size_t parts = 0; parts < 20; parts++) {
        _Atomic int runs[20] = {0};
        struct shared_work shared = {.run = count_run, .argument = runs, .parts = parts};

        workers_share(workers, &shared);
        for (size_t i = 0; i < 20; i++)
            assert_int_equal(runs[i], i < parts ? 1 : 0);
    }
    workers_stop(workers);
}

/* A job that shares its work, while others wait. */
struct sharing {
    struct task task;
    struct workers *workers;
    _Atomic int runs[64];
};

static void share_in_job(struct job *job)
{
    struct sharing *sharing = (struct sharing *)job;
    struct shared_work shared = {.run = count_run, .argument = sharing->runs, .parts = 64};

    workers_share(sharing->workers, &shared);
    atomic_fetch_add(&sharing->task.runs, 1);
}

static void jobs_share_and_are_not_held_up(void **state)
{
    enum { JOBS = 16 };
    const struct workers_options options = {
        .threads = 3, .queue_jobs_max = JOBS, .run = share_in_job};
    struct sharing jobs[JOBS] = {{.workers = NULL}};
    struct workers *workers = workers_start(&options);

    (void)state;
    assert_non_null(workers);
    for (int i = 0; i < JOBS; i++) {
        jobs[i].workers = workers;
        tasks_submit(workers, &jobs[i].task);
    }
    workers_stop(workers);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].task.runs, 1);
        for (int part = 0; part < 64; part++)
            assert_int_equal(jobs[i].runs[part], 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_and_return_in_order),
        cmocka_unit_test(waking_is_done_once_for_many),
        cmocka_unit_test(stopping_finishes_what_waits),
        cmocka_unit_test(no_job_is_lost_or_doubled),
        cmocka_unit_test(idle_threads_help_with_shared_work),
        cmocka_unit_test(work_of_few_parts_is_shared_as_well),
        cmocka_unit_test(jobs_share_and_are_not_held_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
