/* tensor_reading_internal.h - a tensor that is being read, shared by tensor_json.c, which knows
 * arrays, and tensor_element.c, which knows what stands in them. */
#ifndef CODEC_TENSOR_READING_INTERNAL_H
#define CODEC_TENSOR_READING_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/tensor_json.h"

/* A slot of targets: int64 until the first number that is none, float64 from then on. */
union slot {
    int64_t integer;
    double real;
};

struct reading {
    struct scanner *scanner;
    struct loss_arena *arena;
    struct tensor_json *result;
    enum tensor_json_mode mode;
    size_t size; /* bytes of an element */
    size_t elements_max;
    void *data;
    size_t count, capacity;
    const char *start;             /* of the tensor's text */
    const char *asked;             /* how far it was read when patience was asked */
    bool integers;                 /* targets: all so far */
    unsigned depth;                /* arrays of this tensor open around scanner->at */
    int leaf;                      /* the depth at which numbers stand; UNKNOWN before the first */
    bool closed[LOSS_RANK_MAX];    /* whether an array of this depth is complete, */
    size_t extent[LOSS_RANK_MAX];  /* and its length */
    size_t counted[LOSS_RANK_MAX]; /* elements so far of the open array of each depth */
};

/* Read the element at scanner->at, and the usual ones that follow it in its array. */
enum loss_status tensor_read_element(struct reading *reading);

/* The element that is being read is not what it must be: its place and two phrases. */
enum loss_status tensor_fail_here(const struct reading *reading, enum loss_status status,
                                  const char *found, const char *expected);

#endif
