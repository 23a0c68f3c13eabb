/* naive.c - the losses by the textbook formulas, in long double. */
#include "support/naive.h"

#include <math.h>
#include <stdlib.h>

#include "support/numbers.h"

typedef long double real;

/* One position: its row of predictions, what the pipeline makes of it, and its factors k. */
struct row {
    size_t classes;
    real *x, *p, *lp;
    real *k;       /* factors of -lp in the loss; none are in a sum that is not wanted */
    double *q, *w; /* class probabilities, or NULL; weights */
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count != 0 ? count : 1, size);

    if (memory == NULL)
        abort();
    return memory;
}

/* softmax and log_softmax of the row's x. */
static void fill_from_logits(struct row *row)
{
    real max = -INFINITY, sum = 0;

    for (size_t c = 0; c < row->classes; c++)
        max = isnan(row->x[c]) || row->x[c] > max ? row->x[c]
                                                  : max; /* a NaN stays: x > NaN is false */
    for (size_t c = 0; c < row->classes; c++)
        sum += expl(row->x[c] - max);
    for (size_t c = 0; c < row->classes; c++) {
        row->p[c] = expl(row->x[c] - max) / sum;
        row->lp[c] = row->x[c] - max - logl(sum);
    }
}

static void fill(struct row *row, enum loss_stage stage)
{
    if (stage == LOSS_STAGE_LOGITS) {
        fill_from_logits(row);
        return;
    }
    for (size_t c = 0; c < row->classes; c++) {
        row->p[c] = stage == LOSS_STAGE_PROBABILITIES ? row->x[c] : expl(row->x[c]);
        row->lp[c] = stage == LOSS_STAGE_PROBABILITIES ? logl(row->x[c]) : row->x[c];
    }
}

/* A term of the loss.  Of H(p, q), the one with factor 0 is 0, unless q is NaN. */
static real term(const struct row *row, enum loss_stage stage, real k, size_t c)
{
    if (stage == LOSS_STAGE_PROBABILITIES && k == 0)
        return isnan(row->x[c]) ? row->x[c] : 0;
    return k * -row->lp[c];
}

static real loss_of_probabilities(const struct row *row, const struct loss_request *request)
{
    real e = request->label_smoothing, loss = 0;

    for (size_t c = 0; c < row->classes; c++) {
        real q = e > 0 ? (1 - e) * (real)row->q[c] + e / (real)row->classes : (real)row->q[c];

        loss += term(row, request->stage, (real)row->w[c] * q, c);
    }
    return loss;
}

static real loss_of_index(const struct row *row, const struct loss_request *request, int64_t y)
{
    real e = request->label_smoothing, label = 0, uniform = 0;

    if (y != request->ignore_index) {
        label = term(row, request->stage, (1 - e) * (real)row->w[y], (size_t)y);
        for (size_t c = 0; c < row->classes; c++) {
            if (e > 0)
                uniform += term(row, request->stage, e / (real)row->classes * (real)row->w[c], c);
            if (request->stage == LOSS_STAGE_PROBABILITIES && isnan(row->x[c]))
                label = row->x[c]; /* a NaN among predicted probabilities spoils its row */
        }
    }
    return row->classes == 0 && e > 0 ? (real)NAN : label + uniform; /* e/C is infinite, times 0 */
}

/* The factors of the row at position r, before any division; returns their sum. */
static real fill_factors(const struct row *row, const struct loss_request *request, size_t r)
{
    real total = 0, e = request->label_smoothing;
    int64_t y = row->q != NULL ? -1 : (int64_t)number_at(&request->targets, r);

    for (size_t c = 0; c < row->classes; c++) {
        real q = row->q != NULL ? (real)row->q[c] : (int64_t)c == y;

        row->k[c] = 0;
        if (row->q == NULL && y == request->ignore_index)
            continue;
        if (e > 0)
            q = (1 - e) * q + e / (real)row->classes;
        if (row->q != NULL || q != 0)
            row->k[c] = (real)row->w[c] * q;
        total += row->k[c];
    }
    return total;
}

/* Element c of the gradient of sum_c k_c (-lp_c), where `total` is the sum of all k. */
static real slope(const struct row *row, enum loss_stage stage, real total, size_t c)
{
    if (stage == LOSS_STAGE_LOG_PROBABILITIES)
        return -row->k[c];
    if (stage == LOSS_STAGE_PROBABILITIES)
        return row->k[c] != 0 ? -row->k[c] / row->x[c] : 0;
    return row->p[c] * total - row->k[c];
}

static size_t find_largest(const struct row *row)
{
    size_t largest = 0;

    for (size_t c = 0; c < row->classes; c++) {
        if (isnan(row->x[c]))
            return c;
        if (row->x[c] > row->x[largest])
            largest = c;
    }
    return largest;
}

static void evaluate_row(const struct loss_request *request, struct row *row, size_t r,
                         struct naive *naive)
{
    int64_t y;

    fill(row, request->stage);
    naive->predictions[r] = (int64_t)find_largest(row);
    if (row->q != NULL) {
        naive->losses[r] = (double)loss_of_probabilities(row, request);
        naive->divisor += row->classes != 0;
        return;
    }
    y = (int64_t)number_at(&request->targets, r);
    naive->losses[r] = (double)loss_of_index(row, request, y);
    if (y == request->ignore_index) {
        naive->ignored++;
        return;
    }
    naive->divisor += row->w[y];
    naive->correct += naive->predictions[r] == y;
}

void naive_evaluate(const struct loss_request *request, struct naive *naive)
{
    const struct loss_tensor *x = &request->predictions;
    size_t batch = x->rank == 1 ? 1 : x->shape[0], classes = x->shape[x->rank == 1 ? 0 : 1],
           inner = 1;
    bool has_q = loss_tensor_same_shape(x, &request->targets);
    real sum = 0, total;

    for (unsigned i = 2; i < x->rank; i++)
        inner *= x->shape[i];
    *naive = (struct naive){.positions = batch * inner, .elements = batch * inner * classes};
    naive->losses = allocate(naive->positions, sizeof *naive->losses);
    naive->predictions = allocate(naive->positions, sizeof *naive->predictions);
    naive->gradient_terms = allocate(naive->elements, sizeof *naive->gradient_terms);
    naive->gradient = allocate(naive->elements, sizeof *naive->gradient);
    naive->softmax = allocate(naive->elements, sizeof *naive->softmax);
    naive->log_softmax = allocate(naive->elements, sizeof *naive->log_softmax);
    struct row row = {classes,
                      allocate(classes, sizeof(real)),
                      allocate(classes, sizeof(real)),
                      allocate(classes, sizeof(real)),
                      allocate(classes, sizeof(real)),
                      has_q ? allocate(classes, sizeof(double)) : NULL,
                      allocate(classes, sizeof(double))};
    for (size_t r = 0; r < naive->positions; r++) {
        for (size_t c = 0; c < classes; c++) {
            size_t at = (r / inner * classes + c) * inner + r % inner;

            row.x[c] = (real)number_at(x, at);
            row.w[c] = request->weights != NULL ? number_at(request->weights, c) : 1.0;
            if (has_q)
                row.q[c] = number_at(&request->targets, at);
        }
        evaluate_row(request, &row, r, naive);
        sum += (real)naive->losses[r];
        total = fill_factors(&row, request, r);
        for (size_t c = 0; c < classes; c++) {
            size_t at = (r / inner * classes + c) * inner + r % inner;

            naive->softmax[at] = (double)row.p[c];
            naive->log_softmax[at] = (double)row.lp[c];
            naive->gradient_terms[at] = (double)(fabsl(row.p[c] * total) + fabsl(row.k[c]));
            naive->gradient[at] = (double)slope(&row, request->stage, total, c);
        }
    }
    naive->sum = (double)sum;
    for (size_t i = 0; i < naive->elements && request->reduction == LOSS_REDUCTION_MEAN; i++)
        naive->gradient[i] /= naive->gradient[i] != 0 ? naive->divisor : 1; /* of ignored rows */
    free(row.x);
    free(row.p);
    free(row.lp);
    free(row.k);
    free(row.q);
    free(row.w);
}

void naive_free(struct naive *naive)
{
    free(naive->losses);
    free(naive->softmax);
    free(naive->log_softmax);
    free(naive->gradient);
    free(naive->gradient_terms);
    free(naive->predictions);
}

double naive_loss(const struct naive *naive, enum loss_reduction reduction, size_t r)
{
    if (reduction == LOSS_REDUCTION_NONE)
        return naive->losses[r];
    return reduction == LOSS_REDUCTION_SUM ? naive->sum : naive->sum / naive->divisor;
}
