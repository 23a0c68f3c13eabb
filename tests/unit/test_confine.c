/* test_confine.c - calls that confined children try, what becomes of them, and the first step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/confine.h"
#include "support/confined.h"

static int opened; /* a socket from before */

/* 0 or errno of a call that returns -1 when it fails. */
#define TRY(name, call)                  \
    static int name(void)                \
    {                                    \
        return (call) != -1 ? 0 : errno; \
    }

static uint32_t schedule[12] = {sizeof schedule}; /* struct sched_attr: sched_setattr(2) */
static char *const nothing[] = {NULL};
static const struct sockaddr_in somewhere = {.sin_family = AF_INET};
static const struct sockaddr *const address = (const struct sockaddr *)(const void *)&somewhere;

TRY(execute, execve("/bin/true", nothing, nothing))
TRY(execute_at, syscall(SYS_execveat, AT_FDCWD, "/bin/true", nothing, nothing, 0))
TRY(fork_once, fork())
TRY(open_unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(open_inet, socket(AF_INET, SOCK_STREAM, 0))
TRY(open_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
TRY(connect_out, connect(opened, address, sizeof somewhere))
TRY(bind_again, bind(opened, address, sizeof somewhere))
TRY(listen_again, listen(opened, 1))
TRY(trace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(read_parent, process_vm_readv(getppid(), NULL, 0, NULL, 0, 0))
TRY(become_root, setuid(0))
TRY(unshare_all, unshare(CLONE_NEWUSER))
TRY(mount_it, mount("none", "/mnt", "tmpfs", 0, NULL))
TRY(load_bpf, syscall(SYS_bpf, 0, NULL, 0))
TRY(write_file, open("/dev/null", O_WRONLY))
TRY(update_file, open("/dev/null", O_RDWR))
TRY(create_file, open("/tmp/lossd-test-confine", O_RDONLY | O_CREAT, 0600))
TRY(truncate_file, open("/dev/null", O_RDONLY | O_TRUNC))
TRY(append_file, open("/dev/null", O_WRONLY | O_APPEND))
TRY(remove_file, unlink("/tmp/lossd-test-confine"))
TRY(make_directory, mkdir("/tmp/lossd-test-confine", 0700))
TRY(anonymous_file, memfd_create("x", 0))
TRY(rings, syscall(SYS_io_uring_setup, 1, NULL))
TRY(signal_parent, kill(getppid(), 0))
TRY(signal_parent_thread, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(schedule_parent, syscall(SYS_sched_getattr, getppid(), schedule, sizeof schedule, 0))
TRY(see_schedule, syscall(SYS_sched_getattr, 0, schedule, sizeof schedule, 0))
TRY(set_schedule, syscall(SYS_sched_setattr, 0, schedule, 0))
TRY(type_at_terminal, ioctl(0, TIOCSTI, "x"))
TRY(set_option, setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int)))
TRY(new_protocol, setsockopt(opened, IPPROTO_TCP, TCP_ULP, "tls", 3))
TRY(send_at_once, setsockopt(opened, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)))
TRY(read_file, open("/proc/self/stat", O_RDONLY))
TRY(look_at_file, stat("/", &(struct stat){0}))
TRY(random_bytes, getrandom(&(char){0}, 1, 0))
TRY(name_thread, prctl(PR_SET_NAME, "x", 0, 0, 0))
TRY(be_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
TRY(read_limit, getrlimit(RLIMIT_NOFILE, &(struct rlimit){0}))
TRY(set_limit, setrlimit(RLIMIT_CORE, &(struct rlimit){0}))
TRY(wait_a_little, poll(NULL, 0, 1))

static int spawn(void)
{
    return posix_spawn(&(pid_t){0}, "/bin/true", NULL, NULL, nothing, nothing);
}

static void *do_nothing(void *argument)
{
    return argument;
}

static int start_thread(void)
{
    return pthread_create(&(pthread_t){0}, NULL, do_nothing, NULL);
}

static int map(int protection)
{
    return mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ? 0
                                                                                          : errno;
}

static int map_code(void)
{
    return map(PROT_READ | PROT_EXEC);
}

static int protect_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED || mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

static int take_memory(void)
{
    for (size_t size = 1000; size < 100000000; size *= 10) {
        void *block = realloc(malloc(size), 2 * size);

        if (block == NULL)
            return ENOMEM;
        free(block);
    }
    return 0;
}

static int give_up(void)
{
    abort();
}

static const struct attempt attempts[] = {
    {"execve", execute, DIES},
    {"execveat", execute_at, DIES},
    {"posix_spawn", spawn, DIES},
    {"fork", fork_once, DIES},
    {"socket(AF_UNIX)", open_unix, DIES},
    {"socket(AF_INET)", open_inet, DIES},
    {"socket(AF_NETLINK)", open_netlink, DIES},
    {"connect", connect_out, DIES},
    {"bind", bind_again, DIES},
    {"listen", listen_again, DIES},
    {"ptrace", trace, DIES},
    {"process_vm_readv", read_parent, DIES},
    {"setuid", become_root, DIES},
    {"unshare", unshare_all, DIES},
    {"mount", mount_it, DIES},
    {"bpf", load_bpf, DIES},
    {"open for writing", write_file, EPERM},
    {"open for both", update_file, EPERM},
    {"open to create", create_file, EPERM},
    {"open to truncate", truncate_file, EPERM},
    {"open to append", append_file, EPERM},
    {"map code", map_code, EPERM},
    {"make data code", protect_code, EPERM},
    {"one more thread", start_thread, EAGAIN},
    {"unlink", remove_file, ENOSYS},
    {"mkdir", make_directory, ENOSYS},
    {"memfd_create", anonymous_file, ENOSYS},
    {"io_uring_setup", rings, ENOSYS},
    {"kill the parent", signal_parent, ENOSYS},
    {"tgkill the parent", signal_parent_thread, ENOSYS},
    {"schedule the parent", schedule_parent, ENOSYS},
    {"TIOCSTI", type_at_terminal, ENOSYS},
    {"another option of sockets", set_option, ENOSYS},
    {"TCP_ULP", new_protocol, ENOSYS},
    {"be dumpable again", be_dumpable, ENOSYS},
    {"set a limit", set_limit, ENOSYS},
    {"TCP_NODELAY", send_at_once, 0},
    {"open for reading", read_file, 0},
    {"stat", look_at_file, 0},
    {"getrandom", random_bytes, 0},
    {"name a thread", name_thread, 0},
    {"see its schedule", see_schedule, 0},
    {"set its schedule", set_schedule, 0},
    {"read a limit", read_limit, 0},
    {"poll", wait_a_little, 0},
    {"malloc and realloc", take_memory, 0},
    {"abort", give_up, ABORTS},
};

/* ---- children that try ----------------------------------------------------------------------- */

/* Sanitizers, emulators and some containers do without; the first attempt tells. */
static int find_out(void **state)
{
    static const struct attempt none = {"nothing", take_memory, 0};
    static bool possible;

    opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    possible = confined_outcome(&none, false) != REFUSED_TO_CONFINE;
    if (!possible)
        (void)printf("note: nothing can be confined here\n");
    *state = &possible;
    return opened < 0;
}

static void check_all(void **state, bool elsewhere)
{
    const bool *possible = *state;
    size_t wrong = 0;

    if (!*possible)
        skip();
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int got = confined_outcome(&attempts[i], elsewhere);

        if (got != attempts[i].want)
            print_error("%s: want %d, got %d\n", attempts[i].name, attempts[i].want, got);
        wrong += got != attempts[i].want;
    }
    assert_int_equal(wrong, 0);
}

static void what_is_tried_dies_or_fails_or_works(void **state)
{
    check_all(state, false);
}

static void older_threads_are_confined_too(void **state)
{
    check_all(state, true);
}

/* ---- the first step alone -------------------------------------------------------------------- */

static _Noreturn void begin_only(void)
{
    struct loss_error error;
    int status;
    pid_t pid;

    if (!confine_begin(&error))
        _exit(REFUSED_TO_CONFINE);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        _exit(1);
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        _exit(2);
    if (rings() != ENOSYS)
        _exit(3);
    pid = fork(); /* nothing else is refused yet */
    if (pid == 0)
        _exit(open_unix() + write_file() + map_code());
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        _exit(4);
    _exit(confined_outcome_of(status) == 0 ? 0 : 5);
}

static void the_first_step_leaves_starting_possible(void **state)
{
    const bool *possible = *state;
    pid_t pid;
    int status;

    if (!*possible)
        skip();
    pid = fork();
    if (pid == 0)
        begin_only();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(confined_outcome_of(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_tried_dies_or_fails_or_works),
        cmocka_unit_test(older_threads_are_confined_too),
        cmocka_unit_test(the_first_step_leaves_starting_possible),
    };

    return cmocka_run_group_tests(tests, find_out, NULL);
}
