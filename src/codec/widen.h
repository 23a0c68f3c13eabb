/* widen.h - class indices of unsigned types that libloss has not, to the one it has. */
#ifndef CODEC_WIDEN_H
#define CODEC_WIDEN_H

#include "loss/arena.h"
#include "loss/status.h"
#include "loss/tensor.h"

/* Make tensor->data, which is called `name`, int64 in the arena, from unsigned integers of `bytes`
 * bytes each, up to 8 and little-endian: LOSS_TARGET_OUT_OF_RANGE, LOSS_OUT_OF_MEMORY. */
enum loss_status widen_indices(struct loss_tensor *tensor, const char *name, const char *from,
                               size_t bytes, struct loss_arena *arena, struct loss_error *error);

#endif
