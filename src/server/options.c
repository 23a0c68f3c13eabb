/* options.c - the defaults that depend on the machine. */
#include "server/options.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct codec_limits options_codec_limits(const struct server_options *options)
{
    return (struct codec_limits){
        .elements_max = (size_t)options->elements_max,
        .envelope_bytes_max = (size_t)options->envelope_bytes_max,
        .json_depth_max = (unsigned)options->json_depth_max,
        .confusion_classes_max = (size_t)options->confusion_classes_max,
    };
}

/* The two numbers at the start of a file of /sys/fs/cgroup; the first may be the word "max", which
 * leaves it as it is.  False if the file is not there. */
static int read_numbers(const char *path, uint64_t *first, uint64_t *second)
{
    FILE *file = fopen(path, "re");
    char text[64] = "";
    unsigned long long a, b;
    int count = 0;

    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) != NULL)
        count = sscanf(text, "%llu %llu", &a, &b);
    (void)fclose(file);
    if (count >= 1)
        *first = a;
    if (count >= 2)
        *second = b;
    return count;
}

/* CPUs by affinity and by the quota of the control group (version 2), whichever is less. */
static uint64_t usable_cpus(void)
{
    uint64_t cpus = 1, quota = 0, period = 0;
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = (uint64_t)CPU_COUNT(&set);
    else if (sysconf(_SC_NPROCESSORS_ONLN) > 0)
        cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (read_numbers("/sys/fs/cgroup/cpu.max", &quota, &period) == 2 && period > 0) {
        uint64_t allowed = (quota + period - 1) / period;

        if (allowed < cpus)
            cpus = allowed;
    }
    return cpus > 0 ? cpus : 1;
}

/* Memory by the machine and by the limit of the control group, whichever is less. */
static uint64_t usable_memory_bytes(void)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t limit, unused;

    if (read_numbers("/sys/fs/cgroup/memory.max", &limit, &unused) >= 1 && limit < memory)
        memory = limit;
    return memory;
}

void options_resolve(struct server_options *options)
{
    if (options->workers == 0)
        options->workers = usable_cpus();
    if (options->queue_jobs_max == 0)
        options->queue_jobs_max =
            32 * options->workers; /* clients come by the dozen; memory has its own bound */
    if (options->memory_budget_bytes == 0)
        options->memory_budget_bytes = usable_memory_bytes() / 10 * 6;
}
