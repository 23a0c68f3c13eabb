/* safetensors_internal.h - a request as a safetensors file on its way: request_safetensors.c
 * opens it, safetensors_header.c and safetensors_entry.c read its header,
 * safetensors_check.c judges that. */
#ifndef CODEC_SAFETENSORS_INTERNAL_H
#define CODEC_SAFETENSORS_INTERNAL_H

#include "codec/decoding_internal.h"
#include "codec/safetensors.h"

/* What a dtype of the format becomes. */
struct safetensors_dtype {
    enum loss_dtype dtype;
    size_t bytes;  /* of an element in the file */
    bool is_wider; /* it has values that the file's has not: elements are converted */
};

struct safetensors_tensor {
    bool is_there;
    const struct safetensors_dtype *dtype;
    unsigned rank;
    size_t shape[LOSS_RANK_MAX];
    size_t begin, end; /* in the buffer */
};

struct safetensors {
    struct scanner scanner; /* over the copy, from byte 8 on; its offsets are the body's */
    char *copy;             /* of the length and the header */
    const char *buffer;     /* what follows them in the body */
    size_t buffer_bytes;
    const struct codec_limits *limits;
    struct loss_arena *arena;
    struct codec_request *request;
    struct envelope envelope;
    struct safetensors_tensor tensors[FIELDS];
};

/* The format's name of a dtype. */
const char *safetensors_dtype_name(enum loss_dtype dtype);

/* Read the header into `tensors`, and its metadata into the envelope. */
enum loss_status safetensors_read_header(struct safetensors *file);

/* Read the entry of a tensor, from the value on. */
enum loss_status safetensors_read_entry(struct safetensors *file, int field);

/* Give each member of the object at scanner.at to `read`: its name in scanner.key, its value at
 * scanner.at.  There is no other nesting in a header than what is expected at each place, so that
 * depth needs no limit. */
enum loss_status safetensors_read_object(struct safetensors *file,
                                         enum loss_status (*read)(struct safetensors *file,
                                                                  void *context),
                                         void *context);

/* All entries are read: each has the size of its shape, together they fill the buffer, and they
 * make a request, whose *predictions are this field. */
enum loss_status safetensors_check(const struct safetensors *file, int *predictions);

/* `dtype` was given: a fault, as every tensor has its own. */
enum loss_status safetensors_fail_dtype_option(struct loss_error *error);

#endif
