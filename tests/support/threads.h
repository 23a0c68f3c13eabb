/* threads.h - the threads of a process, as the kernel lists them. */
#ifndef SUPPORT_THREADS_H
#define SUPPORT_THREADS_H

#include <stddef.h>
#include <sys/types.h>

/* Write the first `room` of them to `threads`; how many there are, 0 if there is no such process. */
size_t threads_of(pid_t process, pid_t *threads, size_t room);

#endif
