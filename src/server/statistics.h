/* statistics.h - what the Open Inference Protocol tells of a model's past.  The loop thread's. */
#ifndef SERVER_STATISTICS_H
#define SERVER_STATISTICS_H

#include <stdint.h>

#include "codec/infer.h"

struct exchange;

enum { STATISTICS_MODELS_MAX = 8 };

struct statistics_duration {
    uint64_t count, ns;
};

struct statistics_of_model {
    uint64_t rows, executions, last_inference_ms; /* since 1970 */
    struct statistics_duration success, fail, queue, decode, evaluate, encode;
};

struct statistics {
    struct statistics_of_model models[STATISTICS_MODELS_MAX]; /* in the order of infer_model_at */
};

/* Count an inference request that has been answered, and took so long from its headers on. */
void statistics_count(struct statistics *statistics, const struct exchange *exchange,
                      uint64_t duration_ns);

/* Write the statistics of one model, or of all if `model` is NULL; false if memory ran out. */
bool statistics_write(struct text *text, const struct statistics *statistics,
                      const struct infer_model *model);

#endif
