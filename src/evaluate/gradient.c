/* gradient.c - the factors of -log p_c in the reduced loss, and the gradient they make.
 *
 *     index targets         k_c = ([c = y] (1-e) w_y + (e/C) w_c) / D       0 where ignored
 *     probability targets   k_c = w_c q'_c / D
 * D is the divisor of the mean, or 1; it comes in before any difference is formed, so that a loss
 * without a mean has the gradient that PyTorch gives it. */
#include "evaluate/outputs_internal.h"

static double divisor_of(const struct loss_plan *plan)
{
    return plan->request->reduction == LOSS_REDUCTION_MEAN ? plan->weight_sum : 1.0;
}

/* (1-e) w_y of a position that counts. */
static double label_factor(const struct loss_plan *plan, size_t r)
{
    double weight = plan->weights != NULL ? plan->weights[plan->labels[r]] : 1.0;

    return plan->keep * weight;
}

/* Without smoothing a row has one factor that is not 0: all positions at once. */
static void write_labels(const struct loss_plan *plan, const struct tile *tile, void *y)
{
    double factors[KERNEL_TILE_POSITIONS] = {0};
    double divisor = divisor_of(plan);

    for (size_t p = 0; p < tile->kernel.positions; p++) {
        size_t r = tile->first + p;

        if (position_counts(plan, r))
            factors[p] = label_factor(plan, r) / divisor;
    }
    plan->kernel->label_gradient(&tile->kernel, &tile->rows, factors, y);
}

static struct kernel_slope slope_of(const struct loss_plan *plan, const struct tile *tile, size_t p)
{
    struct kernel_slope slope = {.label = -1, .divisor = 1.0};

    if (!position_counts(plan, tile->first + p))
        return slope;
    slope.divisor = divisor_of(plan);
    slope.factors.spread = plan->spread;
    if (plan->q != NULL) {
        slope.factors.q = q_at(plan, tile);
        slope.factors.keep = plan->keep;
    } else {
        slope.label = plan->labels[tile->first + p];
        slope.label_factor = label_factor(plan, tile->first + p);
    }
    /* Without smoothing other classes have no part in the loss: neither their weights, perhaps
     * infinite, nor the divisor, perhaps 0, are to be looked at. */
    if (plan->q != NULL || plan->spread != 0.0) {
        slope.factors.weights = plan->weights;
    } else {
        slope.label_factor /= slope.divisor;
        slope.divisor = 1.0;
    }
    return slope;
}

void gradient_write(const struct loss_plan *plan, const struct tile *tile, void *y)
{
    if (plan->stage == KERNEL_LOGITS && plan->labels != NULL && plan->spread == 0.0) {
        write_labels(plan, tile, y);
        return;
    }
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        struct kernel_slope slope = slope_of(plan, tile, p);

        plan->kernel->gradient(&tile->kernel, plan->stage, p, &tile->rows, &slope, y);
    }
}
