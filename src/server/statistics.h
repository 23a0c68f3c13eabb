/* statistics.h - what the Open Inference Protocol tells of a model's past.  Any thread. */
#ifndef SERVER_STATISTICS_H
#define SERVER_STATISTICS_H

#include <stdint.h>

#include "codec/infer.h"

struct exchange;

struct statistics;

/* NULL if memory runs out; and NULL may be freed. */
struct statistics *statistics_new(void);
void statistics_free(struct statistics *statistics);

/* Count an inference request that has been answered, and took so long from its headers on. */
void statistics_count(struct statistics *statistics, const struct exchange *exchange,
                      uint64_t duration_ns);

/* Write the statistics of one model, or of all if `model` is NULL; false if memory ran out. */
bool statistics_write(struct text *text, struct statistics *statistics,
                      const struct infer_model *model);

#endif
