/* bench_kernels.c - nanoseconds per element of an evaluation, for each level of CPU, on one thread.
 *
 * For every shape the fastest run: of the loss alone, with softmax, and with the gradient; beside
 * it what it takes to read the same memory once.  At the end one large request on several threads.
 * What is compared takes turns, for BENCH_RUNS rounds and MEASURE_S at least, as the speed of a shared
 * machine changes from second to second.  `make bench-kernels` runs it; PYTHON names a Python that
 * has torch, if PyTorch is to be measured in the same run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench/bench_kernels.h"
#include "loss/kernel.h"

enum { QUADS = 8, LEVELS_MAX = 8, HUGE_BYTES = 2 * 1024 * 1024 };
#define MEASURE_S 0.5

typedef float quad __attribute__((vector_size(16)));

static const size_t shapes[][3] = {/* N, C, inner */
                                   {65536, 10, 1},
                                   {65536, 100, 1},
                                   {4096, 1000, 1},
                                   {256, 32000, 1},
                                   {64, 128000, 1},
                                   {16, 19, 512 * 512},
                                   {4, 32000, 128},
                                   /* four sizes of one kind: cost must grow as the work does */
                                   {512, 1000, 1},
                                   {2048, 1000, 1},
                                   {8192, 1000, 1},
                                   {32768, 1000, 1}};

double bench_now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The sum of four uniform numbers, near enough to a normal distribution of deviation 2. */
static void fill(float *x, size_t count)
{
    uint64_t state = 1;

    for (size_t i = 0; i < count; i++) {
        double sum = 0.0;

        for (int k = 0; k < 4; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            sum += (double)(state >> 40) * 0x1p-24 - 0.5;
        }
        x[i] = (float)(3.5 * sum);
    }
}

struct kept {
    void *block;
    size_t bytes;
};

static struct kept store[16];

static void *take_kept(void *context, size_t bytes, size_t *granted)
{
    (void)context;
    for (size_t i = 0; i < sizeof store / sizeof store[0]; i++) {
        void *block = store[i].block;

        if (block == NULL || store[i].bytes < bytes || store[i].bytes > 2 * bytes)
            continue;
        store[i].block = NULL;
        *granted = store[i].bytes;
        return block;
    }
    *granted = bytes;
    return aligned_alloc(LOSS_ARENA_ALIGNMENT, bytes);
}

static void give_kept(void *context, void *block, size_t granted)
{
    (void)context;
    for (size_t i = 0; i < sizeof store / sizeof store[0]; i++) {
        if (store[i].block == NULL) {
            store[i] = (struct kept){block, granted};
            return;
        }
    }
    free(block);
}

const struct loss_arena_source bench_keeper = {take_kept, give_kept, NULL};

static void drop_kept(void)
{
    for (size_t i = 0; i < sizeof store / sizeof store[0]; i++) {
        free(store[i].block);
        store[i].block = NULL;
    }
}

/* Sums in registers. */
void bench_read_once(const float *x, size_t count)
{
    quad sums[QUADS] = {{0}};
    volatile quad kept;

    for (size_t i = 0; i + QUADS * 4 <= count; i += QUADS * 4) {
        _Pragma("GCC unroll 16") for (size_t s = 0; s < QUADS; s++)
        {
            quad next;

            memcpy(&next, x + i + s * 4, sizeof next);
            sums[s] += next;
        }
    }
    for (size_t s = 1; s < QUADS; s++)
        sums[0] += sums[s];
    kept = sums[0];
    (void)kept;
}

static double read_once_s(const float *x, size_t count)
{
    double start = bench_now_s();

    bench_read_once(x, count);
    return bench_now_s() - start;
}

static double evaluate_s(const struct loss_request *request)
{
    struct loss_arena arena;
    struct loss_result result;
    struct loss_error error;
    double start = bench_now_s(), took;

    loss_arena_init(&arena, &bench_keeper);
    if (loss_evaluate(request, &arena, &result, &error) != LOSS_OK) {
        (void)fprintf(stderr, "bench_kernels: %s\n", error.sentence);
        exit(1);
    }
    took = bench_now_s() - start;
    loss_arena_reset(&arena);
    return took;
}

void bench_keep_best(double *best, double took)
{
    *best = *best == 0.0 || took < *best ? took : *best;
}

/* In huge pages, where the kernel has them: as the daemon's own blocks (src/server/memory.c). */
static void *take_large(size_t bytes)
{
    size_t whole = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
    void *block = aligned_alloc(HUGE_BYTES, whole);

    if (block != NULL)
        (void)madvise(block, whole, MADV_HUGEPAGE);
    return block;
}

static void make_request(const size_t *shape, struct loss_request *request)
{
    size_t positions = shape[0] * shape[2], count = positions * shape[1];
    float *x = take_large(count * sizeof *x);
    int64_t *targets = malloc(positions * sizeof *targets);
    unsigned rank = shape[2] > 1 ? 3 : 2;

    if (x == NULL || targets == NULL)
        exit(1);
    fill(x, count);
    for (size_t i = 0; i < positions; i++)
        targets[i] = (int64_t)(i * 7919 % shape[1]);
    *request = (struct loss_request)LOSS_REQUEST_DEFAULTS;
    request->predictions = (struct loss_tensor){
        .dtype = LOSS_FLOAT32, .rank = rank, .shape = {shape[0], shape[1], shape[2]}, .data = x};
    request->targets = (struct loss_tensor){
        .dtype = LOSS_INT64, .rank = rank - 1, .shape = {shape[0], shape[2]}, .data = targets};
}

static void free_request(const struct loss_request *request)
{
    drop_kept();
    free((void *)request->predictions.data);
    free((void *)request->targets.data);
}

/* The best time of each level, and of reading once. */
struct best {
    double level_s[LEVELS_MAX], read_once_s;
};

static void measure(const struct loss_request *request, size_t count, struct best *best)
{
    double start = bench_now_s();

    for (int run = 0; run < BENCH_RUNS || bench_now_s() - start < MEASURE_S; run++) {
        for (size_t level = 0; loss_kernel_name(level) != NULL && level < LEVELS_MAX; level++) {
            if (loss_kernel_choose(loss_kernel_name(level)))
                bench_keep_best(&best->level_s[level], evaluate_s(request));
        }
        bench_keep_best(&best->read_once_s, read_once_s(request->predictions.data, count));
    }
}

static void bench(const size_t *shape)
{
    static const char *const kinds[] = {"loss", "loss+softmax", "gradient"};
    size_t count = shape[0] * shape[1] * shape[2];
    struct loss_request request;

    make_request(shape, &request);
    for (int kind = 0; kind < 3; kind++) {
        struct best best = {.read_once_s = 0.0};

        request.wants[LOSS_OUTPUT_SOFTMAX] = kind == 1;
        request.wants[LOSS_OUTPUT_GRADIENT] = kind == 2;
        measure(&request, count, &best);
        (void)printf("%6zu %7zu %7zu  %-12s", shape[0], shape[1], shape[2], kinds[kind]);
        for (size_t level = 0; loss_kernel_name(level) != NULL && level < LEVELS_MAX; level++) {
            if (best.level_s[level] != 0.0)
                (void)printf(" %9.3f", best.level_s[level] * 1e9 / (double)count);
            else
                (void)printf(" %9s", "-");
        }
        (void)printf(" %9.3f\n", best.read_once_s * 1e9 / (double)count);
        (void)fflush(stdout);
    }
    free_request(&request);
}

static void bench_large(void)
{
    static const size_t shape[] = {4096, 32000, 1};
    struct loss_request request;

    make_request(shape, &request);
    (void)loss_kernel_choose("auto");
    bench_threads(&request);
    free_request(&request);
}

/* The loss of one shape on the level that this machine would use: one
 * number, for bench_torch.py. */
static int bench_one(char *const *sizes)
{
    const size_t shape[] = {strtoul(sizes[0], NULL, 10), strtoul(sizes[1], NULL, 10),
                            strtoul(sizes[2], NULL, 10)};
    double best = 0.0, start = bench_now_s();
    struct loss_request request;

    if (shape[0] == 0 || shape[1] == 0 || shape[2] == 0) {
        (void)fputs("usage: bench_kernels [N C INNER]\n", stderr);
        return 2;
    }
    make_request(shape, &request);
    (void)loss_kernel_choose("auto");
    for (int run = 0; run < BENCH_RUNS || bench_now_s() - start < MEASURE_S; run++)
        bench_keep_best(&best, evaluate_s(&request));
    (void)printf("%.4f\n", best * 1e9 / (double)(shape[0] * shape[1] * shape[2]));
    free_request(&request);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return bench_one(argv + 1);
    (void)printf("ns per element   inner  %-12s", "");
    for (size_t level = 0; loss_kernel_name(level) != NULL; level++)
        (void)printf(" %9s", loss_kernel_name(level));
    (void)printf(" %9s\n     N       C\n", "read once");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        bench(shapes[i]);
    bench_large();
    return 0;
}
