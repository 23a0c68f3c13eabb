/* client.h - HTTP from the other side: requests by libcurl, and bytes by a raw socket.
 *
 * Nothing here asserts anything, so that threads may use it, a client each. */
#ifndef SUPPORT_CLIENT_H
#define SUPPORT_CLIENT_H

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

/* ---- libcurl --------------------------------------------------------------------------------- */

struct client; /* keeps its connection alive from one request to the next */

struct client *client_open(unsigned port);
void client_close(struct client *client); /* NULL is allowed */

/* From now on, send this header with every request; NULL none.  It is kept, not copied. */
void client_always_send(struct client *client, const char *header);

/* From now on, over TLS, and believe the certificates of this file; if the others are not
 * NULL, show that certificate with its key.  The paths are kept, not copied; connections
 * that there were are closed. */
void client_secure(struct client *client, const char *authority, const char *certificate,
                   const char *key);

/* Send a request and wait for its reply, at most 30 s.  `headers` ends in NULL, or is NULL; `body`
 * NULL sends none.  Nothing is added: no Content-Type, no Expect.  The response is the client's. */
const struct response *client_send(struct client *client, const char *method, const char *path,
                                   const char *const *headers, const char *body, size_t length);

/* POST /v1/evaluate with a body that is a string. */
const struct response *client_evaluate(struct client *client, const char *body);

/* The value of a series, as in `lossd_queue_jobs` or `lossd_errors_total{code="draining"}`, in the
 * text of /metrics; NaN if it is not there.  The second asks for the text first. */
double metric_value_in(const char *text, const char *series);
double client_metric(struct client *client, const char *series);

/* Wait for a series to be from `low` to `high`, at most CLIENT_WAIT_MS, or false, with a line on
 * standard error: so also if the daemon is dead, or has no such series. */
enum { CLIENT_WAIT_MS = 20000 };
bool client_wait(struct client *client, const char *series, double low, double high);

/* ---- raw sockets ----------------------------------------------------------------------------- */

struct raw {
    int fd; /* -1: not connected, `error` says why */
    int error;
    char *bytes; /* received and not yet looked at */
    size_t length, room;
};

enum { RAW_MS = 20000 }; /* long enough for any reply */

void raw_open(struct raw *raw, unsigned port);

/* The same from an address of our own: all of 127.0.0.0/8 is this machine. */
void raw_open_from(struct raw *raw, const char *address, unsigned port);

void raw_close(struct raw *raw);

/* Send all of it; false if the connection is gone. */
bool raw_send(struct raw *raw, const char *bytes, size_t length);
bool raw_say(struct raw *raw, const char *text);

/* Read one whole reply; `bodiless` for one to HEAD.  Its status is 0 if there is none in time, or
 * `failure` says "closed" if the connection ended before the first byte of it. */
void raw_read(struct raw *raw, bool bodiless, unsigned timeout_ms, struct response *response);

/* What comes next on the connection. */
enum raw_next { RAW_CLOSED, RAW_SILENT, RAW_BYTES };
enum raw_next raw_next(struct raw *raw, unsigned timeout_ms);

/* Everything until the connection ends, or the time is over, as a string in raw->bytes. */
const char *raw_read_all(struct raw *raw, unsigned timeout_ms, bool *closed);

#endif
