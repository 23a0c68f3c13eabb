/* fail.c - the n-th call that may fail, fails, in a daemon that this library is preloaded into; and
 * blocks that are never given back are counted.
 *
 * Each fails as the kernel would have it: no memory, no descriptors, a peer that is gone, a
 * signal.  EPOLL_CTL_DEL is spared, on which libmicrohttpd gives up by design: it cannot fail
 * for a descriptor that is there.  So are the few descriptors that libuv watches from the
 * start, and cannot do without. */
#include "torture/fail.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Until the page is mapped, this one counts blocks. */
static struct fail_control early = {.is_off = 1};
static struct fail_control *control = &early;

/* Looking up a name may allocate, so the heap has its names of old. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

#define REAL(name) ((__typeof__(&(name)))(size_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv(FAIL_CONTROL);
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    struct fail_control *page = MAP_FAILED;

    if (file >= 0)
        page = REAL(mmap)(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED)
        abort();
    (void)close(file);
    page->blocks = early.blocks;
    control = page;
}

/* Whether this call is to fail; errno is set then. */
static bool fails(const char *name, int error)
{
    long call, fails_at;

    if (control->is_off || !control->armed)
        return false;
    call = ++control->calls;
    fails_at = control->fails_at;
    if (fails_at == 0 || (control->onward ? call < fails_at : call != fails_at))
        return false;
    /* What a signal interrupted is tried again at once, so it must not be so for ever. */
    if (error == EINTR && (call - fails_at) % 2 != 0)
        return false;
    if (control->failed++ == 0)
        strncpy(control->name, name, sizeof control->name - 1);
    errno = error;
    return true;
}

static void *counted(void *block)
{
    if (block != NULL)
        control->blocks++;
    return block;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *malloc(size_t bytes)
{
    return fails("malloc", ENOMEM) ? NULL : counted(__libc_malloc(bytes));
}

void *calloc(size_t count, size_t size)
{
    return fails("calloc", ENOMEM) ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t bytes)
{
    void *moved;

    if (fails("realloc", ENOMEM))
        return NULL;
    moved = __libc_realloc(block, bytes);
    if (block == NULL)
        return counted(moved);
    if (bytes == 0)
        control->blocks--;
    return moved;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails("aligned_alloc", ENOMEM) ? NULL : counted(__libc_memalign(alignment, bytes));
}

void free(void *block)
{
    if (block != NULL)
        control->blocks--;
    __libc_free(block);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int file, off_t offset)
{
    void *block;

    if (fails("mmap", ENOMEM))
        return MAP_FAILED;
    block = REAL(mmap)(address, bytes, protection, flags, file, offset);
    if (block != MAP_FAILED)
        control->blocks++;
    return block;
}

int munmap(void *block, size_t bytes)
{
    control->blocks--;
    return REAL(munmap)(block, bytes);
}

/* ---- sockets and descriptors ----------------------------------------------------------------- */

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
    int file = fails("accept4", EMFILE) ? -1 : REAL(accept4)(listener, address, length, flags);

    if (file >= 0)
        control->armed = 1;
    return file;
}

ssize_t recv(int file, void *bytes, size_t count, int flags)
{
    return fails("recv", ECONNRESET) ? -1 : REAL(recv)(file, bytes, count, flags);
}

ssize_t send(int file, const void *bytes, size_t count, int flags)
{
    return fails("send", ENOBUFS) ? -1 : REAL(send)(file, bytes, count, flags);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
    return fails("sendmsg", ENOBUFS) ? -1 : REAL(sendmsg)(file, message, flags);
}

int setsockopt(int file, int level, int name, const void *value, socklen_t length)
{
    return fails("setsockopt", ENOBUFS) ? -1 : REAL(setsockopt)(file, level, name, value, length);
}

int epoll_ctl(int epoll, int operation, int file, struct epoll_event *event)
{
    int type;
    socklen_t length = sizeof type;

    if (operation != EPOLL_CTL_DEL && getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
        fails("epoll_ctl", ENOMEM))
        return -1;
    return REAL(epoll_ctl)(epoll, operation, file, event);
}

ssize_t read(int file, void *bytes, size_t count)
{
    return fails("read", EINTR) ? -1 : REAL(read)(file, bytes, count);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    return fails("write", EINTR) ? -1 : REAL(write)(file, bytes, count);
}
