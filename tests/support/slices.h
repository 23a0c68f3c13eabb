/* slices.h - the slices of CPU that the kernel has for threads, as it tells them. */
#ifndef SUPPORT_SLICES_H
#define SUPPORT_SLICES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SLICE_NS_MIN = 100000 };

/* That of a thread, 0 for this one, in nanoseconds; 0 if the kernel does not tell: it does since
 * Linux 6.12, outside of some sandboxes. */
uint64_t slice_ns(pid_t thread);

/* Whether a process may have the shortest one here, and is scheduled as most are, so that lossd
 * would ask for it. */
bool slices_can_be_short(void);

#endif
