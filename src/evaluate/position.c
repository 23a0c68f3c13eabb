/* position.c - the losses of positions, for each kind of target and stage. */
#include <math.h>

#include "evaluate/plan_internal.h"

/* k times - log p; the other classes' weights are not looked at, so a NaN or an infinity
 * among them stays where it is. */
static inline double weigh_surprise(const struct loss_plan *plan, double k, double surprise)
{
    bool is_nothing = plan->stage == KERNEL_PROBABILITIES && k == 0.0 && !isnan(surprise);

    return is_nothing ? 0.0 : k * surprise; /* 0 log 0 is 0 in H(p, q) */
}

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

static void label_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    const int64_t *labels = tile->kernel.labels;
    size_t correct = 0;

    plan->kernel->surprise(&tile->kernel, plan->stage, &tile->rows, tile->surprises);
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        bool counts = labels[p] != plan->request->ignore_index;
        double k = plan->keep;

        if (plan->weights != NULL && counts)
            k *= plan->weights[labels[p]];
        tile->losses[p] = counts ? weigh_surprise(plan, k, tile->surprises[p]) : 0.0;
        correct += counts && tile->rows.argmax[p] == (size_t)labels[p];
    }
    block->correct += correct;
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
