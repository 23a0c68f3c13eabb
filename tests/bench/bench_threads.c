/* bench_threads.c - one large request on several threads, beside several threads that read it. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bench_kernels.h"
#include "loss/kernel.h"

enum { THREADS_MAX = 64 };
#define MEASURE_S 2.0

/* Work in pieces, for threads that take the next until there is none: some that follow each other,
 * as many as the daemon's workers would (src/server/workers.c). */
struct work {
    void (*run)(const void *argument, size_t piece);
    const void *argument;
    size_t pieces, threads;
    pthread_mutex_t lock;
    size_t next; /* guarded by it */
};

static void *run_pieces(void *argument)
{
    struct work *work = argument;
    size_t piece = 0, end;

    while (piece < work->pieces) {
        (void)pthread_mutex_lock(&work->lock);
        piece = work->next;
        end = piece;
        if (piece < work->pieces)
            end += 1 + (work->pieces - piece) / (4 * (work->threads + 1));
        work->next = end;
        (void)pthread_mutex_unlock(&work->lock);
        for (; piece < end; piece++)
            work->run(work->argument, piece);
    }
    return NULL;
}

static void share(struct work *work)
{
    pthread_t others[THREADS_MAX];

    for (size_t t = 1; t < work->threads; t++) {
        if (pthread_create(&others[t], NULL, run_pieces, work) != 0)
            exit(1);
    }
    (void)run_pieces(work);
    for (size_t t = 1; t < work->threads; t++)
        (void)pthread_join(others[t], NULL);
}

static void run_block(const void *argument, size_t block)
{
    loss_plan_run(*(struct loss_plan *const *)argument, block);
}

static double evaluate_threads_s(const struct loss_request *request, size_t threads)
{
    struct loss_plan *plan;
    struct work work = {run_block, &plan, 0, threads, PTHREAD_MUTEX_INITIALIZER, 0};
    struct loss_arena arena;
    struct loss_result result;
    struct loss_error error;
    double start = bench_now_s(), took;

    loss_arena_init(&arena, &bench_keeper);
    if (loss_plan_new(request, &arena, &plan, &error) != LOSS_OK)
        exit(1);
    work.pieces = loss_plan_blocks(plan);
    share(&work);
    if (loss_plan_finish(plan, &result, &error) != LOSS_OK)
        exit(1);
    took = bench_now_s() - start;
    loss_arena_reset(&arena);
    return took;
}

static void read_row(const void *argument, size_t row)
{
    const struct loss_tensor *x = argument;
    size_t classes = (size_t)x->shape[1];

    bench_read_once((const float *)x->data + row * classes, classes);
}

static double read_threads_s(const struct loss_request *request, size_t threads)
{
    const struct loss_tensor *x = &request->predictions;
    struct work work = {read_row, x, (size_t)x->shape[0], threads, PTHREAD_MUTEX_INITIALIZER, 0};
    double start = bench_now_s();

    share(&work);
    return bench_now_s() - start;
}

static void print(const char *what, const double *best, long usable)
{
    (void)printf("%-12s", what);
    for (long threads = 1; threads <= usable; threads *= 2)
        (void)printf(" %ld thread%s %.1f ms (%.2f x)", threads, threads > 1 ? "s" : "",
                     best[threads] * 1e3, best[1] / best[threads]);
    (void)printf("\n");
}

void bench_threads(const struct loss_request *request)
{
    long usable = sysconf(_SC_NPROCESSORS_ONLN);
    double loss[THREADS_MAX + 1] = {0}, reading[THREADS_MAX + 1] = {0}, start = bench_now_s();

    usable = usable < THREADS_MAX ? usable : THREADS_MAX;
    for (int run = 0; run < BENCH_RUNS || bench_now_s() - start < MEASURE_S; run++) {
        for (long threads = 1; threads <= usable; threads *= 2) {
            bench_keep_best(&loss[threads], evaluate_threads_s(request, (size_t)threads));
            bench_keep_best(&reading[threads], read_threads_s(request, (size_t)threads));
        }
    }
    (void)printf("one request of (%llu,%llu) on %s\n",
                 (unsigned long long)request->predictions.shape[0],
                 (unsigned long long)request->predictions.shape[1], loss_kernel_current());
    print("loss", loss, usable);
    print("read once", reading, usable);
}
