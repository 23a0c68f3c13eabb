/* tables.c - positions counted by bin of confidence, by class, and by pair of classes.
 *
 * They are made in one thread, in the order of positions, so sums do not
 * depend on who ran the blocks. */
#include <math.h>
#include <string.h>

#include "evaluate/convert.h"
#include "evaluate/outputs_internal.h"

static const int64_t *predictions_of(const struct loss_plan *plan)
{
    return plan->parts[LOSS_PART_PREDICTIONS];
}

/* The bin b of M with b/M < confidence <= (b+1)/M, or the nearest. */
static size_t bin_of(double confidence, size_t bins)
{
    double count = (double)bins;
    size_t b;

    if (!(confidence > 0.0))
        return 0;
    if (confidence > 1.0)
        return bins - 1;
    b = (size_t)(confidence *
                 count); /* never too low: above an edge, the product is at least b + 1 */
    if (b > 0 && confidence <= (double)b / count)
        b--;
    return b < bins ? b : bins - 1;
}

/* A position's confidence as its softmax would be: equal logits have the same one at any height,
 * and only rounded it lies on the edge that it belongs to. */
static double confidence_as_given(const struct loss_plan *plan, size_t r)
{
    double confidence = plan->confidences[r];

    return plan->dtype == LOSS_FLOAT32 ? (double)(float)confidence : confidence;
}

static bool is_correct(const struct loss_plan *plan, size_t r)
{
    return predictions_of(plan)[r] == plan->labels[r];
}

void table_ece(struct loss_plan *plan, const struct block *total)
{
    int64_t *counts = plan->parts[LOSS_PART_BIN_COUNT];
    double *confidence = plan->parts[LOSS_PART_BIN_CONFIDENCE];
    double *accuracy = plan->parts[LOSS_PART_BIN_ACCURACY];
    size_t bins = plan->request->bins, positions = plan->layout.positions;
    struct sum gap = {0.0, 0.0}, sums[LOSS_BINS_MAX] = {{0.0, 0.0}};
    double *ece = plan->parts[LOSS_PART_ECE];

    memset(counts, 0, bins * sizeof *counts);
    for (size_t b = 0; b < bins; b++)
        accuracy[b] = 0.0;
    for (size_t r = 0; r < positions; r++) {
        size_t b;

        if (!position_counts(plan, r) || isnan(plan->confidences[r]))
            continue;
        b = bin_of(confidence_as_given(plan, r), bins);
        counts[b]++;
        sum_add(&sums[b], plan->confidences[r]);
        accuracy[b] += is_correct(plan, r) ? 1.0 : 0.0;
    }
    for (size_t b = 0; b < bins; b++) {
        double count = (double)counts[b];

        confidence[b] = counts[b] != 0 ? sum_value(&sums[b]) / count : (double)NAN;
        if (counts[b] != 0)
            sum_add(&gap, fabs(accuracy[b] - sum_value(&sums[b])));
        accuracy[b] = counts[b] != 0 ? accuracy[b] / count : (double)NAN;
    }
    *ece = sum_value(&gap) / (double)(positions - plan->ignored);
    if (isnan(*ece) || isnan(sum_value(&total->confidence))) /* a row without a confidence */
        *ece = (double)NAN;
}

void table_per_class(struct loss_plan *plan, const struct block *total)
{
    double *loss_sums = plan->parts[LOSS_PART_CLASS_LOSS_SUM];
    double *weights = plan->parts[LOSS_PART_CLASS_WEIGHT];
    int64_t *counts = plan->parts[LOSS_PART_CLASS_COUNT];
    int64_t *correct = plan->parts[LOSS_PART_CLASS_CORRECT];
    size_t classes = plan->layout.classes;

    (void)total;
    memset(counts, 0, classes * sizeof *counts);
    memset(correct, 0, classes * sizeof *correct);
    for (size_t c = 0; c < classes; c++)
        loss_sums[c] = weights[c] = 0.0; /* until the end, weights hold what sums have lost */
    for (size_t r = 0; r < plan->layout.positions; r++) {
        size_t c = (size_t)plan->labels[r];
        struct sum sum;

        if (!position_counts(plan, r))
            continue;
        sum = (struct sum){loss_sums[c], weights[c]};
        sum_add(&sum, plan->exact_losses[r]);
        loss_sums[c] = sum.total;
        weights[c] = sum.lost;
        counts[c]++;
        correct[c] += is_correct(plan, r);
    }
    for (size_t c = 0; c < classes; c++) {
        const struct sum sum = {loss_sums[c], weights[c]};

        loss_sums[c] = convert_one_nan(sum_value(&sum));
        weights[c] = (double)counts[c];
        if (plan->weights != NULL && counts[c] != 0)
            weights[c] *= plan->weights[c];
    }
}

void table_confusion_matrix(struct loss_plan *plan, const struct block *total)
{
    int64_t *matrix = plan->parts[LOSS_PART_CONFUSION_MATRIX];
    size_t classes = plan->layout.classes;

    (void)total;
    memset(matrix, 0, classes * classes * sizeof *matrix);
    for (size_t r = 0; r < plan->layout.positions; r++) {
        if (position_counts(plan, r))
            matrix[(size_t)plan->labels[r] * classes + (size_t)predictions_of(plan)[r]]++;
    }
}
