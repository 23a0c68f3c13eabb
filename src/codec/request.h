/* request.h - a decoded request, whatever it was written in, and the limits of decoding. */
#ifndef CODEC_REQUEST_H
#define CODEC_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "codec/patience.h"
#include "loss/evaluation.h"

struct codec_limits {
    size_t elements_max;          /* of one tensor */
    size_t envelope_bytes_max;    /* of a request's text without its tensors */
    size_t confusion_classes_max; /* most classes of a confusion_matrix */
    unsigned json_depth_max;      /* of arrays and objects; at most LOSS_RANK_MAX */
};

/* An empty tensor has no bytes, but may have rows or classes, each of which costs time and memory:
 * without a limit of their own, a few bytes of [100000000, 0] would keep the daemon busy.  The
 * product of the other dimensions is at most this, and elements_max. */
enum { CODEC_EMPTY_EXTENT_MAX = 1 << 18 };

/* An option that is given beside the body, in plain text, as in the query of a URL. */
struct codec_option {
    const char *name, *value;
};

enum { CODEC_PADDING = 16 }; /* bytes after a body that must be readable, the first a NUL */

/* What is to be decoded, and for whom. */
struct codec_body {
    const char *bytes;
    size_t length;
    struct patience patience;
    const struct codec_option *query;
    size_t query_count;
    /* Of the Open Inference Protocol alone: */
    enum loss_stage stage; /* what its model takes */
    size_t head_length;    /* bytes of JSON before the tensors, or CODEC_NO_HEAD if all is JSON */
};

#define CODEC_NO_HEAD SIZE_MAX

struct infer_request;

struct codec_request {
    struct loss_request loss;
    enum loss_dtype dtype; /* of numbers whose text does not say it */
    const char *id;        /* UTF-8, returned as it came; NULL if none */
    /* Of the Open Inference Protocol alone: */
    const struct infer_request *infer; /* what its reply is made of; else NULL */
    uint64_t timeout_us;               /* how long the client waits, if it said so; else 0 */
};

#endif
