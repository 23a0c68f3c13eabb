/* widen.c - unsigned class indices to int64. */
#include "codec/widen.h"

#include <inttypes.h>
#include <string.h>

enum { PLACE_BYTES = 128 };

enum loss_status widen_indices(struct loss_tensor *tensor, const char *name, const char *from,
                               size_t bytes, struct loss_arena *arena, struct loss_error *error)
{
    size_t count = loss_tensor_elements(tensor);
    int64_t *wide = loss_arena_take(arena, count, sizeof *wide);
    char where[PLACE_BYTES], place[PLACE_BYTES];

    if (wide == NULL)
        return loss_fail_memory(error);
    for (size_t i = 0; i < count; i++) {
        uint64_t value = 0;

        memcpy(&value, from + i * bytes, bytes);
        if (value > INT64_MAX)
            return loss_fail(error, LOSS_TARGET_OUT_OF_RANGE,
                             loss_tensor_pointer(tensor, name, i, where, sizeof where),
                             "%s is %" PRIu64 ", but there are not that many classes",
                             loss_tensor_place(tensor, name, i, place, sizeof place), value);
        wide[i] = (int64_t)value;
    }
    tensor->data = wide;
    return LOSS_OK;
}
