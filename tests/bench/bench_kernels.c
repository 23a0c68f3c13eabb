/* bench_kernels.c - nanoseconds per element of an evaluation, for each level of CPU, on one thread.
 *
 * For every shape the fastest of several runs: of the loss alone, and with softmax; beside it what it
 * takes to read the same memory once.  `make bench-kernels` runs it; PYTHON names a Python that has
 * torch, if PyTorch is to be measured in the same run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loss/evaluation.h"
#include "loss/kernel.h"

enum { RUNS = 7, SPOTS = 64 };

static const size_t shapes[][3] = {/* N, C, inner */
                                   {65536, 10, 1},
                                   {65536, 100, 1},
                                   {4096, 1000, 1},
                                   {256, 32000, 1},
                                   {64, 128000, 1},
                                   {16, 19, 512 * 512},
                                   /* four sizes of one kind: cost must grow as the work does */
                                   {512, 1000, 1},
                                   {2048, 1000, 1},
                                   {8192, 1000, 1},
                                   {32768, 1000, 1}};

static double now_s(void)
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

static double read_once_s(const float *x, size_t count)
{
    double best = 1e9;

    for (int run = 0; run < RUNS; run++) {
        float sums[SPOTS] = {0};
        volatile float kept;
        double start = now_s(), took;

        for (size_t i = 0; i + SPOTS <= count; i += SPOTS) {
            for (size_t s = 0; s < SPOTS; s++)
                sums[s] += x[i + s];
        }
        took = now_s() - start;
        kept = sums[0] + sums[SPOTS - 1];
        (void)kept;
        best = took < best ? took : best;
    }
    return best;
}

static double evaluate_s(const struct loss_request *request)
{
    double best = 1e9;

    for (int run = 0; run < RUNS; run++) {
        struct loss_arena arena;
        struct loss_result result;
        struct loss_error error;
        double start = now_s(), took;

        loss_arena_init(&arena, NULL);
        if (loss_evaluate(request, &arena, &result, &error) != LOSS_OK) {
            (void)fprintf(stderr, "bench_kernels: %s\n", error.sentence);
            exit(1);
        }
        took = now_s() - start;
        best = took < best ? took : best;
        loss_arena_reset(&arena);
    }
    return best;
}

static void bench(const size_t *shape)
{
    size_t positions = shape[0] * shape[2], count = positions * shape[1];
    float *x = malloc(count * sizeof *x);
    int64_t *targets = malloc(positions * sizeof *targets);
    unsigned rank = shape[2] > 1 ? 3 : 2;
    struct loss_request request = LOSS_REQUEST_DEFAULTS;

    if (x == NULL || targets == NULL)
        exit(1);
    fill(x, count);
    for (size_t i = 0; i < positions; i++)
        targets[i] = (int64_t)(i * 7919 % shape[1]);
    request.predictions = (struct loss_tensor){
        .dtype = LOSS_FLOAT32, .rank = rank, .shape = {shape[0], shape[1], shape[2]}, .data = x};
    request.targets = (struct loss_tensor){
        .dtype = LOSS_INT64, .rank = rank - 1, .shape = {shape[0], shape[2]}, .data = targets};
    for (int softmax = 0; softmax < 2; softmax++) {
        (void)printf("%6zu %7zu %7zu  %-12s", shape[0], shape[1], shape[2],
                     softmax ? "loss+softmax" : "loss");
        request.wants[LOSS_OUTPUT_SOFTMAX] = softmax;
        for (size_t level = 0; loss_kernel_name(level) != NULL; level++) {
            if (loss_kernel_choose(loss_kernel_name(level)))
                (void)printf(" %9.3f", evaluate_s(&request) * 1e9 / (double)count);
            else
                (void)printf(" %9s", "-");
        }
        (void)printf(" %9.3f\n", read_once_s(x, count) * 1e9 / (double)count);
        (void)fflush(stdout);
    }
    free(targets);
    free(x);
}

int main(void)
{
    (void)printf("ns per element   inner  %-12s", "");
    for (size_t level = 0; loss_kernel_name(level) != NULL; level++)
        (void)printf(" %9s", loss_kernel_name(level));
    (void)printf(" %9s\n     N       C\n", "read once");
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        bench(shapes[i]);
    return 0;
}
