/* differences.c - the recorded calls where lossd does on purpose otherwise than PyTorch. */
#include <string.h>

#include "support/records.h"

#define SMOOTHING_RANGE "a label_smoothing below 0, or NaN, is refused as one above 1 is"
#define ANY_INTEGER     "class indices may have any integer dtype, at any rank"
#define EMPTY_FLOAT     "the dtype of the targets is checked also where there are none"
#define ONE_INDEX       "predictions (C) take one class index, of shape (): PyTorch reads the first of C"
#define WEIGHTS_SHAPE   "weights have shape (C), not just C elements"

enum outcome { COMPUTED, REFUSED };

static const struct record_difference differences[] = {
    {"smoothing -0.5 indices", REFUSED, SMOOTHING_RANGE},
    {"smoothing -0.5 probabilities", REFUSED, SMOOTHING_RANGE},
    {"smoothing nan indices", REFUSED, SMOOTHING_RANGE},
    {"smoothing nan probabilities", REFUSED, SMOOTHING_RANGE},
    {"target dtype int32 (N,C)", COMPUTED, ANY_INTEGER},
    {"target dtype int32 4D", COMPUTED, ANY_INTEGER},
    {"target dtype int32 smoothing", COMPUTED, ANY_INTEGER},
    {"target dtype int16 (N,C)", COMPUTED, ANY_INTEGER},
    {"target dtype int16 4D", COMPUTED, ANY_INTEGER},
    {"target dtype int16 smoothing", COMPUTED, ANY_INTEGER},
    {"target dtype int8 (N,C)", COMPUTED, ANY_INTEGER},
    {"target dtype int8 4D", COMPUTED, ANY_INTEGER},
    {"target dtype int8 smoothing", COMPUTED, ANY_INTEGER},
    {"target dtype uint8 4D", COMPUTED, ANY_INTEGER},
    {"uint8 3D", COMPUTED, ANY_INTEGER},
    {"N=0 int32 target CE none", COMPUTED, ANY_INTEGER},
    {"uint8 smoothing weight mean", COMPUTED, "PyTorch trips over uint8 in one of its two terms"},
    {"uint8 target 156, ignore -100, C=200, smoothing", COMPUTED,
     "labels are compared with ignore_index as int64: 156 is not -100"},
    {"nll_loss same shape float target", COMPUTED,
     "log-probabilities take class probabilities as logits do"},
    {"nll_loss (1,) target (1,)", REFUSED, ONE_INDEX},
    {"nll_loss (3,) target (3,) none", REFUSED, ONE_INDEX},
    {"nll_loss (3,) target (3,) mean", REFUSED, ONE_INDEX},
    {"nll_loss (3,) target (3,) sum", REFUSED, ONE_INDEX},
    {"weight (1,3) 4D", REFUSED, WEIGHTS_SHAPE},
    {"3D weight (3,1)", REFUSED, WEIGHTS_SHAPE},
    {"N=0 float target mean", REFUSED, EMPTY_FLOAT},
    {"N=0 float target sum", REFUSED, EMPTY_FLOAT},
    {"N=0 4D float target mean", REFUSED, EMPTY_FLOAT},
    {"N=0 4D float target sum", REFUSED, EMPTY_FLOAT},
};

const struct record_difference *record_find_difference(const struct record *record)
{
    for (size_t i = 0; i < record_count_differences(); i++) {
        if (strcmp(differences[i].name, record->name) == 0)
            return &differences[i];
    }
    return NULL;
}

bool record_has_deliberate_difference(const struct record *record)
{
    return record_find_difference(record) != NULL;
}

size_t record_count_differences(void)
{
    return sizeof differences / sizeof differences[0];
}
