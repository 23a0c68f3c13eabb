/* test_workers_places.c - places in the queue: none that is left, waiting for one, and jobs that
 * are sent back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "support/tasks.h"

static void a_full_queue_refuses(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[4] = {{.gate = &gate}};
    struct workers *workers = tasks_start(1, 2);

    (void)state;
    (void)pthread_mutex_lock(&gate);
    tasks_submit(workers, &tasks[0]);
    tasks_wait_for(workers_busy, workers, 1); /* what runs does not wait */
    assert_true(workers_reserve(workers));
    assert_false(workers_are_full(workers));
    assert_true(workers_reserve(workers));
    assert_true(workers_are_full(workers)); /* a promise counts */
    assert_false(workers_reserve(workers));
    assert_int_equal(workers_waiting(workers), 0);
    workers_submit(workers, &tasks[1].job, &tasks_done);
    workers_submit(workers, &tasks[2].job, &tasks_done);
    assert_true(workers_are_full(workers));
    assert_false(workers_reserve(workers));
    assert_int_equal(workers_waiting(workers), 2);
    (void)pthread_mutex_unlock(&gate);
    tasks_wait_for(workers_waiting, workers, 0);
    assert_false(workers_are_full(workers));
    tasks_submit(workers, &tasks[3]); /* there is room again */
    tasks_wait_for(workers_waiting, workers, 0);
    assert_true(workers_reserve(workers));
    assert_true(workers_reserve(workers));
    assert_false(workers_reserve(workers));
    workers_stop(workers);
    for (int i = 0; i < 4; i++)
        assert_int_equal(tasks[i].runs, 1);
}

/* Who comes when there is no place gets one in turn, before those who come after. */
static void a_job_may_wait_for_a_place(void **state)
{
    enum { JOBS = 6 };
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[JOBS] = {{.gate = &gate}};
    struct workers *workers =
        tasks_start(1, 1); /* of two, the later job's clock may be read first */

    (void)state;
    (void)pthread_mutex_lock(&gate);
    tasks_submit(workers, &tasks[0]);
    tasks_wait_for(workers_busy, workers, 1);
    workers_submit_later(workers, &tasks[1].job, &tasks_done); /* there is a place */
    assert_int_equal(workers_waiting(workers), 1);
    for (int i = 2; i < JOBS; i++)
        workers_submit_later(workers, &tasks[i].job, &tasks_done);
    assert_int_equal(workers_waiting(workers), JOBS - 1); /* in the queue or for it */
    assert_true(workers_are_full(workers));
    assert_false(workers_reserve(workers));
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(tasks[i].order, i);
        assert_true(i == 0 || tasks[i].job.started_ns >= tasks[i - 1].job.started_ns);
    }
}

/* A thread with nothing to do does not let it wait for a place that is only promised. */
static void a_promised_place_keeps_no_job_from_an_idle_thread(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task first = {.gate = &gate}, waiting = {.gate = &gate};
    struct workers *workers = tasks_start(1, 1);

    (void)state;
    (void)pthread_mutex_lock(&gate);
    tasks_submit(workers, &first); /* so that the thread has begun, and then has nothing */
    tasks_wait_for(workers_busy, workers, 1);
    (void)pthread_mutex_unlock(&gate);
    tasks_wait_for(workers_busy, workers, 0);
    (void)pthread_mutex_lock(&gate);
    assert_true(workers_reserve(workers));
    workers_submit_later(workers, &waiting.job, &tasks_done);
    tasks_wait_for(workers_busy, workers, 1);
    assert_false(workers_reserve(workers)); /* it took none */
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    assert_int_equal(waiting.runs, 1);
}

static void waiting_jobs_can_be_sent_back(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[4] = {{.gate = &gate}}, without = {.gate = NULL}; /* a place */
    struct done_jobs elsewhere = {.wake = tasks_count_wake, .context = &tasks_wakes};
    struct workers *workers = tasks_start(1, 3);
    struct job *job;

    (void)state;
    (void)pthread_mutex_lock(&gate);
    tasks_submit(workers, &tasks[0]);
    tasks_wait_for(workers_busy, workers, 1);
    tasks_submit(workers, &tasks[1]);
    assert_true(workers_reserve(workers));
    workers_submit(workers, &tasks[2].job, &elsewhere); /* each to where it came from */
    assert_true(workers_reserve(workers));              /* a promise that is not taken back */
    workers_submit_later(workers, &without.job, &elsewhere);
    workers_return_late(workers, UINT64_MAX);
    job = done_jobs_take(&tasks_done);
    assert_ptr_equal(job, &tasks[1].job);
    assert_int_equal(job->started_ns, 0);
    assert_null(job->next);
    job = done_jobs_take(&elsewhere);
    assert_ptr_equal(job, &tasks[2].job);
    assert_ptr_equal(job->next, &without.job);
    assert_null(without.job.next);
    assert_int_equal(tasks_wakes, 2);
    workers_return_late(workers, UINT64_MAX); /* there are none */
    assert_int_equal(workers_waiting(workers), 0);
    assert_int_equal(workers_busy(workers), 1);
    assert_true(workers_reserve(workers)); /* two places came back */
    assert_true(workers_reserve(workers));
    assert_false(workers_reserve(workers));
    workers_submit(workers, &tasks[3].job, &tasks_done);
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    assert_int_equal(tasks[0].runs, 1);
    assert_int_equal(tasks[1].runs, 0);
    assert_int_equal(tasks[2].runs, 0);
    assert_int_equal(tasks[3].runs, 1);
    for (job = done_jobs_take(&tasks_done); job != NULL; job = job->next)
        assert_true(job->started_ns != 0);
}

/* Their places are free then, and the others stay in turn. */
static void late_jobs_are_sent_back(void **state)
{
    enum { JOBS = 6, PLACES = 4, NOW = 100 };
    static const uint64_t deadlines[JOBS] = {1, 99, 100, 101, 99, 100};
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct task tasks[JOBS] = {{.gate = &gate}};
    struct workers *workers = tasks_start(1, PLACES - 1);
    struct job *job;

    (void)state;
    (void)pthread_mutex_lock(&gate);
    for (int i = 0; i < JOBS; i++) {
        tasks[i].job.deadline_ns = deadlines[i];
        if (i < PLACES)
            tasks_submit(workers, &tasks[i]);
        else
            workers_submit_later(workers, &tasks[i].job, &tasks_done);
        tasks_wait_for(workers_busy, workers, 1); /* the first, which no deadline brings back */
    }
    workers_return_late(workers, NOW);
    job = done_jobs_take(&tasks_done);
    assert_ptr_equal(job, &tasks[1].job);
    assert_int_equal(job->started_ns, 0);
    assert_ptr_equal(job->next, &tasks[4].job);
    assert_null(job->next->next);
    assert_int_equal(workers_waiting(workers), 3);
    assert_true(workers_reserve(workers));
    assert_false(workers_reserve(workers));
    (void)pthread_mutex_unlock(&gate);
    workers_stop(workers);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(tasks[i].runs, i != 1 && i != 4);
    assert_true(tasks[2].order < tasks[3].order && tasks[3].order < tasks[5].order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_queue_refuses),
        cmocka_unit_test(a_job_may_wait_for_a_place),
        cmocka_unit_test(a_promised_place_keeps_no_job_from_an_idle_thread),
        cmocka_unit_test(waiting_jobs_can_be_sent_back),
        cmocka_unit_test(late_jobs_are_sent_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
