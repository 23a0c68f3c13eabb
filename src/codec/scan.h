/* scan.h - walking over JSON text, strictly by RFC 8259, without building anything.
 *
 * The text must end in NUL with DECIMAL_PADDING readable bytes from there on; a NUL before the end
 * is an error like any other stray byte.  All functions stop at the first fault and describe it,
 * with its byte offset, or with a JSON pointer where a value and not the syntax is at fault. */
#ifndef CODEC_SCAN_H
#define CODEC_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/patience.h"
#include "loss/status.h"

enum { SCAN_KEY_BYTES = 64 }; /* longer keys are cut: no known one is that long */

struct scanner {
    const char *text, *at, *end;
    unsigned depth; /* arrays and objects open around `at` */
    unsigned depth_max;
    bool takes_non_finite;    /* scan_value lets NaN and infinities pass: it is in a tensor */
    char key[SCAN_KEY_BYTES]; /* the member that is being read, for messages */
    const char *whole;        /* what ends at `end`, for messages; NULL: the body */
    const char *name; /* what a member begins with, likewise; NULL: a field name in quotes */
    const struct patience *patience; /* or NULL */
    struct loss_error *error;
};

/* Describe a fault at the byte `at`. */
__attribute__((format(printf, 4, 5))) enum loss_status scan_fail(struct scanner *scanner,
                                                                 enum loss_status status,
                                                                 const char *at, const char *format,
                                                                 ...);

/* The fault "expected this, found what is at `at`": LOSS_INVALID_JSON. */
enum loss_status scan_fail_expected(struct scanner *scanner, const char *expected, const char *at);

/* Describe a fault of the value of the current member. */
__attribute__((format(printf, 3, 4))) enum loss_status scan_fail_member(struct scanner *scanner,
                                                                        enum loss_status status,
                                                                        const char *format, ...);

static inline void scan_space(struct scanner *scanner)
{
    while (*scanner->at == ' ' || *scanner->at == '\n' || *scanner->at == '\t' ||
           *scanner->at == '\r')
        scanner->at++;
}

/* Step over an opening bracket: LOSS_TOO_DEEP beyond the limit. */
enum loss_status scan_open(struct scanner *scanner);

/* Step over one string: its escapes, its UTF-8.  `at` must be on the opening quote. */
enum loss_status scan_string(struct scanner *scanner);

/* Step over a string and write its decoded form to scanner->key; for a member name. */
enum loss_status scan_key(struct scanner *scanner);

/* Step over a string and write its decoded form, UTF-8 with a NUL, to `text`, which has room for as
 * many bytes as the string in its quotes; it may be that string's own place. */
enum loss_status scan_text(struct scanner *scanner, char *text);

/* Step over any value.  A bare NaN or Infinity is LOSS_NON_FINITE unless they are taken, a number
 * too large for a double LOSS_NUMBER_OUT_OF_RANGE, both of the current member. */
enum loss_status scan_value(struct scanner *scanner);

/* Read one member or element: scanner->at is on its value, scanner->key its name if it has one. */
typedef enum loss_status scan_reader(void *context);

/* Step over an object or an array, whose bracket is at `at`; `read` reads each member or
 * element. */
enum loss_status scan_object(struct scanner *scanner, scan_reader *read, void *context);
enum loss_status scan_array(struct scanner *scanner, scan_reader *read, void *context);

/* The same for the whole text, which must be one object: also LOSS_EMPTY_BODY,
 * LOSS_EXPECTED_OBJECT, LOSS_TRAILING_DATA. */
enum loss_status scan_document(struct scanner *scanner, scan_reader *read, void *context);

/* If one of the words NaN, Infinity, -Infinity is at `at`, bare or as a string, its value and the
 * byte after it; else NULL. */
const char *scan_non_finite(const char *at, double *value);

/* What `whole` says. */
const char *scan_whole(const struct scanner *scanner);

/* What stands at `at`, in words: "an array", "a string", "the byte 0x07"; written to `text`. */
const char *scan_describe(const struct scanner *scanner, const char *at, char *text, size_t size);

#endif
