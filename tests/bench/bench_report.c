/* bench_report.c - the figures of `make bench` as tables. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/bench_results.h"

static double load_average(void)
{
    double average[1] = {0.0};

    (void)getloadavg(average, 1);
    return average[0];
}

void bench_report_machine(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256], model[200] = "unknown CPU";
    struct utsname system;

    while (file != NULL && fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "model name : %199[^\n]", model) != 1)
        continue;
    if (file != NULL)
        (void)fclose(file);
    (void)uname(&system);
    (void)printf("%s, %ld CPUs, %s %s, load %.1f before\n", model, sysconf(_SC_NPROCESSORS_ONLN),
                 system.sysname, system.release, load_average());
}

static void print_loads(const struct bench_results *results, const struct bench_request *requests)
{
    const struct bench_request *request = &requests[BENCH_SMALL];

    for (int load = 0; load < BENCH_LOADS; load++) {
        (void)printf("\n%s (%zu bytes), %u connection%s\n  %-19s %-29s %-29s %-29s %s\n",
                     request->name, request->body_length, bench_connections[load],
                     bench_connections[load] > 1 ? "s" : "", "", "requests/s", "p50 us", "p99 us",
                     "CPU us a request");
        for (int kind = 0; kind < BENCH_SERVERS; kind++) {
            const struct load_figures *figures = &results->loads[load][kind];

            (void)printf("  %-18s", bench_server_name((enum bench_kind_of_server)kind));
            bench_print(&figures->requests_per_s, 0);
            bench_print(&figures->p50_us, 1);
            bench_print(&figures->p99_us, 1);
            bench_print(&figures->cpu_us, 1);
            (void)printf("\n");
        }
    }
}

static void print_larges(const struct bench_results *results, const struct bench_request *requests)
{
    for (int large = 0; large < BENCH_LARGES; large++) {
        const struct bench_request *request = &requests[bench_larges[large]];

        (void)printf("\n%s (%zu bytes), 1 connection\n  %-19s %-29s %-29s %s\n", request->name,
                     request->body_length, "", "GB/s", "p50 ms", "CPU ms a request");
        for (int kind = 0; kind < BENCH_SERVERS; kind++) {
            const struct large_figures *figures = &results->larges[large][kind];

            (void)printf("  %-18s", bench_server_name((enum bench_kind_of_server)kind));
            bench_print(&figures->gb_per_s, 2);
            bench_print(&figures->ms, 1);
            bench_print(&figures->cpu_ms, 1);
            (void)printf("\n");
        }
    }
}

static void print_mixes(const struct bench_results *results, const struct bench_request *requests)
{
    for (int mix = 0; mix < BENCH_MIXES; mix++) {
        (void)printf("\n%s, %d connections, while %s\n  %-19s %-29s %-29s %-29s %s\n",
                     requests[BENCH_SMALL].name, BENCH_MIX_CONNECTIONS,
                     bench_mixes[mix] == BENCH_SMALL ? "nothing else happens"
                                                     : requests[bench_mixes[mix]].name,
                     "", "requests/s", "p50 us", "p99 us", "large ones/s, of 2 connections");
        for (int kind = 0; kind < BENCH_SERVERS; kind++) {
            const struct mix_figures *figures = &results->mixes[mix][kind];

            (void)printf("  %-18s", bench_server_name((enum bench_kind_of_server)kind));
            bench_print(&figures->requests_per_s, 0);
            bench_print(&figures->p50_us, 1);
            bench_print(&figures->p99_us, 1);
            bench_print(&figures->large_per_s, 1);
            (void)printf("\n");
        }
    }
}

/* Lossd's figure as a share of bare libmicrohttpd's, under the request's name. */
static void print_share(const char *request, const char *what, const struct bench_figure *figure,
                        const struct bench_figure *bare, const char *relation, double limit)
{
    struct bench_figure ratio = bench_ratio(figure, bare);
    char name[200];

    (void)snprintf(name, sizeof name, "%s: %s, of bare libmicrohttpd", request, what);
    bench_print_ratio(name, &ratio, relation, limit);
}

static void print_ratios(const struct bench_results *results, const struct bench_request *requests)
{
    char name[120];
    struct bench_figure ratio;

    (void)printf("\n  %-60s %-29s target\n", "ratios, round by round", "median (min..max)");
    for (int load = 0; load < BENCH_LOADS; load++) {
        const struct load_figures *figures = results->loads[load];

        (void)snprintf(name, sizeof name, "%u connection%s", bench_connections[load],
                       bench_connections[load] > 1 ? "s" : "");
        print_share(name, "requests/s", &figures[BENCH_LOSSD].requests_per_s,
                    &figures[BENCH_HTTP].requests_per_s, ">=", 0.8);
        print_share(name, "CPU", &figures[BENCH_LOSSD].cpu_us, &figures[BENCH_HTTP].cpu_us, NULL,
                    0.0);
        print_share(name, "requests/s with 1 loop", &figures[BENCH_LOSSD_LOOP].requests_per_s,
                    &figures[BENCH_HTTP].requests_per_s, NULL, 0.0);
        print_share(name, "CPU with 1 loop", &figures[BENCH_LOSSD_LOOP].cpu_us,
                    &figures[BENCH_HTTP].cpu_us, NULL, 0.0);
    }
    for (int large = 0; large < BENCH_LARGES; large++) {
        const struct large_figures *figures = results->larges[large];
        const char *request = requests[bench_larges[large]].name;

        /* JSON has no target: its numbers are to be read, which no copy compares with. */
        print_share(request, "GB/s", &figures[BENCH_LOSSD].gb_per_s, &figures[BENCH_HTTP].gb_per_s,
                    bench_larges[large] == BENCH_JSON ? NULL : ">=", 0.8);
        print_share(request, "CPU", &figures[BENCH_LOSSD].cpu_ms, &figures[BENCH_HTTP].cpu_ms, NULL,
                    0.0);
    }
    for (int mix = 1; mix < BENCH_MIXES; mix++) {
        (void)snprintf(name, sizeof name, "p99 beside %s, of alone",
                       requests[bench_mixes[mix]].name);
        ratio = bench_ratio(&results->mixes[mix][BENCH_LOSSD].p99_us,
                            &results->mixes[0][BENCH_LOSSD].p99_us);
        bench_print_ratio(name, &ratio, "<=", 3.0);
    }
    bench_print_ratio("memory idle, MB", &results->idle_mb, "<=", 10.0);
    (void)snprintf(name, sizeof name, "memory after %s, of pool_bytes_max",
                   requests[BENCH_SAFETENSORS].name);
    bench_print_ratio(name, &results->after_share, "<=", 1.1);
}

void bench_report(const struct bench_results *results,
                  const struct bench_request requests[BENCH_KINDS], double seconds)
{
    (void)printf("%d rounds, %.3g s for each figure: medians (min..max); load %.1f after\n",
                 BENCH_ROUNDS, seconds, load_average());
    print_loads(results, requests);
    print_larges(results, requests);
    print_mixes(results, requests);
    print_ratios(results, requests);
}
