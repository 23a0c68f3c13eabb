/* bench_requests.h - the requests that `make bench` sends, each whole in memory: head and body. */
#ifndef BENCH_REQUESTS_H
#define BENCH_REQUESTS_H

#include <stddef.h>

enum bench_kind {
    BENCH_SMALL,       /* 1 KB of JSON */
    BENCH_JSON,        /* 1000 x 1000 logits of 17 digits */
    BENCH_SAFETENSORS, /* logits of 64 MiB */
    BENCH_INFER,       /* the same logits by the Open Inference Protocol, as binary tensors */
    BENCH_MEDIUM,      /* logits of 16 MiB, as safetensors */
    BENCH_KINDS
};

struct bench_request {
    const char *name;
    char *bytes;
    size_t length, body_length;
};

/* Make all of them; the program ends if memory runs out. */
void bench_requests_make(struct bench_request requests[BENCH_KINDS]);
void bench_requests_free(struct bench_request requests[BENCH_KINDS]);

#endif
