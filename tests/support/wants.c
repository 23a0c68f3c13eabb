/* wants.c - asking for outputs. */
#include "support/wants.h"

void want_everything(struct loss_request *request)
{
    const struct loss_tensor *x = &request->predictions;
    bool has_indices = !loss_tensor_same_shape(&request->predictions, &request->targets);

    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        request->wants[i] = has_indices || !loss_output_needs_indices((enum loss_output)i);
    if (x->shape[x->rank == 1 ? 0 : 1] > request->confusion_classes_max)
        request->wants[LOSS_OUTPUT_CONFUSION_MATRIX] = false;
}
