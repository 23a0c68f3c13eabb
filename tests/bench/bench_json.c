/* bench_json.c - what reading and writing a million numbers costs, beside what others take for it.
 *
 * Every contender runs once a round, in turn, on one thread, and its fastest round counts,
 * in CPU time: so other load on the machine hits all of them, and seldom the fastest.
 * Bodies and texts are in memory, and every contender keeps its memory from round to round.
 * `make bench-json` runs it. */
#include "bench/bench_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/request_json.h"
#include "codec/text.h"

enum {
    ROWS = 1000,
    COLUMNS = 1000,
    COUNT = ROWS * COLUMNS,
    ROUNDS = 15,
    TEXT_BYTES = 32 * COUNT,
    KEPT_BYTES = 8 * TEXT_BYTES,
    CONTENDERS_MAX = 4,
};

static double logits[COUNT];
static double read64[COUNT], other64[COUNT];
static float read32[COUNT], other32[COUNT];
static char body[TEXT_BYTES], *written;
static size_t body_length;

static double cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_json: %s\n", what);
    exit(1);
}

/* The sum of four uniform numbers, near enough to a normal distribution of deviation 2. */
static void fill_logits(void)
{
    uint64_t state = 1;

    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0.0;

        for (int k = 0; k < 4; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (double)(state >> 11) * 0x1p-53 - 0.5;
        }
        logits[i] = 3.5 * sum;
    }
}

static void make_body(int digits, const char *comma, const char *dtype)
{
    char *at = body + sprintf(body, "{\"dtype\":\"%s\",\"logits\":[", dtype);

    for (size_t i = 0; i < COUNT; i++) {
        if (i % COLUMNS == 0)
            at += sprintf(at, "%s[", i > 0 ? "," : "");
        at += sprintf(at, "%s%.*g", i % COLUMNS > 0 ? comma : "", digits, logits[i]);
        if (i % COLUMNS == COLUMNS - 1)
            *at++ = ']';
    }
    at += sprintf(at, "],\"targets\":[0");
    for (size_t i = 1; i < ROWS; i++)
        at += sprintf(at, ",%zu", i);
    at += sprintf(at, "]}");
    body_length = (size_t)(at - body);
    memset(at, 0, OTHERS_PADDING);
}

/* Memory that is kept for the next round, as the daemon keeps it for the next request: cut from one
 * block, from its start in every round. */
static struct {
    char *block;
    size_t used;
} kept;

static void *take_kept(void *context, size_t bytes, size_t *granted)
{
    char *taken = kept.block + kept.used;

    (void)context;
    bytes = (bytes + LOSS_ARENA_ALIGNMENT - 1) / LOSS_ARENA_ALIGNMENT * LOSS_ARENA_ALIGNMENT;
    if (KEPT_BYTES - kept.used < bytes)
        return NULL;
    kept.used += bytes;
    *granted = bytes;
    return taken;
}

static void give_kept(void *context, void *block, size_t granted)
{
    (void)context;
    (void)block;
    (void)granted;
}

static const struct loss_arena_source keeper = {take_kept, give_kept, NULL};

static void start_arena(struct loss_arena *arena)
{
    kept.used = 0;
    loss_arena_init(arena, &keeper);
}

/* Read the body into read64 or read32; returns the seconds that it took. */
static double read_lossd(bool single)
{
    static const struct codec_limits limits = {.elements_max = 2 * COUNT,
                                               .envelope_bytes_max = 65536,
                                               .confusion_classes_max = 1000,
                                               .json_depth_max = 32};
    const struct codec_body whole = {.bytes = body, .length = body_length};
    struct codec_request request;
    struct loss_arena arena;
    struct loss_error error;
    double start = cpu_s(), took;

    start_arena(&arena);
    if (request_json_decode(&whole, &limits, &arena, &request, &error) != LOSS_OK)
        die(error.sentence);
    took = cpu_s() - start;
    if (loss_tensor_elements(&request.loss.predictions) != COUNT)
        die("lossd read another number of logits");
    if (single)
        memcpy(read32, request.loss.predictions.data, sizeof read32);
    else
        memcpy(read64, request.loss.predictions.data, sizeof read64);
    loss_arena_reset(&arena);
    return took;
}

/* Write read64 or read32, as a reply is written. */
static double write_lossd(bool single)
{
    const struct loss_tensor tensor = {.dtype = single ? LOSS_FLOAT32 : LOSS_FLOAT64,
                                       .rank = 2,
                                       .shape = {ROWS, COLUMNS},
                                       .data = single ? (const void *)read32 : read64};
    struct loss_arena arena;
    struct text text;
    double start, took;

    start_arena(&arena);
    start = cpu_s();
    text_init(&text, &arena, TEXT_BYTES); /* the others do not grow theirs either */
    text_tensor(&text, &tensor);
    took = cpu_s() - start;
    if (text.failed)
        die("out of memory");
    body_length = text.length;
    loss_arena_reset(&arena);
    return took;
}

/* One of the others, with a reader or a writer. */
struct contender {
    const char *name;
    size_t (*read)(const char *body, size_t length, bool single, void *values);
    size_t (*write)(const void *values, size_t count, bool single, char *text, size_t size);
};

static const struct contender readers[] = {{"simdjson", others_simdjson, NULL},
                                           {"jansson", others_jansson, NULL},
                                           {"strtod", others_strtod, NULL},
                                           {NULL, NULL, NULL}};
static const struct contender writers[] = {
    {"to_chars", NULL, others_to_chars}, {"printf", NULL, others_printf}, {NULL, NULL, NULL}};

/* What a reader reads must be what lossd read, bit by bit. */
static double run(const struct contender *contender, bool single)
{
    double start = cpu_s(), took;
    size_t count;

    if (contender->write != NULL) {
        (void)contender->write(single ? (const void *)read32 : read64, COUNT, single, written,
                               TEXT_BYTES);
        return cpu_s() - start;
    }
    count = contender->read(body, body_length, single, single ? (void *)other32 : other64);
    took = cpu_s() - start;
    if (count != COUNT || (single ? memcmp(read32, other32, sizeof read32)
                                  : memcmp(read64, other64, sizeof read64)) != 0)
        die("the values differ");
    return took;
}

static void keep_least(double *best, double took, int round)
{
    if (round == 0 || took < *best)
        *best = took;
}

static void compare(const struct contender *others, const char *label, bool single)
{
    double best[CONTENDERS_MAX], own = 0.0;

    for (int round = 0; round < ROUNDS; round++) {
        keep_least(&own, others[0].write != NULL ? write_lossd(single) : read_lossd(single), round);
        for (int i = 0; others[i].name != NULL; i++)
            keep_least(&best[i], run(&others[i], single), round);
    }
    (void)printf("%-10s %-8s %9.1f %6.0f", label, single ? "float32" : "float64", own * 1e9 / COUNT,
                 (double)body_length / own / 1e6);
    for (int i = 0; others[i].name != NULL; i++)
        (void)printf(" %9.1f %6.2f", best[i] * 1e9 / COUNT, best[i] / own);
    (void)printf("\n");
    (void)fflush(stdout);
}

static void print_head(const char *label, const struct contender *others)
{
    (void)printf("%-10s %-8s %9s %6s", label, "dtype", "lossd", "MB/s");
    for (int i = 0; others[i].name != NULL; i++)
        (void)printf(" %9s %6s", others[i].name, "ratio");
    (void)printf("\n");
}

int main(void)
{
    static const struct {
        int digits;
        const char *comma, *label;
    } bodies[] = {{17, ",", "17 digits"},
                  {9, ",", "9 digits"},
                  {4, ",", "4 digits"},
                  {17, ", ", "17, spaced"}};

    written = malloc(TEXT_BYTES);
    kept.block = aligned_alloc(LOSS_ARENA_ALIGNMENT, KEPT_BYTES);
    if (written == NULL || kept.block == NULL)
        die("out of memory");
    memset(written, 0, TEXT_BYTES);
    memset(kept.block, 0, KEPT_BYTES);
    fill_logits();
    (void)printf("ns per number of %d x %d; ratio: times lossd; simdjson compiled for %s\n", ROWS,
                 COLUMNS, others_simdjson_level());
    print_head("reading", readers);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        for (int single = 1; single >= 0; single--) {
            make_body(bodies[i].digits, bodies[i].comma, single ? "float32" : "float64");
            compare(readers, bodies[i].label, single);
        }
    }
    print_head("writing", writers);
    for (size_t i = 0; i < COUNT; i++) {
        read32[i] = (float)logits[i];
        read64[i] = logits[i];
    }
    compare(writers, "logits", true);
    compare(writers, "logits", false);
    free(kept.block);
    free(written);
    return 0;
}
