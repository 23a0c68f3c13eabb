/* request.h - a decoded request, whatever it was written in, and the limits of decoding. */
#ifndef CODEC_REQUEST_H
#define CODEC_REQUEST_H

#include <stddef.h>

#include "loss/evaluation.h"

struct codec_limits {
    size_t elements_max;          /* of one tensor */
    size_t envelope_bytes_max;    /* of a request's text without its tensors */
    size_t confusion_classes_max; /* most classes of a confusion_matrix */
    unsigned json_depth_max;      /* of arrays and objects; at most LOSS_RANK_MAX */
};

struct codec_request {
    struct loss_request loss;
    enum loss_dtype dtype; /* of the arithmetic */
    const char *id;        /* UTF-8, returned as it came; NULL if none */
};

#endif
