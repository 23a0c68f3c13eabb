/* tensors.h - nested arrays of numbers, read from a text of their own. */
#ifndef SUPPORT_TENSORS_H
#define SUPPORT_TENSORS_H

#include "codec/tensor_json.h"

/* Short names, for tables; and a limit that no test reaches by accident. */
enum {
    F32 = TENSOR_JSON_FLOAT32,
    F64 = TENSOR_JSON_FLOAT64,
    TARGETS = TENSOR_JSON_TARGETS,
    ELEMENTS_MAX = 1000000,
};

/* Read `text`, which lies in a block that ends with its padding, as the member "logits"; *after is
 * how far that went. */
enum loss_status tensor_read(const char *text, int mode, size_t elements_max,
                             struct loss_arena *arena, struct tensor_json *read,
                             struct loss_error *error, size_t *after);

#endif
