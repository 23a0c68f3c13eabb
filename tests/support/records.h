/* records.h - recorded calls of PyTorch's losses, with their results, read from tests/data.
 *
 * One file is gzip-compressed JSON, one record a line: edge_cases (results and errors of PyTorch),
 * gradient_cases (true gradients and losses) and accuracy_small (true losses and softmaxes).  A
 * record is plain data; a test turns it into a call of libloss, or into a request over HTTP. */
#ifndef SUPPORT_RECORDS_H
#define SUPPORT_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loss/evaluation.h"

enum record_op {
    RECORD_CROSS_ENTROPY, /* predictions are logits */
    RECORD_NLL_LOSS,      /* predictions are log-probabilities */
    RECORD_GRADIENT,      /* of cross_entropy with respect to the logits */
    RECORD_ACCURACY,      /* of cross_entropy, none of the options given */
};

enum record_flag { RECORD_FLAG_ABSENT, RECORD_FLAG_FALSE, RECORD_FLAG_TRUE };

enum record_integer {
    RECORD_INTEGER_ABSENT,
    RECORD_INTEGER_FITS,     /* the value is in ignore_index */
    RECORD_INTEGER_FRACTION, /* not an integer: 1.5 */
    RECORD_INTEGER_TOO_LARGE /* 2^63: does not fit an int64_t */
};

struct record_tensor {
    bool given;
    bool usable;         /* false for bool and complex, of which `tensor` has the shape alone */
    char dtype_name[16]; /* as in PyTorch */
    struct loss_tensor tensor;
};

struct record {
    enum record_op op;
    char *name;
    struct record_tensor input, target, weight;
    bool has_reduction;
    char *reduction; /* NULL with has_reduction: null was given */
    enum record_flag size_average, reduce;
    enum record_integer has_ignore_index;
    int64_t ignore_index;
    bool has_label_smoothing;
    double label_smoothing;
    char *error_type, *error_message; /* the Python exception; NULL where a value comes out */
    struct record_tensor expected;    /* as PyTorch rounds; edge cases */
    struct record_tensor expected64;  /* float64, before that rounding; edge cases, gradients */
    struct record_tensor upstream; /* of gradients: that of the loss, shaped as it; or not given */
    struct record_tensor loss64;   /* the true loss, in float64; the other files */
    struct record_tensor log_softmax, softmax; /* true, in float64; accuracy */
};

/* All records of a file, `*count` of them, to be freed with records_free.  NULL, with a line on
 * stderr, if it cannot be read: then the data is broken, not the program under test. */
struct record *records_read(const char *path, size_t *count);

/* NULL is allowed. */
void records_free(struct record *records, size_t count);

/* Fill *request from a record's arguments, with the words and flags resolved as PyTorch does; views
 * into the record.  False if there is no such request: an unknown reduction, an ignore_index that
 * is no int64, a dtype that lossd has not.  Those are refused by whoever reads the request. */
bool record_request(const struct record *record, struct loss_request *request);

/* Where lossd does on purpose otherwise than PyTorch: what it does instead, and why. */
struct record_difference {
    const char *name; /* the record's */
    bool is_refused;  /* an error; else a value, by the formulas of loss/evaluation.h */
    const char *reason;
};

/* NULL if lossd does as recorded. */
const struct record_difference *record_find_difference(const struct record *record);
bool record_has_deliberate_difference(const struct record *record);

/* How many differences there are, to see that none is left unused. */
size_t record_count_differences(void);

#endif
