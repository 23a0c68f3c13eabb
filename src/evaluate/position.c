/* position.c - the losses of positions, for each kind of target and stage. */
#include <math.h>

#include "evaluate/plan_internal.h"

/* Note the tile's first probability below 0 in a position that counts,
 * unless there was one before. */
static void note_negatives(const struct loss_plan *plan, const struct tile *tile,
                           struct block *block)
{
    size_t classes = plan->layout.classes;

    for (size_t p = 0; p < tile->kernel.positions && !block->has_negative; p++) {
        size_t c = classes;

        if (position_counts(plan, tile->first + p))
            c = plan->kernel->find_negative(&tile->kernel, p);
        block->has_negative = c != classes;
        block->negative_position = tile->first + p;
        block->negative_class = c;
    }
}

/* Add the part of the smoothing: the mean over all classes. */
static void smooth(const struct loss_plan *plan, struct tile *tile)
{
    const struct kernel_factors all = {.weights = plan->weights, .spread = 1.0};
    double uniform[KERNEL_TILE_POSITIONS];

    plan->kernel->weigh(&tile->kernel, plan->stage, &tile->rows, &all, uniform);
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        /* NaN for C = 0, where spread is infinite: as PyTorch */
        tile->losses[p] +=
            plan->spread * (position_counts(plan, tile->first + p) ? uniform[p] : 0.0);
    }
}

/* The weights of the tile's labels; other classes' weights are not looked at, so a NaN or an
 * infinity among them stays where it is. */
static void find_factors(const struct loss_plan *plan, const struct tile *tile, double *factors)
{
    for (size_t p = 0; p < KERNEL_TILE_POSITIONS; p++)
        factors[p] = plan->keep;
    for (size_t p = 0; p < tile->kernel.positions && plan->weights != NULL; p++) {
        if (position_counts(plan, tile->first + p))
            factors[p] *= plan->weights[tile->kernel.labels[p]];
    }
}

static void label_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    double factors[KERNEL_TILE_POSITIONS];

    find_factors(plan, tile, factors);
    plan->kernel->surprise(&tile->kernel, plan->stage, &tile->rows, tile->surprises);
    block->correct +=
        plan->kernel->weigh_labels(&tile->kernel, &tile->rows, plan->request->ignore_index, factors,
                                   tile->surprises, tile->losses);
    for (size_t p = 0; p < tile->kernel.positions && plan->stage == KERNEL_PROBABILITIES; p++) {
        if (factors[p] == 0.0 && !isnan(tile->surprises[p]))
            tile->losses[p] = 0.0; /* 0 log 0 is 0 in H(p, q) */
    }
    if (plan->request->label_smoothing > 0.0)
        smooth(plan, tile);
}

static void probability_losses(const struct loss_plan *plan, struct tile *tile)
{
    const struct kernel_factors factors = {.weights = plan->weights,
                                           .q = q_at(plan, tile),
                                           .keep = plan->keep,
                                           .spread = plan->spread};

    plan->kernel->weigh(&tile->kernel, plan->stage, &tile->rows, &factors, tile->losses);
}

void position_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    if (plan->stage == KERNEL_PROBABILITIES)
        note_negatives(plan, tile, block);
    if (plan->labels != NULL)
        label_losses(plan, tile, block);
    else
        probability_losses(plan, tile);
}
