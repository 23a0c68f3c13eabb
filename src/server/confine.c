/* confine.c - what the running daemon gives up, by libseccomp. */
#include "server/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A sanitizer looks for leaks by stopping and tracing the process as it ends, and reads memory maps
 * and symbols as it reports: its builds cannot be confined, and do not try. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#endif
#ifndef HAS_SANITIZER
#define HAS_SANITIZER 0
#endif

/* A call; and, if its arguments matter, what one or two of them have to be. */
struct rule {
    int call; /* libseccomp leaves out those that the architecture does not have */
    uint32_t action;
    unsigned conditions;
    struct scmp_arg_cmp condition[2];
};

/* clang-format off */
#define RULE(name, action, count, ...) {SCMP_SYS(name), action, count, {__VA_ARGS__}}
#define ALLOW(name)         RULE(name, SCMP_ACT_ALLOW, 0, {0})
#define KILL(name)          RULE(name, SCMP_ACT_KILL_PROCESS, 0, {0})
#define IS(argument, value) {argument, SCMP_CMP_EQ, value, 0}
#define HAS(argument, mask, value) {argument, SCMP_CMP_MASKED_EQ, mask, value}

/* O_CREAT and O_TRUNC change files that are opened for reading, too. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC)

static const struct rule rules[] = {
    /* sockets, descriptors, events */
    ALLOW(read), ALLOW(readv), ALLOW(write), ALLOW(writev), ALLOW(recvfrom), ALLOW(recvmsg),
    ALLOW(sendto), ALLOW(sendmsg), ALLOW(shutdown), ALLOW(close), ALLOW(dup), ALLOW(lseek),
    ALLOW(accept), ALLOW(accept4), ALLOW(getsockopt), ALLOW(getsockname), ALLOW(getpeername),
    ALLOW(poll), ALLOW(ppoll), ALLOW(epoll_wait), ALLOW(epoll_pwait), ALLOW(epoll_ctl),
    RULE(fcntl, SCMP_ACT_ALLOW, 1, IS(1, F_GETFD)),
    RULE(fcntl, SCMP_ACT_ALLOW, 1, IS(1, F_SETFD)),
    RULE(fcntl, SCMP_ACT_ALLOW, 1, IS(1, F_GETFL)),
    RULE(fcntl, SCMP_ACT_ALLOW, 1, IS(1, F_SETFL)),
    RULE(ioctl, SCMP_ACT_ALLOW, 1, IS(1, FIONBIO)),
    RULE(setsockopt, SCMP_ACT_ALLOW, 2, IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)),
    RULE(setsockopt, SCMP_ACT_ALLOW, 2, IS(1, IPPROTO_TCP), IS(2, TCP_CORK)),
    RULE(setsockopt, SCMP_ACT_ALLOW, 2, IS(1, SOL_SOCKET), IS(2, SO_ATTACH_FILTER)),

    /* files, to read: /proc for metrics and for malloc, and what is loaded again */
    RULE(openat, SCMP_ACT_ALLOW, 1, HAS(2, WRITES, O_RDONLY)),
    RULE(openat, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, O_ACCMODE, O_WRONLY)),
    RULE(openat, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, O_ACCMODE, O_RDWR)),
    RULE(openat, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, O_CREAT, O_CREAT)),
    RULE(openat, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, O_TRUNC, O_TRUNC)),
    ALLOW(fstat), ALLOW(newfstatat), ALLOW(statx), ALLOW(getdents64),

    /* memory, never executable */
    ALLOW(brk), ALLOW(munmap), ALLOW(mremap), ALLOW(madvise),
    RULE(mmap, SCMP_ACT_ALLOW, 1, HAS(2, PROT_EXEC, 0)),
    RULE(mmap, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, PROT_EXEC, PROT_EXEC)),
    RULE(mprotect, SCMP_ACT_ALLOW, 1, HAS(2, PROT_EXEC, 0)),
    RULE(mprotect, SCMP_ACT_ERRNO(EPERM), 1, HAS(2, PROT_EXEC, PROT_EXEC)),

    /* threads: the last lines of their start, what they wait with, and their end */
    ALLOW(futex), ALLOW(sched_yield), ALLOW(sched_getaffinity), ALLOW(set_robust_list), ALLOW(rseq),
    ALLOW(gettid), ALLOW(exit), RULE(prctl, SCMP_ACT_ALLOW, 1, IS(0, PR_SET_NAME)),
    RULE(sched_getattr, SCMP_ACT_ALLOW, 1, IS(0, 0)), /* their own (turns.h) */
    RULE(sched_setattr, SCMP_ACT_ALLOW, 1, IS(0, 0)),
    RULE(clone, SCMP_ACT_ERRNO(EAGAIN), 1, HAS(0, CLONE_THREAD, CLONE_THREAD)),

    /* signals and the process; abort() among them */
    ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(rt_sigreturn), ALLOW(restart_syscall),
    ALLOW(getpid), ALLOW(exit_group), ALLOW(getrusage), ALLOW(getrandom), ALLOW(uname),
    RULE(prlimit64, SCMP_ACT_ALLOW, 2, IS(0, 0), IS(2, 0)), ALLOW(getrlimit),

    /* clocks, where they cannot be read without a call */
    ALLOW(clock_gettime), ALLOW(clock_getres), ALLOW(gettimeofday), ALLOW(time),
    ALLOW(nanosleep), ALLOW(clock_nanosleep),

    /* what only an attacker would do */
    KILL(execve), KILL(execveat), KILL(fork), KILL(vfork),
    RULE(clone, SCMP_ACT_KILL_PROCESS, 1, HAS(0, CLONE_THREAD, 0)),
    KILL(socket), KILL(socketpair), KILL(connect), KILL(bind), KILL(listen),
    KILL(ptrace), KILL(process_vm_readv), KILL(process_vm_writev), KILL(pidfd_getfd), KILL(kcmp),
    KILL(setuid), KILL(setgid), KILL(setreuid), KILL(setregid), KILL(setresuid), KILL(setresgid),
    KILL(setgroups), KILL(capset), KILL(chroot), KILL(pivot_root), KILL(mount), KILL(umount2),
    KILL(unshare), KILL(setns), KILL(bpf), KILL(perf_event_open), KILL(userfaultfd), KILL(keyctl),
    KILL(add_key), KILL(request_key), KILL(init_module), KILL(finit_module), KILL(delete_module),
    KILL(kexec_load), KILL(personality), KILL(reboot),
};
/* clang-format on */

static bool refused(struct loss_error *error, const char *what, int number)
{
    return loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%s: %s", what, strerror(number)) == LOSS_OK;
}

/* Load what was made, for all threads of the process; free it either way. */
static bool load(scmp_filter_ctx filter, struct loss_error *error)
{
    int status = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (status == 0)
        status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    /* Nobody else's code runs in this process, so guessing branches may stay as fast as it is. */
    if (status == 0)
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    if (status == 0)
        status = seccomp_load(filter);
    seccomp_release(filter);
    return status == 0 || refused(error, "no filter for system calls", -status);
}

bool confine_begin(struct loss_error *error)
{
    scmp_filter_ctx filter;

    if (HAS_SANITIZER)
        return refused(error, "a build with a sanitizer", ENOTSUP);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(error, "no-new-privs", errno);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused(error, "no core files", errno);
    filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return refused(error, "no filter for system calls", ENOMEM);
    (void)seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(io_uring_setup), 0);
    return load(filter, error);
}

bool confine_complete(struct loss_error *error)
{
    const struct scmp_arg_cmp ourselves = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int status;

    if (filter == NULL)
        return refused(error, "no filter for system calls", ENOMEM);
    status = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &ourselves);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && status == 0; i++)
        status = seccomp_rule_add_array(filter, rules[i].action, rules[i].call, rules[i].conditions,
                                        rules[i].condition);
    if (status == 0)
        return load(filter, error);
    seccomp_release(filter);
    return refused(error, "no filter for system calls", -status);
}
