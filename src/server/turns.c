/* turns.c - threads that have much to do let others run in between. */
#include "server/turns.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server/clock.h"

enum { SLICE_NS = 100000 }; /* the least that Linux has */

/* As the kernel has it since 3.14; the C library has it since glibc 2.41 only. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns;
};

static _Thread_local uint64_t turn_ns; /* 0: this thread takes no turns */
static _Thread_local uint64_t begun_ns;

static bool get(struct attributes *own)
{
    return syscall(SYS_sched_getattr, 0, own, sizeof *own, 0) == 0;
}

void turns_join(uint64_t length_ns)
{
    struct attributes own = {.size = sizeof own};

    if (!get(&own) || own.policy != SCHED_OTHER)
        return;
    own.runtime_ns = SLICE_NS;
    if (syscall(SYS_sched_setattr, 0, &own, 0) != 0)
        return;
    if (get(&own) && own.runtime_ns == SLICE_NS) /* older kernels ignore it */
        turn_ns = length_ns;
    turns_begin(clock_now_ns());
}

void turns_begin(uint64_t now_ns)
{
    begun_ns = now_ns;
}

uint64_t turns_give_way(uint64_t now_ns)
{
    if (turn_ns == 0 || now_ns - begun_ns < turn_ns)
        return now_ns;
    (void)sched_yield();
    turns_begin(clock_now_ns());
    return begun_ns;
}
