/* exchange.h - one request and its reply.
 *
 * Exactly one thread owns an exchange at any moment: the loop thread, or, between
 * workers_submit and done_jobs_take, a worker.  Its memory is its body block and its arena,
 * both from the service's memory; nothing in between is freed, and exchange_close gives
 * everything back, however it ended. */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "codec/infer.h"
#include "codec/reply_json.h"
#include "loss/arena.h"
#include "page/page.h"
#include "server/content.h"
#include "server/head.h"
#include "server/routes.h"
#include "server/service.h"
#include "server/stream.h"
#include "server/trace.h"

enum { EXCHANGE_ID_BYTES = 128 };

enum exchange_state {
    EXCHANGE_RECEIVING, /* the body, if there is one */
    EXCHANGE_WORKING,  /* the exchange is with a worker, in the queue, or waits for a place there */
    EXCHANGE_ANSWERED, /* the reply is made */
};

struct reply {
    unsigned http_status;
    const char *content_type;
    const char *body; /* in the arena, in `error_text`, a literal, or an embedded file */
    size_t length;
    const char *allow; /* headers, or NULL */
    const char *accept_post, *accept_encoding;
    const char *content_encoding;
    const char
        *head_length; /* JSON bytes of a reply with binary tensors, in digits; in the arena */
    const char *server_timing; /* in the arena */
    const char *tag;           /* of a document */
    bool retry_after;
    bool is_preflight; /* of CORS: nothing but headers */
    bool close;        /* end the connection after it */
};

struct reply_header {
    const char *name, *value;
};

enum { REPLY_HEADERS_MAX = 22 };

struct exchange {
    struct job job; /* first, so that a job is an exchange */
    struct service *service;
    struct exchange *next; /* of the spare ones */
    void *connection;      /* libmicrohttpd's */
    int socket;            /* its descriptor, for a worker to look at */
    enum exchange_state state;

    enum route_name route;
    enum method method;
    char request_id[EXCHANGE_ID_BYTES + 1];
    bool has_body; /* one is announced by the headers */
    const struct codec_option *query;
    size_t query_count;

    char *body; /* in a block of the memory, to its end; NULL before the first byte */
    size_t body_granted, body_length;
    struct content content;          /* as far as the route asks for it; else zeros */
    struct stream stream;            /* if it is one */
    const struct infer_model *model; /* of an inference route */
    const struct page_file *page;    /* of a route of the page */
    bool is_preflight;               /* a question of CORS, to any route */
    const char *cors_origin;         /* what pages of another origin are told, or NULL */
    char trace_id[TRACE_ID_BYTES];   /* of the caller's trace, or "" */
    bool has_place;                  /* in the queue */
    bool has_been_queued;            /* or refused; later parts of it are not refused */
    size_t received_bytes;           /* of the body, those that were wanted */
    size_t discarded;                /* bytes of the body that were thrown away after a failure */
    uint64_t discarding_since_ns;

    struct loss_arena arena;
    _Atomic size_t arena_granted; /* of the memory, to the arena */
    _Atomic bool budget_refused;  /* the arena wanted more than the memory gives, */
    _Atomic bool is_needy;        /* and than it would give if nobody else held any */

    uint64_t opened_ns, deadline_ns; /* clock_now_ns */
    size_t rows;
    uint64_t decode_ns, evaluate_ns, encode_ns; /* what the answer took */
    enum loss_status status;                    /* LOSS_OK, or why it failed */
    struct reply reply;
    char error_text[REPLY_JSON_ERROR_BYTES];
};

/* Write a request id of our own, with its NUL, to id[EXCHANGE_ID_BYTES + 1]. */
void exchange_make_id(struct service *service, char *id);

/* An exchange for a request whose headers are here; NULL if memory runs out.  Its status may be a
 * failure already: then the reply is made, and exchange_answers_now says when to send it. */
struct exchange *exchange_open(struct service *service, const struct head *head);

/* Whether a failure has to be answered before the body: it is announced, and
 * too large or not wanted. */
bool exchange_answers_now(const struct exchange *exchange);

/* More of the body.  False: so much was sent that nobody wants, or for so long, that the reply, a
 * failure, is to be written at once and the connection ended. */
bool exchange_receive(struct exchange *exchange, const char *bytes, size_t count);

/* Whether what is there of the body has to be worked on before more of it is received: then the
 * state is EXCHANGE_WORKING, as it may be after exchange_complete. */
bool exchange_is_full(struct exchange *exchange);

/* The request is complete.  After it the state is EXCHANGE_ANSWERED, or EXCHANGE_WORKING: then the
 * caller suspends the connection, and calls workers_submit if there is a place in the queue, else
 * workers_submit_later. */
void exchange_complete(struct exchange *exchange);

/* Make the reply of a whole request; the job of a worker. */
void exchange_run(struct job *job);

/* It came back from the queue undone, since it is late or the server ends: fail. */
void exchange_give_up(struct exchange *exchange);

/* Fail: the reply, instead of any that was made before, tells the error. */
void exchange_fail(struct exchange *exchange, const struct loss_error *error);
void exchange_fail_plainly(struct exchange *exchange, enum loss_status status);

/* The headers of the reply; returns how many. */
size_t exchange_reply_headers(const struct exchange *exchange,
                              struct reply_header headers[REPLY_HEADERS_MAX]);

/* The memory that it holds. */
size_t exchange_held_bytes(const struct exchange *exchange);

/* The end of it: counted, logged, everything given back.  `complete`: the reply was sent whole. */
void exchange_close(struct exchange *exchange, bool complete);

/* Free the spare exchanges of a service. */
void exchange_free_spares(struct service *service);

/* The HTTP status of a failure. */
unsigned exchange_http_status(enum loss_status status);

#endif
