/* kernel.h - the inner loops: rows of predictions in, numbers out.
 *
 * Kernels are pure: pointers and counts in, numbers out; no allocation, no error, no log, no global.
 * Checks happen one floor up, in evaluate.  There is one table of functions per arithmetic type, made
 * from one source.  All arithmetic is float64, whatever the type of the elements: a float32 is exact
 * in it, and results are rounded once, when they are stored.
 *
 * A tile is a group of positions whose rows lie at a constant distance from each other:
 *     element c of position p  =  x[p * position_stride + c * class_stride]
 * For (N,C) that is position_stride C, class_stride 1; for (N,C,d1..dk) the positions of one batch
 * item lie side by side, position_stride 1, class_stride d1*..*dk.  Outputs have the tile's strides.
 *
 * Formulas, with i the lowest index of the largest element:
 *     max = x_i    rest = sum_{j != i} exp(x_j - max)    log_rest = log1p(rest)
 *     log_softmax_c = (x_c - max) - log_rest             softmax_c = exp(x_c - max) / (1 + rest)
 * Leaving the maximum's own 1 out of `rest` keeps every digit of a confident prediction's loss. */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stddef.h>

enum { KERNEL_TILE_POSITIONS = 64 };

struct kernel_tile {
    const void *x;
    size_t positions; /* 1 .. KERNEL_TILE_POSITIONS */
    size_t position_stride;
    size_t classes;
    size_t class_stride;
};

/* What is known of one position's row. */
struct kernel_row {
    double max;      /* NaN if there is a NaN; -inf if there are no classes */
    double rest;     /* NaN if any element is NaN or +inf, or all are -inf: a degenerate row */
    double log_rest; /* log1p(rest) */
    size_t argmax;   /* lowest index of the largest; a NaN is larger than any number */
};

/* The factors k_c = w_c * q_c of a weighted sum, q_c smoothed as q_c * keep + spread. */
struct kernel_factors {
    const double *weights; /* w, C of them; NULL: all 1 */
    const void *q;         /* at the tile's place and strides, of the tile's type; NULL: all 1 */
    double keep, spread;   /* used with q only: 1 and 0 leave it as it is */
};

struct kernel {
    /* Fill max and argmax of every position. */
    void (*find_max)(const struct kernel_tile *tile, struct kernel_row *rows);

    /* After find_max: fill rest and log_rest of every position. */
    void (*sum_rest)(const struct kernel_tile *tile, struct kernel_row *rows);

    /* After sum_rest: write softmax or log_softmax of every position to y. */
    void (*softmax)(const struct kernel_tile *tile, const struct kernel_row *rows, void *y);
    void (*log_softmax)(const struct kernel_tile *tile, const struct kernel_row *rows, void *y);

    /* Elementwise exp and log, for predictions that are (log-)probabilities already. */
    void (*exp)(const struct kernel_tile *tile, void *y);
    void (*log)(const struct kernel_tile *tile, void *y);

    /* One element, widened. */
    double (*element)(const struct kernel_tile *tile, size_t position, size_t c);

    /* Sum_c k_c * (-lp_c) of one position, where lp is log_softmax(x) (row after sum_rest) or x. */
    double (*weigh_logits)(const struct kernel_tile *tile, size_t position,
                           const struct kernel_row *row, const struct kernel_factors *factors);
    double (*weigh_logs)(const struct kernel_tile *tile, size_t position,
                         const struct kernel_factors *factors);

    /* Sum_c of kernel_entropy_term(k_c, x_c). */
    double (*weigh_probabilities)(const struct kernel_tile *tile, size_t position,
                                  const struct kernel_factors *factors);

    /* The first class of a position whose element is negative; C if there is none. */
    size_t (*find_negative)(const struct kernel_tile *tile, size_t position);
};

extern const struct kernel kernel_float32;
extern const struct kernel kernel_float64;

/* -k log q as in H(p, q): 0 where k is 0, also at q = 0 where a plain product would be NaN. */
double kernel_entropy_term(double k, double q);

#endif
