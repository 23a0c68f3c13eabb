/* request_options.h - the options of a request by name, whatever they were written in. */
#ifndef CODEC_REQUEST_OPTIONS_H
#define CODEC_REQUEST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/request.h"

/* A value as it was written. */
struct option_value {
    enum option_type {
        OPTION_OBJECT,
        OPTION_ARRAY,
        OPTION_STRING,
        OPTION_INTEGER,
        OPTION_REAL,
        OPTION_BOOLEAN,
        OPTION_NULL,
    } type;
    bool boolean;
    int64_t integer;
    double real;                      /* of an integer, too */
    const char *string;               /* UTF-8 */
    const struct option_value *items; /* of an array */
    size_t count;
};

/* How an option is written where there is only plain text, as in a query or a map of strings. */
enum option_text {
    OPTION_AS_WORD,  /* as it is */
    OPTION_AS_VALUE, /* as the JSON value: 0.1, true */
    OPTION_AS_LIST,  /* words with commas between them */
};

/* The options, read so far, that only mean something together. */
struct request_options {
    struct codec_request *request;
    struct loss_error *error;
    const char *reduction;
    int size_average, reduce; /* -1 if not given: a missing one counts as true */
};

/* The number of the option of this name, 0 .. 31, or -1; its name; and all names, *count of
 * them. */
int request_option_find(const char *name);
const char *request_option_name(int number);
const char *const *request_option_names(size_t *count);
enum option_text request_option_text(int number);

/* Read an option into *options and its request.  Strings are kept as they are.  Faults, with the
 * pointer of the option: LOSS_WRONG_TYPE, LOSS_UNKNOWN_VALUE, LOSS_UNKNOWN_DTYPE, LOSS_NON_FINITE,
 * LOSS_VALUE_OUT_OF_RANGE. */
enum loss_status request_option_read(struct request_options *options, int number,
                                     const struct option_value *value);

/* After all of them: PyTorch's old flags replace the reduction, even an invalid one.
 * LOSS_UNKNOWN_VALUE. */
enum loss_status request_option_resolve(const struct request_options *options);

#endif
