/* kernel.h - the inner loops: rows of predictions in, numbers out.
 *
 * Kernels are pure: pointers and counts in, numbers out; no allocation, no error, no log, no
 * global.  Checks happen one floor up, in evaluate.  There is one table of functions per
 * arithmetic type and level of CPU, all made from one source.  Arithmetic is float64, but for the
 * exponentials of float32 elements (real32.h, sums32.h and softmax32.h); results are rounded
 * once, when they are stored.
 *
 * A tile is a group of positions whose rows lie at a constant distance from each other:
 *     element c of position p  =  x[p * position_stride + c * class_stride]
 * For (N,C) that is position_stride C, class_stride 1; for (N,C,d1..dk) the positions of one batch
 * item lie side by side, position_stride 1, class_stride d1*..*dk.  Outputs have the same strides.
 *
 * Formulas, with i the lowest index of the largest element:
 *     max = x_i    rest = sum_{j != i} exp(x_j - max)    log_rest = log1p(rest)
 *     log_softmax_c = (x_c - max) - log_rest             softmax_c = exp(x_c - max) / (1 + rest)
 * Leaving the maximum's own 1 out of `rest` keeps every digit of a confident prediction's loss.
 *
 * Same bits everywhere.  exp, log and log1p are our own (elementary.h); nothing is contracted, and
 * what is fused is fused everywhere (lanes32.h); and the order of additions in `rest` depends on
 * the shape alone:
 *     C >= KERNEL_ROW_CLASSES, class_stride 1: class c is added to partial sum c mod 16, each in
 *       ascending order; then number l + 8 to number l, l + 4 to l, l + 2 to l, and 1 to 0
 *     else: one sum, in ascending order
 * Only the maximum of lowest index is left out.  In float64 every sum is compensated: what its
 * roundings lose is added up beside it, and added to it at the end.  In float32 every exponential
 * is a power of two and a rest, and there are sums for both, which become one before partial sums
 * are added: of the powers as above; of the rests too, but first by twos in float32: classes c and
 * c + 16 of each 32 along the classes, else 2c and 2c + 1.  What the maximum or no class would add
 * is 0.
 * Numbers of positions, as losses are, are added to partial sums too, and compensated: number p of
 * a tile to sum p mod KERNEL_SUMS.
 *
 * Error budget of `rest`, relative.  float32: 2^-24.35 of an exponential and 2^-25.5 of adding two
 * rests, at their worst (sums32.h), and C 2^-53 of the sums.  So a loss that is nothing but the log
 * of one exponential is within 1.65 units of float32, half of one the last rounding (the largest
 * seen, in a search for it, is 1.2), and one of several exponentials, whose errors are not all the
 * worst, within 1.  float64: 0.9 ULP of an exponential; what rounding the sum loses is in rest_low.
 * Every NaN that is stored is the same one. */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KERNEL_TILE_POSITIONS = 64,
    KERNEL_ROW_CLASSES = 64,        /* rows this long are worth vectors along the classes */
    KERNEL_CLASSES_MAX = INT32_MAX, /* that are counted in the lanes of positions */
    KERNEL_SUMS = 16,               /* partial sums of the numbers of positions */
};

/* What the elements are: scores, log-probabilities or probabilities. */
enum kernel_stage { KERNEL_LOGITS, KERNEL_LOGS, KERNEL_PROBABILITIES };

struct kernel_tile {
    const void *x;
    size_t positions; /* 1 .. KERNEL_TILE_POSITIONS */
    size_t position_stride;
    size_t classes; /* up to KERNEL_CLASSES_MAX, unless class_stride is 1 */
    size_t class_stride;
    const int64_t *labels; /* one for every position, which may name no class; or NULL */
};

/* What is known of the rows of a tile. */
struct kernel_rows {
    double max[KERNEL_TILE_POSITIONS];  /* NaN if there is a NaN; -inf if there are no classes */
    double rest[KERNEL_TILE_POSITIONS]; /* NaN if an element is NaN or +inf, or all are -inf */
    double rest_low[KERNEL_TILE_POSITIONS]; /* what rest's rounding lost; float64 only, else 0 */
    double scale[KERNEL_TILE_POSITIONS];    /* what rest was multiplied by (sums32.h); else 1 */
    double log_rest[KERNEL_TILE_POSITIONS]; /* log1p(rest); float32 has it to 2^-39 */
    size_t argmax[KERNEL_TILE_POSITIONS];   /* lowest index of the largest, or of the first NaN */
    double picked[KERNEL_TILE_POSITIONS]; /* the label's element, widened; 0 if it names no class */
};

/* Partial sums of numbers, and what roundings took from each. */
struct kernel_sums {
    double total[KERNEL_SUMS], lost[KERNEL_SUMS];
};

/* The factors k_c = w_c * (q_c * keep + spread) of a weighted sum. */
struct kernel_factors {
    const double *weights; /* w, C of them; NULL: all 1 */
    const void *q;         /* at the tile's place and strides, of the tile's type; NULL: all 0 */
    double keep, spread;
};

/* The factors of a gradient: (k_c + [c = label] label_factor) / divisor. */
struct kernel_slope {
    struct kernel_factors factors;
    int64_t label; /* or -1 */
    double label_factor;
    double divisor;
};

struct kernel {
    /* Fill max and argmax of every position, and picked if there are labels;
     * if `sums`, all the others. */
    void (*scan)(const struct kernel_tile *tile, bool sums, struct kernel_rows *rows);

    /* After scan with sums: write softmax or log_softmax of every position to y; softmax times the
     * position's factor, if there are factors.  Whatever is written to, y is no part of x. */
    void (*softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                    const double *factors, void *y);
    void (*log_softmax)(const struct kernel_tile *tile, const struct kernel_rows *rows, void *y);

    /* Elementwise exp and log, for predictions that are (log-)probabilities already. */
    void (*exp)(const struct kernel_tile *tile, void *y);
    void (*log)(const struct kernel_tile *tile, void *y);

    /* How many of `count` labels are `ignored`, and in *bad how many others name no class. */
    size_t (*count_labels)(const int64_t *labels, size_t count, size_t classes, int64_t ignored,
                           size_t *bad);

    /* - log p of every position's label, after scan, with sums for logits; NaN if a probability of
     * the position is NaN.  `found` has KERNEL_TILE_POSITIONS. */
    void (*surprise)(const struct kernel_tile *tile, enum kernel_stage stage,
                     const struct kernel_rows *rows, double *found);

    /* factors[p] * surprises[p] of every position, but 0 where its label is `ignored`; returns how
     * many of the others have their label as argmax.  `found` has KERNEL_TILE_POSITIONS. */
    size_t (*weigh_labels)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                           int64_t ignored, const double *factors, const double *surprises,
                           double *found);

    /* Add numbers of positions to partial sums: number p to sum p mod KERNEL_SUMS, and what its
     * rounding loses beside it (vector_sum.h).  `numbers` has KERNEL_TILE_POSITIONS. */
    void (*add)(const double *numbers, size_t count, struct kernel_sums *sums);

    /* Sum_c k_c * (-lp_c) of every position; lp is log_softmax(x) (after scan with sums), x, or
     * log x, and then a term is 0 where k is, also at x = 0 where a product would be NaN.  `found`
     * has KERNEL_TILE_POSITIONS. */
    void (*weigh)(const struct kernel_tile *tile, enum kernel_stage stage,
                  const struct kernel_rows *rows, const struct kernel_factors *factors,
                  double *found);

    /* The gradient of sum_c k_c * (-lp_c) of one position with respect to x, written to its place
     * in y:
     *     logits          p_c * sum_{j != c} k_j - k_c * (1 - p_c)  where nothing cancels but the k
     *     log x, x        -k_c, and -k_c / x_c, which is 0 where k_c is */
    void (*gradient)(const struct kernel_tile *tile, enum kernel_stage stage, size_t position,
                     const struct kernel_rows *rows, const struct kernel_slope *slope, void *y);

    /* The same of logits for all positions at once, k being factors[p] at the label and 0
     * elsewhere; a label that names no class has no k there. */
    void (*label_gradient)(const struct kernel_tile *tile, const struct kernel_rows *rows,
                           const double *factors, void *y);

    /* Of every position, with p the probabilities that its elements are or stand for (after scan,
     * with sums for logits): - sum_c p_c log p_c; max_c p_c; (1 - p_y)^2 + sum_{c != y} p_c^2 with
     * y the label; and the rank of the label, #{x_j > x_y} + #{j < y: x_j = x_y}, a NaN being the
     * largest, or C where it names no class.  `found` has KERNEL_TILE_POSITIONS. */
    void (*entropy)(const struct kernel_tile *tile, enum kernel_stage stage,
                    const struct kernel_rows *rows, double *found);
    void (*confidence)(const struct kernel_tile *tile, enum kernel_stage stage,
                       const struct kernel_rows *rows, double *found);
    void (*brier)(const struct kernel_tile *tile, enum kernel_stage stage,
                  const struct kernel_rows *rows, double *found);
    void (*rank)(const struct kernel_tile *tile, size_t *found);

    /* The first class of a position whose element is negative; C if there is none. */
    size_t (*find_negative)(const struct kernel_tile *tile, size_t position);
};

/* A level of CPU that kernels were compiled for. */
struct kernel_level {
    const char *name;
    bool (*runs_here)(void);
    const struct kernel *float32, *float64;
};

/* All levels of this build, lowest first, *count of them; the first runs everywhere. */
const struct kernel_level *kernel_levels(size_t *count);

/* e^x, of all levels. */
double kernel_exp(double x);

#endif
