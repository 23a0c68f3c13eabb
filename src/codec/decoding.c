/* decoding.c - the tensors that a request has, in whatever form it comes. */
#include "codec/decoding_internal.h"

#include <stdio.h>

const char *const decoding_fields[FIELDS] = {"logits", "probabilities", "log_probabilities",
                                             "targets", "weights"};

const char *decoding_pointer(int field, char *where, size_t size)
{
    (void)snprintf(where, size, "/%s", decoding_fields[field]);
    return where;
}

enum loss_status decoding_note_predictions(int field, int *predictions, struct loss_error *error)
{
    char where[32];

    if (*predictions == FIELDS) {
        *predictions = field;
        return LOSS_OK;
    }
    return loss_fail(error, LOSS_CONFLICTING_FIELDS, decoding_pointer(field, where, sizeof where),
                     "\"%s\" and \"%s\" are both there, but only one of logits, probabilities and "
                     "log_probabilities may be",
                     decoding_fields[*predictions], decoding_fields[field]);
}

enum loss_status decoding_check_there(int predictions, bool has_targets, const char *kind,
                                      struct loss_error *error)
{
    if (predictions == FIELDS)
        return loss_fail(error, LOSS_MISSING_FIELD, NULL,
                         "one of the %ss \"logits\", \"probabilities\" and "
                         "\"log_probabilities\" must be there",
                         kind);
    if (!has_targets)
        return loss_fail(error, LOSS_MISSING_FIELD, NULL, "the %s \"targets\" is missing", kind);
    return LOSS_OK;
}
