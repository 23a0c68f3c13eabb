/* example_libloss.c - libloss in ten lines, linked with libm alone: the mean loss of three rows. */
#include <stdio.h>

#include "loss/evaluation.h"

int main(void)
{
    const double logits[3][5] = {{13, 3, 2, 5, 1}, {1, 8, 20, 2, 3}, {1, 14, 3, 5, 3}};
    const int64_t labels[3] = {0, 2, 1};
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct loss_result result;
    struct loss_error error = {.status = LOSS_OK};
    struct loss_arena arena;

    loss_arena_init(&arena, NULL);
    request.predictions = (struct loss_tensor){LOSS_FLOAT64, 2, {3, 5}, logits};
    request.targets = (struct loss_tensor){LOSS_INT64, 1, {3}, labels};
    if (loss_evaluate(&request, &arena, &result, &error) == LOSS_OK)
        printf("loss %.17g\n", *(const double *)result.loss.data); /* 1.89631437312401e-4 */
    else
        printf("%s: %s\n", error.where, error.sentence);
    loss_arena_reset(&arena);
    return error.status == LOSS_OK ? 0 : 1;
}
