/* rows.c - the kernels, in plain C: the specification that every faster one has to match.
 *
 * Compiled once per arithmetic type: REAL is float or double, KERNEL the name of the table.  Sums run
 * over the classes in ascending order, compensated. */
#include <math.h>

#include "kernels/kernel.h"
#include "kernels/sum.h"

static inline const REAL *row_of(const struct kernel_tile *tile, size_t position)
{
    return (const REAL *)tile->x + position * tile->position_stride;
}

static void find_max(const struct kernel_tile *tile, struct kernel_row *rows)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        REAL max = (REAL)-INFINITY;
        size_t argmax = 0;

        for (size_t c = 0; c < tile->classes; c++) {
            REAL value = x[c * tile->class_stride];

            if (isnan(value)) {
                max = value;
                argmax = c;
                break;
            }
            if (value > max) {
                max = value;
                argmax = c;
            }
        }
        rows[p].max = (double)max;
        rows[p].argmax = argmax;
    }
}

static void sum_rest(const struct kernel_tile *tile, struct kernel_row *rows)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        struct kernel_row *row = &rows[p];
        struct sum rest = {0.0, 0.0};

        if (tile->classes != 0 && !isfinite(row->max)) {
            row->rest = row->log_rest = NAN;
            continue;
        }
        for (size_t c = 0; c < tile->classes; c++) {
            if (c != row->argmax)
                sum_add(&rest, exp((double)x[c * tile->class_stride] - row->max));
        }
        row->rest = sum_value(&rest);
        row->log_rest = log1p(row->rest);
    }
}

static void write_softmax(const struct kernel_tile *tile, const struct kernel_row *rows, void *y)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        REAL *out = (REAL *)y + p * tile->position_stride;

        for (size_t c = 0; c < tile->classes; c++) {
            double e = exp((double)x[c * tile->class_stride] - rows[p].max);

            out[c * tile->class_stride] = (REAL)(e / (1.0 + rows[p].rest));
        }
    }
}

static void write_log_softmax(const struct kernel_tile *tile, const struct kernel_row *rows,
                              void *y)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        REAL *out = (REAL *)y + p * tile->position_stride;

        for (size_t c = 0; c < tile->classes; c++) {
            double shifted = (double)x[c * tile->class_stride] - rows[p].max;

            out[c * tile->class_stride] = (REAL)(shifted - rows[p].log_rest);
        }
    }
}

static void write_exp(const struct kernel_tile *tile, void *y)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        REAL *out = (REAL *)y + p * tile->position_stride;

        for (size_t c = 0; c < tile->classes; c++)
            out[c * tile->class_stride] = (REAL)exp((double)x[c * tile->class_stride]);
    }
}

static void write_log(const struct kernel_tile *tile, void *y)
{
    for (size_t p = 0; p < tile->positions; p++) {
        const REAL *x = row_of(tile, p);
        REAL *out = (REAL *)y + p * tile->position_stride;

        for (size_t c = 0; c < tile->classes; c++)
            out[c * tile->class_stride] = (REAL)log((double)x[c * tile->class_stride]);
    }
}

static double element(const struct kernel_tile *tile, size_t position, size_t c)
{
    return (double)row_of(tile, position)[c * tile->class_stride];
}

/* k_c; q points at the position's first class or is NULL. */
static inline double factor(const struct kernel_factors *factors, const REAL *q, size_t c,
                            size_t class_stride)
{
    double k = 1.0;

    if (q != NULL)
        k = (double)q[c * class_stride] * factors->keep + factors->spread;
    return factors->weights != NULL ? k * factors->weights[c] : k;
}

static inline const REAL *q_of(const struct kernel_tile *tile, size_t position,
                               const struct kernel_factors *factors)
{
    return factors->q != NULL ? (const REAL *)factors->q + position * tile->position_stride : NULL;
}

static double weigh_logits(const struct kernel_tile *tile, size_t position,
                           const struct kernel_row *row, const struct kernel_factors *factors)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, position, factors);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c++) {
        double nll = (row->max - (double)x[c * tile->class_stride]) + row->log_rest;

        sum_add(&sum, factor(factors, q, c, tile->class_stride) * nll);
    }
    return sum_value(&sum);
}

static double weigh_logs(const struct kernel_tile *tile, size_t position,
                         const struct kernel_factors *factors)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, position, factors);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c++) {
        double k = factor(factors, q, c, tile->class_stride);

        sum_add(&sum, k * -(double)x[c * tile->class_stride]);
    }
    return sum_value(&sum);
}

static double weigh_probabilities(const struct kernel_tile *tile, size_t position,
                                  const struct kernel_factors *factors)
{
    const REAL *x = row_of(tile, position), *q = q_of(tile, position, factors);
    struct sum sum = {0.0, 0.0};

    for (size_t c = 0; c < tile->classes; c++) {
        double k = factor(factors, q, c, tile->class_stride);

        sum_add(&sum, kernel_entropy_term(k, (double)x[c * tile->class_stride]));
    }
    return sum_value(&sum);
}

static size_t find_negative(const struct kernel_tile *tile, size_t position)
{
    const REAL *x = row_of(tile, position);

    for (size_t c = 0; c < tile->classes; c++) {
        if (x[c * tile->class_stride] < 0)
            return c;
    }
    return tile->classes;
}

const struct kernel KERNEL = {
    .find_max = find_max,
    .sum_rest = sum_rest,
    .softmax = write_softmax,
    .log_softmax = write_log_softmax,
    .exp = write_exp,
    .log = write_log,
    .element = element,
    .weigh_logits = weigh_logits,
    .weigh_logs = weigh_logs,
    .weigh_probabilities = weigh_probabilities,
    .find_negative = find_negative,
};
