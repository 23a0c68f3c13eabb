/* position.c - the losses of positions, for each kind of target and stage. */
#include <math.h>

#include "evaluate/plan_internal.h"

/* Sum over the classes of k_c times the negative log-probability. */
static double weigh(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                    const struct kernel_rows *rows, const struct kernel_factors *factors)
{
    switch (plan->request->stage) {
    case LOSS_STAGE_LOGITS: return plan->kernel->weigh_logits(tile, p, rows, factors);
    case LOSS_STAGE_LOG_PROBABILITIES: return plan->kernel->weigh_logs(tile, p, factors);
    case LOSS_STAGE_PROBABILITIES: return plan->kernel->weigh_probabilities(tile, p, factors);
    case LOSS_STAGE_COUNT: break;
    }
    return NAN;
}

/* k times the negative log-probability of the class whose prediction is x; the other classes' weights
 * are not looked at, so a NaN or an infinity among them stays where it is. */
static inline double weigh_label(const struct loss_plan *plan, const struct kernel_rows *rows,
                                 size_t p, double k, double x)
{
    switch (plan->request->stage) {
    case LOSS_STAGE_LOGITS: return k * ((rows->max[p] - x) + rows->log_rest[p]);
    case LOSS_STAGE_LOG_PROBABILITIES: return k * -x;
    case LOSS_STAGE_PROBABILITIES: /* a NaN anywhere spoils the row */
        return isnan(rows->max[p]) ? NAN : kernel_entropy_term(k, x);
    case LOSS_STAGE_COUNT: break;
    }
    return NAN;
}

static void note_negative(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                          size_t r, struct block *block)
{
    size_t c;

    if (plan->request->stage != LOSS_STAGE_PROBABILITIES || block->has_negative)
        return;
    c = plan->kernel->find_negative(tile, p);
    if (c == plan->layout.classes)
        return;
    block->has_negative = true;
    block->negative_position = r;
    block->negative_class = c;
}

static void label_losses(const struct loss_plan *plan, const struct kernel_tile *tile, size_t first,
                         const struct kernel_rows *rows, double *losses, struct block *block)
{
    const struct kernel_factors all = {.weights = plan->weights};
    const int64_t *labels = plan->labels + first;
    bool smooths = plan->request->label_smoothing > 0.0;
    double picked[KERNEL_TILE_POSITIONS];

    plan->kernel->pick(tile, labels, picked);
    for (size_t p = 0; p < tile->positions; p++) {
        bool counts = labels[p] != plan->request->ignore_index;
        double uniform = 0.0, k = plan->keep;

        losses[p] = 0.0;
        if (counts) {
            if (plan->weights != NULL)
                k *= plan->weights[labels[p]];
            note_negative(plan, tile, p, first + p, block);
            block->correct += rows->argmax[p] == (size_t)labels[p];
            losses[p] = weigh_label(plan, rows, p, k, picked[p]);
        }
        if (!smooths)
            continue;
        if (counts)
            uniform = weigh(plan, tile, p, rows, &all);
        losses[p] +=
            plan->spread * uniform; /* NaN for C = 0, where spread is infinite: as PyTorch */
    }
}

static void probability_losses(const struct loss_plan *plan, const struct kernel_tile *tile,
                               size_t first, const struct kernel_rows *rows, double *losses,
                               struct block *block)
{
    size_t offset = (size_t)((const char *)tile->x - (const char *)plan->x); /* q lies as x does */
    const struct kernel_factors factors = {.weights = plan->weights,
                                           .q = (const char *)plan->q + offset,
                                           .keep = plan->keep,
                                           .spread = plan->spread};

    for (size_t p = 0; p < tile->positions; p++) {
        note_negative(plan, tile, p, first + p, block);
        losses[p] = weigh(plan, tile, p, rows, &factors);
    }
}

void position_losses(const struct loss_plan *plan, const struct kernel_tile *tile, size_t first,
                     const struct kernel_rows *rows, double *losses, struct block *block)
{
    if (plan->labels != NULL)
        label_losses(plan, tile, first, rows, losses, block);
    else
        probability_losses(plan, tile, first, rows, losses, block);
}
