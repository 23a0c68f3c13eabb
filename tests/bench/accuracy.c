/* accuracy.c - the largest errors of libloss, in units in the last place, by families of logits.
 *
 * The true values are computed here in long double, by the formula of loss/evaluation.h with
 * compensated sums.  Prints a table and fails if an error exceeds 1.5 units of float32 or 2 of
 * float64.  `make accuracy` runs it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "loss/evaluation.h"
#include "support/numbers.h"

enum { ELEMENTS = 256 * 1024, ROWS_MAX = 4096 };

/* Normally distributed logits, shifted; the target's raised by `lead`. */
static const struct family {
    const char *name;
    double deviation, shift, lead;
} families[] = {
    {"N(0,1)", 1, 0, 0},         {"N(0,10)", 10, 0, 0},       {"N(0,1) + 10000", 1, 1e4, 0},
    {"confident +20", 1, 0, 20}, {"confident +40", 1, 0, 40}, {"confident +100", 1, 0, 100},
};

static const size_t class_counts[] = {2, 10, 63, 64, 1000, 50257, 128000};

struct errors {
    double loss, log_softmax, softmax, gradient;
};

/* By G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29, 1958. */
static double normal(uint64_t *random)
{
    double radius = sqrt(-2.0 * log(1.0 - number_random(random)));

    return radius * cos(6.283185307179586 * number_random(random));
}

static void raise_to(double *worst, double error)
{
    if (!(error <= *worst)) /* a NaN stays */
        *worst = error;
}

/* Compare one row's results with the truth. */
static void judge_row(const struct loss_result *result, const struct loss_tensor *logits,
                      size_t row, size_t target, struct errors *worst)
{
    const struct loss_tensor *parts = result->parts;
    size_t classes = result->classes, first = row * classes, argmax = 0;
    long double max, sum = 0.0L, lost = 0.0L, log_rest;

    for (size_t c = 1; c < classes; c++) {
        if (number_at(logits, first + c) > number_at(logits, first + argmax))
            argmax = c;
    }
    max = number_at(logits, first + argmax);
    for (size_t c = 0; c < classes; c++) {
        long double term = expl(number_at(logits, first + c) - max) - lost, total = sum + term;

        if (c == argmax)
            continue;
        lost = (total - sum) - term;
        sum = total;
    }
    log_rest = log1pl(sum);
    raise_to(&worst->loss,
             number_units_from_truth(result->dtype, number_at(&result->loss, row),
                                     (max - number_at(logits, first + target)) + log_rest));
    for (size_t c = 0; c < classes; c++) {
        long double d = number_at(logits, first + c) - max;

        raise_to(&worst->log_softmax,
                 number_units_from_truth(result->dtype,
                                         number_at(&parts[LOSS_PART_LOG_SOFTMAX], first + c),
                                         d - log_rest));
        long double p = expl(d) / (1.0L + sum);
        long double others = c == argmax ? sum / (1.0L + sum) : 1.0L - p;

        raise_to(&worst->softmax,
                 number_units_from_truth(result->dtype,
                                         number_at(&parts[LOSS_PART_SOFTMAX], first + c), p));
        raise_to(&worst->gradient,
                 number_units_from_truth(result->dtype,
                                         number_at(&parts[LOSS_PART_GRADIENT], first + c),
                                         c == target ? -others : p));
    }
}

static struct errors measure(const struct family *family, size_t classes, enum loss_dtype dtype)
{
    static float narrow[ELEMENTS];
    static double wide[ELEMENTS];
    static int64_t targets[ROWS_MAX];
    size_t rows = ELEMENTS / classes < ROWS_MAX ? ELEMENTS / classes : ROWS_MAX;
    struct loss_request request = LOSS_REQUEST_DEFAULTS;
    struct errors worst = {0.0, 0.0, 0.0, 0.0};
    struct loss_arena arena;
    struct loss_result result;
    struct loss_error error;
    uint64_t random = classes;

    for (size_t i = 0; i < rows; i++) {
        targets[i] = (int64_t)(number_random(&random) * (double)classes);
        for (size_t c = 0; c < classes; c++) {
            double x = family->deviation * normal(&random) + family->shift;

            x += c == (size_t)targets[i] ? family->lead : 0.0;
            wide[i * classes + c] = narrow[i * classes + c] = (float)x;
        }
    }
    request.predictions = (struct loss_tensor){.dtype = dtype, .rank = 2, .shape = {rows, classes}};
    request.predictions.data = dtype == LOSS_FLOAT64 ? (const void *)wide : (const void *)narrow;
    request.targets =
        (struct loss_tensor){.dtype = LOSS_INT64, .rank = 1, .shape = {rows}, .data = targets};
    request.reduction = LOSS_REDUCTION_NONE;
    request.wants[LOSS_OUTPUT_SOFTMAX] = request.wants[LOSS_OUTPUT_LOG_SOFTMAX] = true;
    request.wants[LOSS_OUTPUT_GRADIENT] = true;
    loss_arena_init(&arena, NULL);
    if (loss_evaluate(&request, &arena, &result, &error) != LOSS_OK) {
        (void)fprintf(stderr, "accuracy: %s\n", error.sentence);
        exit(1);
    }
    for (size_t i = 0; i < rows; i++)
        judge_row(&result, &request.predictions, i, (size_t)targets[i], &worst);
    loss_arena_reset(&arena);
    return worst;
}

int main(void)
{
    static const double bounds[] = {1.5, 2.0};
    static const enum loss_dtype dtypes[] = {LOSS_FLOAT32, LOSS_FLOAT64};
    int exceeded = 0;

    (void)printf("largest error, units in the last place       float32                             "
                 "  float64\n");
    (void)printf("%-16s %8s", "logits", "classes");
    for (int d = 0; d < 2; d++)
        (void)printf("   %8s %8s %8s %8s", "loss", "log_soft", "softmax", "gradient");
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++) {
        for (size_t i = 0; i < sizeof class_counts / sizeof class_counts[0]; i++) {
            (void)printf("\n%-16s %8zu", families[f].name, class_counts[i]);
            for (int d = 0; d < 2; d++) {
                struct errors worst = measure(&families[f], class_counts[i], dtypes[d]);

                (void)printf("   %8.3f %8.3f %8.3f %8.3f", worst.loss, worst.log_softmax,
                             worst.softmax, worst.gradient);
                exceeded += !(worst.loss <= bounds[d] && worst.log_softmax <= bounds[d] &&
                              worst.softmax <= bounds[d] && worst.gradient <= bounds[d]);
            }
            (void)fflush(stdout);
        }
    }
    (void)printf("\n%d lines exceed 1.5 units of float32 or 2 of float64\n", exceeded);
    return exceeded != 0;
}
