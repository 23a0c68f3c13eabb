/* torture.c - one call after the other fails in a daemon, alone and with all after
 * it; each time every reply must be right or no reply (row 83), and afterwards all
 * must be as if nothing had been.
 *
 *     torture SHIM [POINTS]
 *
 * POINTS: no more of the calls than so many, evenly spread. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/raw.h"
#include "torture/fail.h"
#include "torture/judge.h"
#include "torture/script.h"

enum {
    REPLY_MS = 5000, /* for a reply, when one call failed: nothing may be lost for ever */
    LOST_MS = 100,   /* when all fail: nobody may be there any more to reply */
    AFTER_MS = 20000,
    INLINE_BYTES = 8192, /* inline_bytes_max by default */
};

struct torture {
    char shim[512], path[64]; /* environment of the daemon */
    struct fail_control *control;
    struct script script;
    struct wanted wanted[SCRIPT_MAX];
    long blocks; /* at the end of a daemon that was not tortured */
    struct verdicts verdicts;
    unsigned long wrong; /* replies, and all else that is */
    struct daemon daemon;
};

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void make_control(struct torture *torture)
{
    int file = memfd_create("control", MFD_CLOEXEC);

    if (file < 0 || ftruncate(file, sizeof *torture->control) != 0)
        give_up("memfd_create");
    torture->control =
        mmap(NULL, sizeof *torture->control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (torture->control == MAP_FAILED)
        give_up("mmap");
    (void)snprintf(torture->path, sizeof torture->path, FAIL_CONTROL "=/proc/%d/fd/%d",
                   (int)getpid(), file);
}

static void complain(struct torture *torture, const char *what, const char *detail)
{
    const struct fail_control *control = torture->control;

    (void)fprintf(stderr, "call %ld (%s) fails%s: %s: %.300s\n", control->fails_at, control->name,
                  control->onward ? ", and all after it" : "", what, detail);
    torture->wrong++;
}

/* ---- the script ------------------------------------------------------------------------------ */

/* Send a request, on this connection as long as it lives, and read its reply. */
static void ask(struct torture *torture, const struct script_request *request, struct raw *raw,
                unsigned patience_ms, struct response *response)
{
    char text[32];

    if (raw->fd < 0)
        raw_open(raw, torture->daemon.port);
    (void)raw_send(raw, request->bytes, request->length); /* it may be cut off before the end */
    raw_read(raw, request->is_bodiless, patience_ms, response);
    if (response->status == 0 || response_header(response, "Connection", text, sizeof text) != NULL)
        raw_close(raw);
}

/* Play the script; when all calls fail, up to the first reply that does not come. */
static void play(struct torture *torture)
{
    bool is_hopeless = torture->control->onward && !torture->control->is_off;
    struct response response = {0};
    struct raw raw = {.fd = -1};

    for (size_t i = 0; i < torture->script.count; i++) {
        const struct script_request *request = &torture->script.requests[i];

        if (daemon_wait(&torture->daemon, 0) != DAEMON_RUNS)
            break;
        ask(torture, request, &raw, is_hopeless ? LOST_MS : REPLY_MS, &response);
        if (response.status == 0 && strcmp(response.failure, "late") == 0) {
            if (is_hopeless)
                break;
            complain(torture, request->name, "no reply");
        } else if (!judge(&torture->verdicts, request, &torture->wanted[i], &response)) {
            (void)fprintf(stderr, "want %ld, got %ld\n", torture->wanted[i].status,
                          response.status);
            complain(torture, request->name, response.body);
        }
    }
    raw_close(&raw);
    response_free(&response);
}

/* ---- a run ----------------------------------------------------------------------------------- */

/* A daemon whose fails_at-th call fails: 0 for none.  It keeps no blocks, so that all are asked
 * for; and requests go to either of two event loops. */
static void start(struct torture *torture, long fails_at, bool onward)
{
    const char *const environment[] = {torture->shim, torture->path, NULL};

    *torture->control = (struct fail_control){.fails_at = fails_at, .onward = onward};
    daemon_start(
        &torture->daemon,
        (const char *const[]){"--loops", "2", "--workers", "2", "--pool-bytes-max", "0", NULL},
        environment);
}

static void check_gauges(struct torture *torture)
{
    static const struct {
        const char *series;
        double want;
    } gauges[] = {{"lossd_in_flight_requests", 1.0},
                  {"lossd_connections", 1.0},
                  {"lossd_queue_jobs", 0.0},
                  {"lossd_workers_busy", 0.0}};
    struct client *client = client_open(torture->daemon.port);

    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        if (!client_wait(client, gauges[i].series, gauges[i].want, gauges[i].want))
            complain(torture, "afterwards", gauges[i].series);
    }
    client_close(client);
}

/* Its end, and what it has kept. */
static void stop(struct torture *torture)
{
    unsigned long refused = torture->verdicts.refused, cut = torture->verdicts.cut;

    torture->control->is_off = 1;
    if (daemon_wait(&torture->daemon, 0) == DAEMON_RUNS) {
        check_gauges(torture);
        play(torture);
        if (torture->verdicts.refused != refused || torture->verdicts.cut != cut)
            complain(torture, "afterwards", "a request is refused");
    }
    if (daemon_wait(&torture->daemon, 0) != DAEMON_RUNS) {
        char *errors = daemon_errors(&torture->daemon), text[80];

        (void)snprintf(text, sizeof text, "the daemon has ended with %d", torture->daemon.status);
        complain(torture, text, errors);
        free(errors);
    }
    if (daemon_stop(&torture->daemon) != 0)
        complain(torture, "the daemon", "does not end as it should");
    else if (torture->blocks != 0 && torture->control->blocks != torture->blocks) {
        char text[80];

        (void)snprintf(text, sizeof text, "%ld blocks, not %ld", torture->control->blocks,
                       torture->blocks);
        complain(torture, "left at the end", text);
    }
}

/* What each request is answered when nothing fails, twice; returns how many calls that took. */
static long learn(struct torture *torture)
{
    struct response response = {0};
    struct raw raw = {.fd = -1};
    long calls = 0;

    start(torture, 0, false);
    for (size_t turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < torture->script.count; i++) {
            struct wanted *wanted = &torture->wanted[i];
            struct zipped body;

            ask(torture, &torture->script.requests[i], &raw, AFTER_MS, &response);
            body = reply_decode(&response);
            if (response.status == 0 || body.bytes == NULL)
                give_up(torture->script.requests[i].name);
            if (turn == 0) {
                *wanted = (struct wanted){response.status, body};
                continue;
            }
            if (!reply_is_same(&body, &wanted->body)) {
                free(wanted->body.bytes);
                wanted->body.bytes = NULL;
            }
            free(body.bytes);
        }
        calls = turn == 0 ? torture->control->calls : calls;
    }
    raw_close(&raw);
    response_free(&response);
    stop(torture);
    torture->blocks = torture->control->blocks;
    return calls;
}

int main(int count, char **arguments)
{
    struct torture torture = {.blocks = 0};
    long calls, step, points = 0, most = count > 2 ? atol(arguments[2]) : LONG_MAX;
    char *path = count < 2 ? NULL : realpath(arguments[1], NULL);

    if (path == NULL || most < 1) {
        (void)fprintf(stderr, "usage: %s SHIM [POINTS]\n", arguments[0]);
        return 2;
    }
    (void)snprintf(torture.shim, sizeof torture.shim, "LD_PRELOAD=%s", path);
    free(path);
    make_control(&torture);
    script_make(&torture.script, INLINE_BYTES);
    calls = learn(&torture);
    torture.verdicts = (struct verdicts){0, 0, 0};
    step = 1 + calls / most;
    for (long n = 1; n <= calls; n += step, points++) {
        for (int onward = 0; onward < 2; onward++) {
            start(&torture, n, onward == 1);
            play(&torture);
            stop(&torture);
        }
    }
    (void)printf(
        "torture: %zu requests, %ld calls that may fail, %ld of them did, alone and with all "
        "after them: %lu replies right, %lu refused, %lu cut, %lu wrong\n",
        torture.script.count, calls, points, torture.verdicts.right, torture.verdicts.refused,
        torture.verdicts.cut, torture.wrong);
    for (size_t i = 0; i < torture.script.count; i++)
        free(torture.wanted[i].body.bytes);
    script_free(&torture.script);
    if (points == 0 || torture.verdicts.right == 0 ||
        torture.verdicts.refused + torture.verdicts.cut == 0) {
        (void)fprintf(stderr, "nothing was tortured\n");
        return 1;
    }
    return torture.wrong != 0;
}
