/* cgroup.h - what the control group of this process allows it, by version 2 or version 1 of them.
 *
 * Every group above counts as well.  In a container its own group often is the root of what can be
 * seen, whatever its path is outside; a path that is not there is passed over for that reason. */
#ifndef SERVER_CGROUP_H
#define SERVER_CGROUP_H

#include <stdint.h>

/* Where to look: NULL for /proc/self/cgroup and /sys/fs/cgroup; tests have their own. */
struct cgroup {
    const char *membership;
    const char *mount;
};

/* The most memory; UINT64_MAX for no limit. */
uint64_t cgroup_memory_bytes(const struct cgroup *cgroup);

/* The CPUs that the quota is worth, rounded up; UINT64_MAX for no quota. */
uint64_t cgroup_cpus(const struct cgroup *cgroup);

#endif
