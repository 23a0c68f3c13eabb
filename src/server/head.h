/* head.h - the headers of a request, as far as anybody looks at them, and
 * the guard before all else.
 *
 * The guard refuses what two HTTP implementations may read differently, because that is how a
 * request is smuggled past a proxy: RFC 9112, sections 3.2, 6.1 and 6.3. */
#ifndef SERVER_HEAD_H
#define SERVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/request.h"

enum { HEAD_QUERY_MAX = 32, HEAD_LIST_BYTES = 256 };

struct head {
    const char *method, *path; /* the path is percent-decoded and has no query */
    bool has_bad_escape;       /* but for a '%' that begins no valid escape, or stands for a NUL */
    bool is_over_quota;        /* of a client that has enough requests already */
    bool is_extra;             /* of a connection that was one too many when it came */
    bool is_http_1_0;
    bool has_certificate; /* the client showed one that is believed */
    /* Values of headers, the first of each; NULL if it is not there. */
    const char *content_type, *content_encoding, *expect, *request_id, *transfer_encoding;
    const char *content_length, *accept, *accept_encoding, *inference_header_length;
    const char *timeout_ms, *traceparent, *authorization, *if_none_match, *origin,
        *wanted_method; /* the last of a CORS preflight */
    /* Accept and Accept-Encoding, if they stand on several lines, are one list: joined
     * here, as far as they fit. */
    char accept_joined[HEAD_LIST_BYTES], accept_encoding_joined[HEAD_LIST_BYTES];
    /* How often they occur. */
    unsigned content_types, content_encodings, expects, content_lengths, transfer_encodings, hosts;
    unsigned inference_header_lengths, authorizations;
    bool has_bad_name; /* a header's name has a byte that no name may have */
    bool is_folded;    /* a header stands on several lines */
    /* The query, percent-decoded.  There are not that many options: what is left out comes after an
     * unknown or a repeated one. */
    struct codec_option query[HEAD_QUERY_MAX];
    size_t query_count;
    bool has_bad_query; /* a NUL in it */
};

/* A header's value as a number: nothing but digits, 1 to `digits_max` of them,
 * at most 19.  NULL is none. */
bool head_number(const char *text, size_t digits_max, uint64_t *number);

/* The path of a target in absolute form, which servers must take too (RFC 9112, section 3.2.2). */
const char *head_path(const char *url);

/* Note a header, or an element of the query, in the order of the request.  Values may be NULL; they
 * and the query's names are kept, not copied.  *head must stay where it is from the first on. */
void head_note(struct head *head, const char *name, size_t length, const char *value);
void head_note_query(struct head *head, const char *name, size_t name_length, const char *value,
                     size_t value_length);

/* LOSS_OK, LOSS_BAD_FRAMING or LOSS_EXPECTATION_FAILED. */
enum loss_status head_guard(const struct head *head, struct loss_error *error);

/* What is announced: no body, one of *length bytes, or one whose length only its end tells. */
enum head_body { HEAD_BODY_NONE, HEAD_BODY_SIZED, HEAD_BODY_CHUNKED };
enum head_body head_body(const struct head *head, uint64_t *length);

/* Whether `type` names this media type: case and parameters do not matter. */
bool head_is_media_type(const char *type, const char *media_type);

/* Whether a byte may stand in a header's name (RFC 9110, section 5.6.2). */
bool head_is_token(unsigned char byte);

#endif
