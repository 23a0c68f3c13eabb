/* position.c - the loss of one position, for each kind of target and stage. */
#include <math.h>

#include "evaluate/plan_internal.h"

/* Sum over the classes of k_c times the negative log-probability. */
static double weigh(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                    const struct kernel_row *row, const struct kernel_factors *factors)
{
    switch (plan->request->stage) {
    case LOSS_STAGE_LOGITS: return plan->kernel->weigh_logits(tile, p, row, factors);
    case LOSS_STAGE_LOG_PROBABILITIES: return plan->kernel->weigh_logs(tile, p, factors);
    case LOSS_STAGE_PROBABILITIES: return plan->kernel->weigh_probabilities(tile, p, factors);
    case LOSS_STAGE_COUNT: break;
    }
    return NAN;
}

/* k times the negative log-probability of class y alone; the other classes' weights are not looked
 * at, so a NaN or an infinity among them stays where it is. */
static double weigh_label(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                          const struct kernel_row *row, double k, size_t y)
{
    double x = plan->kernel->element(tile, p, y);

    switch (plan->request->stage) {
    case LOSS_STAGE_LOGITS: return k * ((row->max - x) + row->log_rest);
    case LOSS_STAGE_LOG_PROBABILITIES: return k * -x;
    case LOSS_STAGE_PROBABILITIES:
        return isnan(row->max) ? NAN
                               : kernel_entropy_term(k, x); /* a NaN anywhere spoils the row */
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

static double label_loss(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                         size_t r, const struct kernel_row *row, struct block *block)
{
    const struct kernel_factors all = {.weights = plan->weights};
    bool counts = plan->labels[r] != plan->request->ignore_index;
    double label = 0.0, uniform = 0.0;

    if (counts) {
        size_t y = (size_t)plan->labels[r];
        double k = plan->weights != NULL ? plan->keep * plan->weights[y] : plan->keep;

        note_negative(plan, tile, p, r, block);
        block->correct += row->argmax == y;
        label = weigh_label(plan, tile, p, row, k, y);
    }
    if (plan->request->label_smoothing == 0.0)
        return label;
    if (counts)
        uniform = weigh(plan, tile, p, row, &all);
    return label + plan->spread * uniform; /* NaN for C = 0, where spread is infinite: as PyTorch */
}

double position_loss(const struct loss_plan *plan, const struct kernel_tile *tile, size_t p,
                     size_t r, const struct kernel_row *row, struct block *block)
{
    struct kernel_factors factors;
    size_t offset;

    if (plan->labels != NULL)
        return label_loss(plan, tile, p, r, row, block);
    note_negative(plan, tile, p, r, block);
    offset = (size_t)((const char *)tile->x - (const char *)plan->x); /* q lies as x does */
    factors = (struct kernel_factors){.weights = plan->weights,
                                      .q = (const char *)plan->q + offset,
                                      .keep = plan->keep,
                                      .spread = plan->spread};
    return weigh(plan, tile, p, row, &factors);
}
