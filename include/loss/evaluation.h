/* evaluation.h - what an evaluation is: the request, the result, and the call between them.
 *
 *     scores --softmax--> probabilities --log--> log-probabilities --with targets--> loss
 *
 * A request enters this pipeline at one of three stages and gets the cross-entropy of PyTorch's
 * F.cross_entropy (logits), F.nll_loss (log-probabilities), or H(p, q) = -sum p log q
 * (probabilities), with their arguments and their special values; README.md lists where it differs.
 *
 * Notation: N batch, C classes, d1..dk further positions.  A position r has one row x of C
 * predictions, a class index y or C class probabilities q; w are class weights (1 if none), e is
 * the label smoothing, lp the log-probabilities: log softmax(x), x itself, or log x, by the stage.
 *
 *     index targets         L = (1-e) w_y (-lp_y) + (e/C) sum_c w_c (-lp_c)     0 where ignored
 *                           mean = sum L / sum w_y  over the positions not ignored
 *     probability targets   L = sum_c w_c q'_c (-lp_c),   q' = (1-e) q + e/C
 *                           mean = sum L / number of positions (not of weights: as PyTorch)
 *
 * Source: the documentation of torch.nn.functional.cross_entropy; with logits computed as (m - x_y)
 * + log1p(sum_{j != argmax} exp(x_j - m)), whose terms are all >= 0 and cancel nothing. */
#ifndef LOSS_EVALUATION_H
#define LOSS_EVALUATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loss/arena.h"
#include "loss/status.h"
#include "loss/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/*    name, field of the request */
#define LOSS_STAGE_TABLE(X)                      \
    X(LOSS_STAGE_LOGITS, "logits")               \
    X(LOSS_STAGE_PROBABILITIES, "probabilities") \
    X(LOSS_STAGE_LOG_PROBABILITIES, "log_probabilities")

#define LOSS_REDUCTION_TABLE(X)    \
    X(LOSS_REDUCTION_MEAN, "mean") \
    X(LOSS_REDUCTION_SUM, "sum")   \
    X(LOSS_REDUCTION_NONE, "none")

/* What can be asked for beside the loss, and whether it needs class indices as targets.  Measures
 * are taken over the positions that are not ignored, T of them; the mean over none is NaN.  But
 * for per_class, weights and smoothing play no part.  p is the row of probabilities, by the
 * stage: softmax(x), x itself, or exp x; it need not add up to 1.  A NaN is larger than any
 * number, and equal to a NaN. */
#define LOSS_OUTPUT_TABLE(X)                              \
    X(LOSS_OUTPUT_LOSSES, "losses", false)                \
    X(LOSS_OUTPUT_SOFTMAX, "softmax", false)              \
    X(LOSS_OUTPUT_LOG_SOFTMAX, "log_softmax", false)      \
    X(LOSS_OUTPUT_GRADIENT, "gradient", false)            \
    X(LOSS_OUTPUT_PREDICTIONS, "predictions", false)      \
    X(LOSS_OUTPUT_ACCURACY, "accuracy", true)             \
    X(LOSS_OUTPUT_TOP_K_ACCURACY, "top_k_accuracy", true) \
    X(LOSS_OUTPUT_PERPLEXITY, "perplexity", true)         \
    X(LOSS_OUTPUT_ENTROPY, "entropy", false)              \
    X(LOSS_OUTPUT_CONFIDENCE, "confidence", false)        \
    X(LOSS_OUTPUT_BRIER, "brier", true)                   \
    X(LOSS_OUTPUT_ECE, "ece", true)                       \
    X(LOSS_OUTPUT_PER_CLASS, "per_class", true)           \
    X(LOSS_OUTPUT_CONFUSION_MATRIX, "confusion_matrix", true)

/* What comes back: the parts of the outputs, each a tensor.
 *    name, the output it belongs to, its key, its column if the key is a table
 * Shapes: P is that of the positions, () or (N) or (N,d1..dk); X that of the predictions; M bins.
 * The first four have a floating dtype; counts and indices are int64; all others are float64.
 *    losses             P, before reduction, of the loss's dtype
 *    softmax            X, p in the predictions' dtype, as the two that follow
 *    log_softmax        X, log p
 *    gradient           X, d loss / d predictions for the chosen reduction; with `none`, of each
 *                       loss with respect to its own row; 0 in ignored rows, also where all are,
 *                       but NaN in every row of logits that has no softmax (a NaN or +inf in it,
 *                       or -inf alone), ignored or not: as PyTorch
 *    predictions        P, lowest index of the largest prediction
 *    accuracy           share of positions whose prediction is the target
 *    top_k_accuracy     share whose target y has rank < k, the rank being
 *                       #{x_j > x_y} + #{j < y: x_j = x_y}
 *    perplexity         exp(mean of -log p_y)
 *    entropy            mean of -sum_c p_c log p_c, in nats
 *    confidence         mean of max_c p_c
 *    brier              mean of sum_c (p_c - [c = y])^2: the sum convention, 0 .. 2 if p adds up
 *                       to 1
 *    ece                sum_b n_b/T |accuracy_b - confidence_b|, bin b holding the positions with
 *                       b/M < max_c p_c <= (b+1)/M, these edges rounded to float64 (0 is in the
 *                       first, what is above 1 in the last; NaN is in none, and makes it NaN)
 *    ece_bins           (M): positions, their mean confidence and their accuracy (NaN if empty)
 *    per_class          (C), over the positions whose target is the class: sums of loss and weight,
 *                       which add up to loss_sum and weight_sum; positions; correct ones
 *    confusion_matrix   (C,C), positions by target (row) and prediction (column) */
#define LOSS_PART_TABLE(X)                                                          \
    X(LOSS_PART_LOSSES, LOSS_OUTPUT_LOSSES, "losses", NULL)                         \
    X(LOSS_PART_SOFTMAX, LOSS_OUTPUT_SOFTMAX, "softmax", NULL)                      \
    X(LOSS_PART_LOG_SOFTMAX, LOSS_OUTPUT_LOG_SOFTMAX, "log_softmax", NULL)          \
    X(LOSS_PART_GRADIENT, LOSS_OUTPUT_GRADIENT, "gradient", NULL)                   \
    X(LOSS_PART_PREDICTIONS, LOSS_OUTPUT_PREDICTIONS, "predictions", NULL)          \
    X(LOSS_PART_ACCURACY, LOSS_OUTPUT_ACCURACY, "accuracy", NULL)                   \
    X(LOSS_PART_TOP_K_ACCURACY, LOSS_OUTPUT_TOP_K_ACCURACY, "top_k_accuracy", NULL) \
    X(LOSS_PART_PERPLEXITY, LOSS_OUTPUT_PERPLEXITY, "perplexity", NULL)             \
    X(LOSS_PART_ENTROPY, LOSS_OUTPUT_ENTROPY, "entropy", NULL)                      \
    X(LOSS_PART_CONFIDENCE, LOSS_OUTPUT_CONFIDENCE, "confidence", NULL)             \
    X(LOSS_PART_BRIER, LOSS_OUTPUT_BRIER, "brier", NULL)                            \
    X(LOSS_PART_ECE, LOSS_OUTPUT_ECE, "ece", NULL)                                  \
    X(LOSS_PART_BIN_COUNT, LOSS_OUTPUT_ECE, "ece_bins", "count")                    \
    X(LOSS_PART_BIN_CONFIDENCE, LOSS_OUTPUT_ECE, "ece_bins", "confidence")          \
    X(LOSS_PART_BIN_ACCURACY, LOSS_OUTPUT_ECE, "ece_bins", "accuracy")              \
    X(LOSS_PART_CLASS_LOSS_SUM, LOSS_OUTPUT_PER_CLASS, "per_class", "loss_sum")     \
    X(LOSS_PART_CLASS_WEIGHT, LOSS_OUTPUT_PER_CLASS, "per_class", "weight")         \
    X(LOSS_PART_CLASS_COUNT, LOSS_OUTPUT_PER_CLASS, "per_class", "count")           \
    X(LOSS_PART_CLASS_CORRECT, LOSS_OUTPUT_PER_CLASS, "per_class", "correct")       \
    X(LOSS_PART_CONFUSION_MATRIX, LOSS_OUTPUT_CONFUSION_MATRIX, "confusion_matrix", NULL)

#define LOSS_NAME_ENUM(name, ...) name,
enum loss_stage { LOSS_STAGE_TABLE(LOSS_NAME_ENUM) LOSS_STAGE_COUNT };
enum loss_reduction { LOSS_REDUCTION_TABLE(LOSS_NAME_ENUM) LOSS_REDUCTION_COUNT };
enum loss_output { LOSS_OUTPUT_TABLE(LOSS_NAME_ENUM) LOSS_OUTPUT_COUNT };
enum loss_part { LOSS_PART_TABLE(LOSS_NAME_ENUM) LOSS_PART_COUNT };
#undef LOSS_NAME_ENUM

/* Names by value, static strings; and values by name: false, with the
 * value untouched, if unknown. */
const char *loss_stage_name(enum loss_stage stage);
const char *loss_reduction_name(enum loss_reduction reduction);
const char *loss_output_name(enum loss_output output);
bool loss_reduction_find(const char *name, enum loss_reduction *reduction);
bool loss_output_find(const char *name, enum loss_output *output);

/* Facts of the tables above. */
bool loss_output_needs_indices(enum loss_output output);
enum loss_output loss_part_output(enum loss_part part);
const char *loss_part_key(enum loss_part part);
const char *loss_part_column(enum loss_part part); /* NULL if the part is not of a table */

/* A request.  Its tensors are views; the caller keeps what they point to until the result is used.
 * Start from LOSS_REQUEST_DEFAULTS (in C++ from C++20 on).  What has an enum for its type, in the
 * tensors too, must be a value of that enum: this is not checked. */
struct loss_request {
    enum loss_stage stage;
    struct loss_tensor predictions;    /* floating; (C), (N,C) or (N,C,d1..dk) */
    struct loss_tensor targets;        /* predictions' shape and floating: class probabilities;
                                          else integers (), (N), (N,d1..dk): class indices */
    const struct loss_tensor *weights; /* (C), or NULL; predictions' dtype under index targets */
    enum loss_reduction reduction;
    int64_t ignore_index;   /* index targets equal to it do not count; < 0 with probabilities */
    double label_smoothing; /* 0 .. 1 */
    size_t k;               /* for top_k_accuracy, from 1 */
    size_t bins;            /* for ece, 1 .. LOSS_BINS_MAX */
    size_t confusion_classes_max; /* confusion_matrix is refused above: it has C * C elements */
    bool wants[LOSS_OUTPUT_COUNT];
};

enum { LOSS_BINS_MAX = 1000 };

#define LOSS_REQUEST_DEFAULTS                                                                   \
    {                                                                                           \
        .reduction = LOSS_REDUCTION_MEAN, .ignore_index = -100, .label_smoothing = 0.0, .k = 5, \
        .bins = 15, .confusion_classes_max = 1000                                               \
    }

/* A result.  Its tensors live in the arena of the evaluation. */
struct loss_result {
    enum loss_dtype dtype; /* of the loss: predictions', or the widest of all under probabilities */
    struct loss_tensor loss; /* () for mean and sum, P for none */
    double loss_sum; /* numerator and denominator of the mean, before rounding to dtype, so that */
    double weight_sum; /* batches can be combined; the former is good to 2^-25 below float64 */
    size_t classes;
    size_t count; /* positions that count, and those ignored */
    size_t ignored;
    size_t correct; /* positions that count whose prediction is the target; index targets only */
    bool has_correct;
    struct loss_tensor
        parts[LOSS_PART_COUNT]; /* of the outputs wanted; the others are unspecified */
};

/* Evaluate: LOSS_OK fills *result.  Else *error says what is wrong with the request, the first
 * fault in PyTorch's order: LOSS_VALUE_OUT_OF_RANGE, LOSS_UNKNOWN_DTYPE, LOSS_INVALID_SHAPE,
 * LOSS_SHAPE_MISMATCH, LOSS_TARGET_NOT_INTEGER (also for an output that needs class indices),
 * LOSS_TARGET_OUT_OF_RANGE, LOSS_TOO_MANY_ELEMENTS, or LOSS_OUT_OF_MEMORY.  Scratch and results
 * come from `arena`.  May run in any number of threads, each with its own arena; keeps no state.
 * The floating-point environment must be the default one. */
enum loss_status loss_evaluate(const struct loss_request *request, struct loss_arena *arena,
                               struct loss_result *result, struct loss_error *error);

/* The same in steps, for a caller that wants to stop in between or to use several threads: a plan
 * has blocks of positions, cut by the shape alone, so that the bits of the result do not depend on
 * who ran them or in which order. */
struct loss_plan;

/* Check everything but the predictions' values, and take all memory from `arena`.  *request must
 * stay as it is until loss_plan_finish. */
enum loss_status loss_plan_new(const struct loss_request *request, struct loss_arena *arena,
                               struct loss_plan **plan, struct loss_error *error);
size_t loss_plan_blocks(const struct loss_plan *plan);

/* Run one block, 0 .. blocks-1, each exactly once; different blocks may run at the same time.  A
 * thread is fastest with blocks that follow each other: memory brings the next one meanwhile. */
void loss_plan_run(struct loss_plan *plan, size_t block);

/* After all blocks: reduce them.  LOSS_VALUE_OUT_OF_RANGE if a predicted
 * probability is negative. */
enum loss_status loss_plan_finish(struct loss_plan *plan, struct loss_result *result,
                                  struct loss_error *error);

#ifdef __cplusplus
}
#endif

#endif
