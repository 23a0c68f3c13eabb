/* naive.h - the losses by the textbook formulas, position by position, to check libloss by. */
#ifndef SUPPORT_NAIVE_H
#define SUPPORT_NAIVE_H

#include "loss/evaluation.h"

/* Arrays are malloc'd: positions of them, or elements of the predictions in their order. */
struct naive {
    size_t positions;
    size_t elements;
    double *losses;
    double *softmax;
    double *log_softmax;
    double *gradient;       /* of the reduced loss, with respect to the predictions */
    double *gradient_terms; /* the magnitudes of the two terms that it is the difference of */
    int64_t *predictions;
    double sum;     /* numerator and */
    double divisor; /* denominator of the mean */
    size_t ignored;
    size_t correct; /* index targets only */
};

/* Evaluate a request that libloss would accept.  Arithmetic is long double, and log(sum(exp)) is
 * taken plainly, so a loss far below 1 keeps fewer digits than libloss gives. */
void naive_evaluate(const struct loss_request *request, struct naive *naive);
void naive_free(struct naive *naive);

/* The loss at position `r` after reduction; mean and sum have only one. */
double naive_loss(const struct naive *naive, enum loss_reduction reduction, size_t r);

#endif
