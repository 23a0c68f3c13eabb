/* response.h - a reply of HTTP, and what is in it.
 *
 * Nothing here asserts anything, so that threads may use it. */
#ifndef SUPPORT_RESPONSE_H
#define SUPPORT_RESPONSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A reply; texts end in NUL.  Freed, or filled again, by whoever filled it. */
struct response {
    long status; /* 0: there was no reply, or not a whole one; then see `failure` */
    const char *failure;
    char *head, *body; /* the head from its status line on; both NULL before the first reply */
    size_t head_length, body_length;
    size_t head_room, body_room;
    unsigned continues; /* 1xx replies before it; raw sockets only */
    long connects;      /* new connections that it took; libcurl only */
};

/* Make it one with an empty head and body. */
void response_clear(struct response *response);
void response_free(struct response *response);

/* The value of a header, copied to text[size]; NULL if it is not there. */
const char *response_header(const struct response *response, const char *name, char *text,
                            size_t size);

/* The body as JSON, to be json_decref'd; NULL if it is none. */
json_t *response_json(const struct response *response);

/* What is wrong with a reply that should be an error of this status and code at this place
 * (NULL: at none): a sentence in text[size], or NULL.  Looked at are all members of the body and
 * the headers that every error has. */
const char *response_fault(const struct response *response, long status, const char *code,
                           const char *where, char *text, size_t size);

/* A member of a JSON object: its text, or ""; its number, also one of the words "NaN" and
 * "-Infinity", or NaN. */
const char *json_text(const json_t *object, const char *name);
double json_number(const json_t *value);

#endif
