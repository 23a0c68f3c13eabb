/* content.h - what a request's body is written in, and what its reply is to be written in. */
#ifndef SERVER_CONTENT_H
#define SERVER_CONTENT_H

#include <stdbool.h>

#include "codec/answer.h"
#include "codec/coding.h"
#include "observe/metrics.h"
#include "server/head.h"

struct content {
    enum answer_form in, out;
    const char *out_type;        /* a media type that was asked for by name; NULL: the form's own */
    bool is_stream;              /* the body is many requests, a line each */
    enum coding coding_in;       /* of the body, */
    enum coding coding_out;      /* what the reply may be sent in: the caller sets it */
    enum metrics_format metrics; /* of the reply, if it is metrics */
    const char *if_none_match;   /* tags of what the client has of a document, or NULL */
    size_t head_length;          /* of an inference request, as the header says; or CODEC_NO_HEAD */
};

/* From Content-Type, Content-Encoding and Accept: of a request for an evaluation.
 * LOSS_UNSUPPORTED_MEDIA_TYPE, LOSS_UNSUPPORTED_ENCODING, LOSS_NOT_ACCEPTABLE. */
enum loss_status content_of_evaluation(const struct head *head, struct content *content,
                                       struct loss_error *error);

/* Of an inference request, whose form is one whatever Content-Type and Accept say:
 * LOSS_UNSUPPORTED_ENCODING, LOSS_BAD_FRAMING. */
enum loss_status content_of_inference(const struct head *head, struct content *content,
                                      struct loss_error *error);

/* Of the metrics, whose format Accept chooses; what it takes none of is the first.  Cannot fail. */
enum loss_status content_of_metrics(const struct head *head, struct content *content,
                                    struct loss_error *error);

/* Of a document that does not change: what the client has of it already.  Cannot fail. */
enum loss_status content_of_document(const struct head *head, struct content *content,
                                     struct loss_error *error);

/* The media types of bodies that are taken, as Accept-Post lists them. */
extern const char content_accept_post[];

#endif
