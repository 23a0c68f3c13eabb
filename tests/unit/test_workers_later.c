/* test_workers_later.c - jobs that wait for a place in the queue, and those that come in the
 * meantime: neither keep the others out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "support/tasks.h"

enum { PLACES = 2, LATER = 4, VISITORS_MAX = 20 };

/* A job that, when it runs, may bring another one. */
struct visitor {
    struct job job; /* first, so that a job is a visitor */
    char name;
    void (*bring)(void);
};

static struct {
    struct workers *workers;
    pthread_mutex_t gate; /* the first one waits for it */
    struct visitor visitors[VISITORS_MAX];
    size_t count, ran;
    char order[VISITORS_MAX + 1]; /* the names of those that ran */
} crowd = {.gate = PTHREAD_MUTEX_INITIALIZER};

static struct job *visitor(char name, void (*bring)(void))
{
    struct visitor *visitor = &crowd.visitors[crowd.count++];

    assert_in_range(crowd.count, 1, VISITORS_MAX);
    *visitor = (struct visitor){.name = name, .bring = bring};
    return &visitor->job;
}

static void run(struct job *job)
{
    const struct visitor *visitor = (struct visitor *)job;

    crowd.order[crowd.ran++] = visitor->name;
    if (visitor->name == 'f') {
        (void)pthread_mutex_lock(&crowd.gate);
        (void)pthread_mutex_unlock(&crowd.gate);
    }
    if (visitor->bring != NULL)
        visitor->bring();
}

static void submit(char name, void (*bring)(void))
{
    assert_true(workers_reserve(crowd.workers));
    workers_submit(crowd.workers, visitor(name, bring), &tasks_done);
}

static void submit_later(char name, void (*bring)(void))
{
    workers_submit_later(crowd.workers, visitor(name, bring), &tasks_done);
}

/* One thread, which waits at the gate; `places` and, beyond them, LATER have come. */
static void gather(size_t places, void (*bring)(void))
{
    const struct workers_options options = {.threads = 1, .queue_jobs_max = places, .run = run};

    tasks_done.newest = NULL;
    crowd.count = crowd.ran = 0;
    memset(crowd.order, 0, sizeof crowd.order);
    crowd.workers = workers_start(&options);
    assert_non_null(crowd.workers);
    (void)pthread_mutex_lock(&crowd.gate);
    submit('f', bring);
    tasks_wait_for(workers_busy, crowd.workers, 1);
    for (size_t i = 0; i < places; i++)
        submit((char)('a' + i), bring);
    for (int i = 0; i < LATER; i++)
        submit_later((char)('1' + i), bring);
    assert_true(workers_are_full(crowd.workers));
}

static void check_order(const char *order)
{
    (void)pthread_mutex_unlock(&crowd.gate);
    workers_stop(crowd.workers);
    assert_string_equal(crowd.order, order);
}

/* One who is refused if there is no place. */
static void bring_newcomer(void)
{
    if (crowd.count < VISITORS_MAX && workers_reserve(crowd.workers))
        workers_submit(crowd.workers, visitor('N', bring_newcomer), &tasks_done);
}

/* Row 78a of tests/faults/rows.txt. */
static void places_go_to_both_by_turns(void **state)
{
    (void)state;
    gather(PLACES, bring_newcomer);
    check_order("fab1N2N3N4NNNNNNNNNN");
}

/* With one place too, where those who wait for none have the thread whenever the queue is empty. */
static void one_place_goes_to_both(void **state)
{
    (void)state;
    gather(1, bring_newcomer);
    check_order("fa1N2N3N4NNNNNNNNNNN");
}

/* The others have no need of places that are free. */
static void nobody_waits_for_newcomers(void **state)
{
    (void)state;
    gather(PLACES, NULL);
    check_order("fab1234");
}

static bool has_come; /* the one who has to wait as well */

static void bring_one_who_can_wait(void)
{
    if (!has_come && !workers_are_full(crowd.workers)) {
        has_come = true;
        submit_later('w', NULL);
    }
}

static void who_waits_is_not_overtaken_by_another_who_can(void **state)
{
    (void)state;
    gather(PLACES, bring_one_who_can_wait);
    check_order("fab1234w");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_go_to_both_by_turns),
        cmocka_unit_test(one_place_goes_to_both),
        cmocka_unit_test(nobody_waits_for_newcomers),
        cmocka_unit_test(who_waits_is_not_overtaken_by_another_who_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
