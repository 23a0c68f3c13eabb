/* parts.h - what a reply consists of, in whichever form it came: tensors by their names, decoded
 * here without any of lossd's own code. */
#ifndef SUPPORT_PARTS_H
#define SUPPORT_PARTS_H

#include <jansson.h>
#include <stddef.h>

#include "support/response.h"

enum { PART_NAME_BYTES = 64, PART_RANK_MAX = 8, PARTS_MAX = 40 };

struct part {
    char name[PART_NAME_BYTES]; /* a column of a table as "ece_bins.count" */
    char type;                  /* 'f' float32, 'd' float64, 'i' int64; '?' JSON does not tell */
    unsigned rank;
    size_t shape[PART_RANK_MAX];
    size_t count;
    double *values;
};

struct parts {
    struct part items[PARTS_MAX];
    size_t count;
};

/* Each fails the test if the reply is not well-formed in the last detail. */
void parts_of_json(struct parts *parts, const json_t *reply);
void parts_of_file(struct parts *parts, const struct response *response); /* safetensors */
/* Of the Open Inference Protocol; all outputs are in JSON or all are binary, as told. */
void parts_of_inference(struct parts *parts, const struct response *response, bool is_binary);

void parts_free(struct parts *parts);

/* The first difference between `got` and typed `want`, bit by bit, as a sentence in text[size];
 * NULL if there is none.  A NaN is a NaN. */
const char *parts_difference(const struct parts *got, const struct parts *want, char *text,
                             size_t size);

#endif
