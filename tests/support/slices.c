/* slices.c - the slices of CPU that the kernel has for threads. */
#include "support/slices.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLICY_WORD = 1, RUNTIME_WORD = 6, WORDS = 12 }; /* of struct sched_attr: sched_setattr(2) */

static bool get(pid_t thread, uint32_t words[WORDS])
{
    words[0] = WORDS * sizeof words[0];
    return syscall(SYS_sched_getattr, thread, words, words[0], 0) == 0;
}

uint64_t slice_ns(pid_t thread)
{
    uint32_t words[WORDS];

    return get(thread, words) ? words[RUNTIME_WORD] | (uint64_t)words[RUNTIME_WORD + 1] << 32 : 0;
}

bool slices_can_be_short(void)
{
    pid_t pid = fork();
    uint32_t words[WORDS];
    int status;

    if (pid == 0) {
        if (!get(0, words) || words[POLICY_WORD] != SCHED_OTHER)
            _exit(1);
        words[RUNTIME_WORD] = SLICE_NS_MIN;
        words[RUNTIME_WORD + 1] = 0;
        _exit(syscall(SYS_sched_setattr, 0, words, 0) != 0 || slice_ns(0) != SLICE_NS_MIN);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}
