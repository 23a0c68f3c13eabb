/* process.c - the process_* metrics, read from /proc. */
#include "observe/process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Field `number` of /proc/self/stat, counted from 1 as in proc(5); 0 if it cannot be read. */
static double stat_field(int number)
{
    FILE *file = fopen("/proc/self/stat", "re");
    char text[1024], *at;
    double value = 0.0;
    size_t length;

    if (file == NULL)
        return 0.0;
    length = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[length] = '\0';
    at = strrchr(text, ')'); /* field 2, the name, may hold anything up to here */
    for (int field = 2; at != NULL && field < number; field++)
        at = strchr(at + 1, ' ');
    if (at == NULL || sscanf(at, " %lf", &value) != 1)
        return 0.0;
    return value;
}

static double cpu_seconds(void *context)
{
    struct rusage usage;

    (void)context;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double open_fds(void *context)
{
    DIR *directory = opendir("/proc/self/fd");
    double count = 0.0;

    (void)context;
    if (directory == NULL)
        return 0.0;
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count > 3.0 ? count - 3.0 : 0.0; /* not ".", "..", nor the directory itself */
}

static double max_fds(void *context)
{
    struct rlimit limit;

    (void)context;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0.0;
}

static double virtual_bytes(void *context)
{
    (void)context;
    return stat_field(23);
}

static double resident_bytes(void *context)
{
    (void)context;
    return stat_field(24) * (double)sysconf(_SC_PAGESIZE);
}

static double threads(void *context)
{
    (void)context;
    return stat_field(20);
}

/* Seconds since the epoch: now, less the time since boot, plus the start counted from boot. */
static double start_time(void)
{
    struct timespec now, since_boot;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return (double)(now.tv_sec - since_boot.tv_sec) +
           (double)(now.tv_nsec - since_boot.tv_nsec) / 1e9 +
           stat_field(22) / (double)sysconf(_SC_CLK_TCK);
}

/* Worked out once: a clock that is set would move it, and whoever counts its changes counts
 * restarts. */
static bool register_start_time(struct metrics *metrics)
{
    struct metric *metric = metrics_add(metrics, METRIC_GAUGE, "process_start_time_seconds",
                                        "Start time since the Unix epoch.", NULL);

    if (metric != NULL)
        metric_add(metric, (uint64_t)start_time());
    return metric != NULL;
}

bool process_register(struct metrics *metrics)
{
    static const struct {
        enum metric_kind kind;
        const char *name, *help;
        double (*read)(void *context);
    } rows[] = {
        {METRIC_COUNTER, "process_cpu_seconds_total", "User and system CPU time.", cpu_seconds},
        {METRIC_GAUGE, "process_open_fds", "Open file descriptors.", open_fds},
        {METRIC_GAUGE, "process_max_fds", "Limit on open file descriptors.", max_fds},
        {METRIC_GAUGE, "process_virtual_memory_bytes", "Virtual memory size.", virtual_bytes},
        {METRIC_GAUGE, "process_resident_memory_bytes", "Resident memory size.", resident_bytes},
        {METRIC_GAUGE, "process_threads", "Operating system threads.", threads},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (metrics_add_reader(metrics, rows[i].kind, rows[i].name, rows[i].help, rows[i].read,
                               NULL) == NULL)
            return false;
    }
    return register_start_time(metrics);
}
