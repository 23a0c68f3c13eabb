/* sweep_functions.h - what sweep.c looks at: the kernels' functions, and the truth. */
#ifndef BENCH_SWEEP_FUNCTIONS_H
#define BENCH_SWEEP_FUNCTIONS_H

enum { BLOCK = 4096 };

/* Arguments that are looked at together: x, and what belongs to it, a low part or a maximum. */
struct block {
    double x[BLOCK], other[BLOCK], y[BLOCK];
};

/* y of a whole block by the kernels: the curve and n of float32's exponentials, n counted from an
 * even and from an odd number; pairs of a softmax and terms of a sum, less the maximum in `other`;
 * exp with the low part in `other`; log; and log1p. */
void our_curve(struct block *block);
void our_even_n(struct block *block);
void our_odd_n(struct block *block);
void our_pair(struct block *block);
void our_term(struct block *block);
void our_exp(struct block *block);
void our_log(struct block *block);
void our_log1p(struct block *block);

/* The same of one argument, in long double. */
long double true_curve(double x, double other);
long double true_n(double x, double other);
long double true_pair(double x, double max);
long double true_exp(double x, double low);
long double true_log(double x, double other);
long double true_log1p(double x, double other);

#endif
