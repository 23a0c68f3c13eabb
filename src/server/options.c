/* options.c - the defaults that depend on the machine. */
#include "server/options.h"

#include <sched.h>
#include <unistd.h>

#include "server/cgroup.h"

/* By default: more would seldom have something to do, and share few connections less evenly. */
enum { LOOPS_MAX = 4 };

struct codec_limits options_codec_limits(const struct server_options *options)
{
    return (struct codec_limits){
        .elements_max = (size_t)options->elements_max,
        .envelope_bytes_max = (size_t)options->envelope_bytes_max,
        .json_depth_max = (unsigned)options->json_depth_max,
        .confusion_classes_max = (size_t)options->confusion_classes_max,
    };
}

/* CPUs by affinity and by the quota of the control group, whichever is less. */
static uint64_t usable_cpus(void)
{
    const struct cgroup own = {NULL, NULL};
    uint64_t cpus = 1, allowed = cgroup_cpus(&own);
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = (uint64_t)CPU_COUNT(&set);
    else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
        cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    cpus = allowed < cpus ? allowed : cpus;
    return cpus > 0 ? cpus : 1;
}

/* Memory by the machine and by the limit of the control group, whichever is less. */
static uint64_t usable_memory_bytes(void)
{
    const struct cgroup own = {NULL, NULL};
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t limit = cgroup_memory_bytes(&own);

    return limit < memory ? limit : memory;
}

void options_resolve(struct server_options *options)
{
    uint64_t cpus = usable_cpus();

    if (options->loops == 0)
        options->loops = cpus < LOOPS_MAX ? cpus : LOOPS_MAX;
    if (options->workers == 0)
        options->workers = cpus;
    if (options->queue_jobs_max == 0)
        options->queue_jobs_max =
            32 * options->workers; /* clients come by the dozen; memory has its own bound */
    if (options->memory_budget_bytes == 0)
        options->memory_budget_bytes = usable_memory_bytes() / 10 * 6;
}
