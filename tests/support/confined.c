/* confined.c - children that are confined and try something, and what becomes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/confine.h"
#include "support/confined.h"

struct other_thread {
    pthread_barrier_t start; /* all is confined now */
    const struct attempt *attempt;
    int outcome;
};

static void *try_there(void *argument)
{
    struct other_thread *other = argument;

    (void)pthread_barrier_wait(&other->start);
    other->outcome = other->attempt->try();
    return NULL;
}

/* In the child: be confined and try, here or in a thread that is older than the filter. */
static _Noreturn void try_confined(const struct attempt *attempt, bool elsewhere)
{
    struct other_thread other = {.attempt = attempt};
    struct loss_error error;
    pthread_t thread;

    (void)pthread_barrier_init(&other.start, NULL, 2);
    if (!confine_begin(&error) ||
        (elsewhere && pthread_create(&thread, NULL, try_there, &other) != 0) ||
        !confine_complete(&error)) {
        (void)fprintf(stderr, "%s\n", error.sentence);
        _exit(REFUSED_TO_CONFINE);
    }
    if (!elsewhere)
        _exit(attempt->try());
    (void)pthread_barrier_wait(&other.start);
    (void)pthread_join(thread, NULL);
    _exit(other.outcome);
}

int confined_outcome_of(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    return WTERMSIG(status) == SIGSYS ? DIES : WTERMSIG(status) == SIGABRT ? ABORTS : -1;
}

int confined_outcome(const struct attempt *attempt, bool elsewhere)
{
    pid_t pid;
    int status;

    (void)fflush(NULL);
    pid = fork();
    if (pid == 0)
        try_confined(attempt, elsewhere);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return confined_outcome_of(status);
}
