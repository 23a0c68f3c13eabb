/* decoding_internal.h - a JSON request on its way, shared by request_json.c and request_resolve.c;
 * and the names of its tensors, which are the same in every form. */
#ifndef CODEC_DECODING_INTERNAL_H
#define CODEC_DECODING_INTERNAL_H

#include "codec/envelope.h"
#include "codec/request_json.h"
#include "codec/scan.h"
#include "codec/tensor_json.h"

/* The tensors of a request; the first three in the order of enum loss_stage. */
enum field { LOGITS, PROBABILITIES, LOG_PROBABILITIES, TARGETS, WEIGHTS, FIELDS };

extern const char *const decoding_fields[FIELDS]; /* their names */

/* Write the JSON pointer of a tensor, which has up to 19 bytes with the NUL; returns `where`. */
const char *decoding_pointer(int field, char *where, size_t size);

/* Note that the predictions are there as `field`, in *predictions, which is FIELDS before:
 * LOSS_CONFLICTING_FIELDS. */
enum loss_status decoding_note_predictions(int field, int *predictions, struct loss_error *error);

/* LOSS_MISSING_FIELD without predictions or targets; `kind` of member is what they are called. */
enum loss_status decoding_check_there(int predictions, bool has_targets, const char *kind,
                                      struct loss_error *error);

struct decoding {
    struct scanner scanner;
    const struct codec_limits *limits;
    struct loss_arena *arena;
    struct codec_request *request;
    enum loss_dtype read_as;   /* the dtype that predictions and weights were read as */
    const char *texts[FIELDS]; /* where each tensor begins; NULL if it is not there */
    struct tensor_json tensors[FIELDS];
    int predictions; /* the field that is there, or FIELDS */
    struct envelope envelope;
};

/* Read the tensor at scanner.at, as read_as says. */
enum loss_status decoding_read_tensor(struct decoding *decoding, int field);

/* Fill *request from what was read. */
enum loss_status decoding_resolve(struct decoding *decoding);

#endif
