/* position.c - the losses of positions, for each kind of target and stage. */
#include <math.h>

#include "evaluate/plan_internal.h"

/* - log of the probability of a label whose prediction is x, times k; the other classes' weights are not
 * looked at, so a NaN or an infinity among them stays where it is. */
static inline double weigh_label(const struct loss_plan *plan, const struct kernel_rows *rows,
                                 size_t p, double k, double x)
{
    switch (plan->stage) {
    case KERNEL_LOGITS: return k * ((rows->max[p] - x) + rows->log_rest[p]);
    case KERNEL_LOGS: return k * -x;
    case KERNEL_PROBABILITIES: break; /* a NaN anywhere spoils the row */
    }
    return isnan(rows->max[p]) ? NAN : kernel_entropy_term(k, x);
}

static void note_negative(const struct loss_plan *plan, const struct tile *tile, size_t p,
                          struct block *block)
{
    size_t c;

    if (plan->stage != KERNEL_PROBABILITIES || block->has_negative)
        return;
    c = plan->kernel->find_negative(&tile->kernel, p);
    if (c == plan->layout.classes)
        return;
    block->has_negative = true;
    block->negative_position = tile->first + p;
    block->negative_class = c;
}

/* The part of the smoothing: the mean over all classes. */
static double smoothed(const struct loss_plan *plan, const struct tile *tile, size_t p, bool counts)
{
    const struct kernel_factors all = {.weights = plan->weights, .spread = 1.0};
    double uniform = 0.0;

    if (counts)
        uniform = plan->kernel->weigh(&tile->kernel, plan->stage, p, &tile->rows, &all);
    return plan->spread * uniform; /* NaN for C = 0, where spread is infinite: as PyTorch */
}

static void label_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    const int64_t *labels = plan->labels + tile->first;
    bool smooths = plan->request->label_smoothing > 0.0;
    bool surprises = plan->request->wants[LOSS_OUTPUT_PERPLEXITY];

    plan->kernel->pick(&tile->kernel, labels, tile->picked);
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        bool counts = labels[p] != plan->request->ignore_index;
        double k = plan->keep;

        tile->losses[p] = 0.0;
        if (counts) {
            if (plan->weights != NULL)
                k *= plan->weights[labels[p]];
            note_negative(plan, tile, p, block);
            block->correct += tile->rows.argmax[p] == (size_t)labels[p];
            tile->losses[p] = weigh_label(plan, &tile->rows, p, k, tile->picked[p]);
            if (surprises)
                tile->surprises[p] = weigh_label(plan, &tile->rows, p, 1.0, tile->picked[p]);
        }
        if (smooths)
            tile->losses[p] += smoothed(plan, tile, p, counts);
    }
}

static void probability_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    const struct kernel_factors factors = {.weights = plan->weights,
                                           .q = q_at(plan, tile),
                                           .keep = plan->keep,
                                           .spread = plan->spread};

    for (size_t p = 0; p < tile->kernel.positions; p++) {
        note_negative(plan, tile, p, block);
        tile->losses[p] = plan->kernel->weigh(&tile->kernel, plan->stage, p, &tile->rows, &factors);
    }
}

void position_losses(const struct loss_plan *plan, struct tile *tile, struct block *block)
{
    if (plan->labels != NULL)
        label_losses(plan, tile, block);
    else
        probability_losses(plan, tile, block);
}
