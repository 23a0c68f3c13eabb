/* bench_daemon.c - lossd end to end, on loopback, beside a bare epoll
 * server and bare libmicrohttpd.
 *
 * The machine may be busy with other things: so every figure is measured in several rounds, in each
 * of which the servers have their turn one after the other, and medians and ratios within a round
 * are what counts.  `make bench` runs it; BENCH_SECONDS is what one measurement takes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench_client.h"
#include "bench/bench_results.h"

const unsigned bench_connections[BENCH_LOADS] = {1, 32, 256};
const enum bench_kind bench_larges[BENCH_LARGES] = {BENCH_SAFETENSORS, BENCH_INFER, BENCH_JSON};
const enum bench_kind bench_mixes[BENCH_MIXES] = {BENCH_SMALL, BENCH_JSON, BENCH_MEDIUM};

struct bench {
    double seconds; /* of one measurement */
    struct bench_request requests[BENCH_KINDS];
    struct bench_reply replies[BENCH_KINDS]; /* lossd's */
    struct bench_results results;
};

static void start(struct bench *bench, struct bench_server *server, enum bench_kind_of_server kind,
                  enum bench_kind request)
{
    bench_server_start(server, kind, &bench->replies[request],
                       bench->requests[BENCH_SAFETENSORS].body_length +
                           bench->requests[BENCH_INFER].body_length);
}

static void measure_load(struct bench *bench, int round, int load, enum bench_kind_of_server kind)
{
    struct load_figures *figures = &bench->results.loads[load][kind];
    struct bench_server server;
    struct bench_load found;
    double cpu_s;

    start(bench, &server, kind, BENCH_SMALL);
    bench_client_many(server.daemon.port, &bench->requests[BENCH_SMALL], bench_connections[load],
                      bench->seconds / 10, &found);
    cpu_s = daemon_cpu_s(&server.daemon);
    bench_client_many(server.daemon.port, &bench->requests[BENCH_SMALL], bench_connections[load],
                      bench->seconds, &found);
    cpu_s = daemon_cpu_s(&server.daemon) - cpu_s;
    bench_server_stop(&server);
    figures->requests_per_s.rounds[round] = (double)found.replies / found.seconds;
    figures->p50_us.rounds[round] = found.p50_us;
    figures->p99_us.rounds[round] = found.p99_us;
    figures->cpu_us.rounds[round] = cpu_s * 1e6 / (double)found.replies;
}

static void measure_large(struct bench *bench, int round, int large, enum bench_kind_of_server kind)
{
    const struct bench_request *request = &bench->requests[bench_larges[large]];
    struct large_figures *figures = &bench->results.larges[large][kind];
    struct bench_server server;
    struct bench_load found;
    double cpu_s;

    start(bench, &server, kind, bench_larges[large]);
    bench_client_one(server.daemon.port, request, 0.0, &found);
    cpu_s = daemon_cpu_s(&server.daemon);
    bench_client_one(server.daemon.port, request, bench->seconds, &found);
    cpu_s = daemon_cpu_s(&server.daemon) - cpu_s;
    bench_server_stop(&server);
    figures->gb_per_s.rounds[round] =
        (double)request->length * (double)found.replies / found.seconds / 1e9;
    figures->ms.rounds[round] = found.p50_us / 1e3;
    figures->cpu_ms.rounds[round] = cpu_s * 1e3 / (double)found.replies;
}

static void measure_mix(struct bench *bench, int round, int mix, enum bench_kind_of_server kind)
{
    struct mix_figures *figures = &bench->results.mixes[mix][kind];
    struct bench_senders *senders = NULL;
    struct bench_server server;
    struct bench_load found;

    start(bench, &server, kind, BENCH_SMALL);
    if (bench_mixes[mix] != BENCH_SMALL)
        senders = bench_senders_start(server.daemon.port, &bench->requests[bench_mixes[mix]],
                                      BENCH_SENDERS);
    bench_client_many(server.daemon.port, &bench->requests[BENCH_SMALL], BENCH_MIX_CONNECTIONS,
                      bench->seconds / 5, &found);
    bench_client_many(server.daemon.port, &bench->requests[BENCH_SMALL], BENCH_MIX_CONNECTIONS,
                      bench->seconds, &found);
    if (senders != NULL)
        figures->large_per_s.rounds[round] = bench_senders_stop(senders);
    bench_server_stop(&server);
    figures->requests_per_s.rounds[round] = (double)found.replies / found.seconds;
    figures->p50_us.rounds[round] = found.p50_us;
    figures->p99_us.rounds[round] = found.p99_us;
}

/* The default of a setting, as `lossd config` prints it. */
static double setting(const char *name)
{
    static const char *const arguments[] = {"config", NULL};
    struct daemon_run run;
    const char *at;
    double value;

    daemon_run(&run, arguments, NULL, "");
    at = strstr(run.out, name);
    value = at != NULL ? strtod(at + strlen(name) + strlen("\": "), NULL) : 0.0;
    daemon_run_free(&run);
    return value;
}

static void measure_memory(struct bench *bench, int round)
{
    struct bench_server server;
    struct bench_reply reply;

    start(bench, &server, BENCH_LOSSD, BENCH_SMALL);
    bench->results.idle_mb.rounds[round] = bench_server_rss_bytes(&server) / 1e6;
    bench_client_ask(server.daemon.port, &bench->requests[BENCH_SAFETENSORS], &reply);
    /* When another request is answered, what belonged to the first has been given back. */
    bench_client_ask(server.daemon.port, &bench->requests[BENCH_SMALL], &reply);
    bench->results.after_mb.rounds[round] = bench_server_rss_bytes(&server) / 1e6;
    bench->results.after_share.rounds[round] =
        bench->results.after_mb.rounds[round] * 1e6 / setting("pool_bytes_max");
    bench_server_stop(&server);
}

/* Each round begins with another server. */
static enum bench_kind_of_server turn(int round, int i)
{
    return (enum bench_kind_of_server)((round + i) % BENCH_SERVERS);
}

static void measure(struct bench *bench, int round)
{
    (void)fprintf(stderr, "bench: round %d of %d\n", round + 1, BENCH_ROUNDS);
    for (int load = 0; load < BENCH_LOADS; load++) {
        for (int i = 0; i < BENCH_SERVERS; i++)
            measure_load(bench, round, load, turn(round, i));
    }
    for (int large = 0; large < BENCH_LARGES; large++) {
        for (int i = 0; i < BENCH_SERVERS; i++)
            measure_large(bench, round, large, turn(round, i));
    }
    for (int mix = 0; mix < BENCH_MIXES; mix++) {
        for (int i = 0; i < BENCH_SERVERS; i++)
            measure_mix(bench, round, mix, turn(round, i));
    }
    measure_memory(bench, round);
}

int main(void)
{
    static struct bench bench;
    const char *seconds = getenv("BENCH_SECONDS");
    struct bench_server server;

    bench.seconds = seconds != NULL ? strtod(seconds, NULL) : 0.5;
    if (bench.seconds <= 0.0) {
        (void)fprintf(stderr, "BENCH_SECONDS is to be a number above 0\n");
        return EXIT_FAILURE;
    }
    bench_report_machine();
    bench_requests_make(bench.requests);
    start(&bench, &server, BENCH_LOSSD, BENCH_SMALL);
    for (int kind = 0; kind < BENCH_KINDS; kind++)
        bench_client_ask(server.daemon.port, &bench.requests[kind], &bench.replies[kind]);
    bench_server_stop(&server);
    for (int round = 0; round < BENCH_ROUNDS; round++)
        measure(&bench, round);
    bench_report(&bench.results, bench.requests, bench.seconds);
    bench_requests_free(bench.requests);
    return EXIT_SUCCESS;
}
