/* measures.c - what is measured of the positions that count, beside their loss. */
#include "evaluate/convert.h"
#include "evaluate/outputs_internal.h"

/* Take a value of every position that counts into the block's sum. */
static void add(const struct loss_plan *plan, const struct tile *tile, const double *values,
                struct sum *sum)
{
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        if (position_counts(plan, tile->first + p))
            sum_add(sum, values[p]);
    }
}

static void add_top_k(const struct loss_plan *plan, const struct tile *tile, struct block *block)
{
    size_t ranks[KERNEL_TILE_POSITIONS];

    plan->kernel->rank(&tile->kernel, ranks);
    for (size_t p = 0; p < tile->kernel.positions; p++) {
        if (position_counts(plan, tile->first + p))
            block->in_top_k += ranks[p] < plan->request->k;
    }
}

void measures_add(const struct loss_plan *plan, const struct tile *tile, struct block *block)
{
    const bool *wants = plan->request->wants;
    double found[KERNEL_TILE_POSITIONS];

    if (wants[LOSS_OUTPUT_PERPLEXITY])
        add(plan, tile, tile->surprises, &block->surprise);
    if (wants[LOSS_OUTPUT_ENTROPY]) {
        plan->kernel->entropy(&tile->kernel, plan->stage, &tile->rows, found);
        add(plan, tile, found, &block->entropy);
    }
    if (wants[LOSS_OUTPUT_BRIER]) {
        plan->kernel->brier(&tile->kernel, plan->stage, &tile->rows, found);
        add(plan, tile, found, &block->brier);
    }
    if (wants[LOSS_OUTPUT_TOP_K_ACCURACY])
        add_top_k(plan, tile, block);
    if (!wants[LOSS_OUTPUT_CONFIDENCE] && !wants[LOSS_OUTPUT_ECE])
        return;
    plan->kernel->confidence(&tile->kernel, plan->stage, &tile->rows, found);
    add(plan, tile, found, &block->confidence);
    for (size_t p = 0; p < tile->kernel.positions && plan->confidences != NULL; p++)
        plan->confidences[tile->first + p] = found[p];
}

static double mean(const struct loss_plan *plan, const struct sum *sum)
{
    return convert_one_nan(sum_value(sum) / (double)(plan->layout.positions - plan->ignored));
}

static double share(const struct loss_plan *plan, size_t count)
{
    return convert_one_nan((double)count / (double)(plan->layout.positions - plan->ignored));
}

void measure_accuracy(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_ACCURACY] = share(plan, total->correct);
}

void measure_top_k_accuracy(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_TOP_K_ACCURACY] = share(plan, total->in_top_k);
}

void measure_perplexity(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_PERPLEXITY] = kernel_exp(mean(plan, &total->surprise));
}

void measure_entropy(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_ENTROPY] = mean(plan, &total->entropy);
}

void measure_confidence(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_CONFIDENCE] = mean(plan, &total->confidence);
}

void measure_brier(struct loss_plan *plan, const struct block *total)
{
    *(double *)plan->parts[LOSS_PART_BRIER] = mean(plan, &total->brier);
}
