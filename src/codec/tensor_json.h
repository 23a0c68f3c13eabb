/* tensor_json.h - nested JSON arrays of numbers, straight into a tensor. */
#ifndef CODEC_TENSOR_JSON_H
#define CODEC_TENSOR_JSON_H

#include "codec/scan.h"
#include "loss/arena.h"
#include "loss/tensor.h"

/* How the numbers are stored. */
enum tensor_json_mode {
    TENSOR_JSON_FLOAT32, /* by way of float64, as PyTorch reads a Python list */
    TENSOR_JSON_FLOAT64,
    TENSOR_JSON_TARGETS, /* as int64 if every number is an integer, else all as float64 */
};

/* What is remarkable about an element, but not a fault until more of the request is known. */
enum tensor_json_oddity {
    TENSOR_JSON_PLAIN,
    TENSOR_JSON_FRACTION,     /* targets: a fraction, NaN or infinity */
    TENSOR_JSON_HUGE,         /* targets: outside int64 */
    TENSOR_JSON_NOT_A_NUMBER, /* targets: a string, boolean or null, read as NaN */
    TENSOR_JSON_OVERFLOW,     /* float32: finite in float64, but not in float32 */
};

struct tensor_json {
    struct loss_tensor tensor;      /* data is the arena's */
    enum tensor_json_oddity oddity; /* of the first remarkable element in memory order */
    size_t odd_index;
    const char *odd_text;  /* where it stands */
    size_t word_index;     /* the first TENSOR_JSON_NOT_A_NUMBER, which may come after it, */
    const char *word_text; /* and where it stands; NULL if there is none */
};

/* Read the value at scanner->at, a number or arrays of them.  Faults: those of scan.h, and
 * LOSS_RAGGED_ARRAY, LOSS_WRONG_TYPE, LOSS_NUMBER_OUT_OF_RANGE (not even a float64) with the
 * pointer of the row or element, LOSS_TOO_MANY_ELEMENTS beyond elements_max, LOSS_OUT_OF_MEMORY,
 * LOSS_DEADLINE_EXCEEDED once patience is over. */
enum loss_status tensor_json_read(struct scanner *scanner, enum tensor_json_mode mode,
                                  size_t elements_max, struct loss_arena *arena,
                                  struct tensor_json *result);

/* Describe the element that is odd, or the first that is no number: "<place> is <its text>, but
 * <why not>", with its pointer.  The latter is LOSS_WRONG_TYPE. */
enum loss_status tensor_json_fail_odd(const struct tensor_json *read, const char *name,
                                      enum loss_status status, const char *why_not,
                                      struct loss_error *error);
enum loss_status tensor_json_fail_word(const struct tensor_json *read, const char *name,
                                       const char *why_not, struct loss_error *error);

#endif
