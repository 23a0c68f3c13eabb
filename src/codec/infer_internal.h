/* infer_internal.h - what the files of infer.h share. */
#ifndef CODEC_INFER_INTERNAL_H
#define CODEC_INFER_INTERNAL_H

#include "codec/envelope.h"
#include "codec/infer.h"
#include "codec/scan.h"
#include "codec/tensor_json.h"

/* ---- outputs and datatypes by name: infer_names.c ---- */

/* An output is known by its number: the figures, which every model declares, come first, then the
 * parts of loss_result. */
enum infer_figure {
    INFER_LOSS,
    INFER_LOSS_SUM,
    INFER_WEIGHT_SUM,
    INFER_COUNT,
    INFER_IGNORED,
    INFER_CORRECT,
    INFER_CLASSES
};

/* How many: an int, to which parts may be added. */
#define INFER_FIGURES ((int)INFER_CLASSES + 1)

enum { INFER_OUTPUTS = INFER_FIGURES + LOSS_PART_COUNT, INFER_NAME_BYTES = 32 };

/* Write its name, INFER_NAME_BYTES at most; returns it. */
const char *infer_output_name(int number, char *name);

/* The outputs that a name stands for: *first and those after it, as many as are returned.  A
 * table's name stands for its columns. */
int infer_output_find(const char *name, int *first);

/* Write the name that is nearest to this one; returns it, or NULL if none is near. */
const char *infer_output_nearest(const char *name, char *nearest);

struct infer_datatype {
    const char *name;
    enum loss_dtype dtype; /* what it becomes; wider than `bytes` if libloss has no such type */
    size_t bytes;          /* of an element on the wire */
    int64_t least, most;   /* of an integer that means something here */
};

const struct infer_datatype *infer_datatype_find(const char *name); /* NULL if there is none */
const char *infer_datatype_name(enum loss_dtype dtype);             /* of a dtype in a result */
const char *infer_datatype_list(bool with_integers, char *text, size_t size);

/* ---- a request ---- */

struct infer_output {
    int number;
    bool is_binary;
    size_t top; /* return this many of the largest with their indices; 0: all as they are */
};

/* What a reply is made of. */
struct infer_request {
    const struct infer_model *model;
    size_t count;
    struct infer_output outputs[INFER_OUTPUTS];
};

enum infer_field { INFER_PREDICTIONS, INFER_TARGETS, INFER_WEIGHTS, INFER_FIELDS };

/* An input on its way. */
struct infer_input {
    char name[SCAN_KEY_BYTES];
    int field; /* of that name, or INFER_FIELDS */
    char datatype_name[SCAN_KEY_BYTES];
    const struct infer_datatype *datatype; /* of that name, or NULL */
    bool has_shape, has_bytes, is_read;
    struct loss_tensor tensor;
    const char *text; /* of its data; NULL if there is none */
    struct tensor_json read;
    uint64_t bytes; /* binary_data_size */
};

/* An output on its way. */
struct infer_wish {
    char name[SCAN_KEY_BYTES];
    bool is_binary;
    uint64_t top;
};

struct infer_decoding {
    struct scanner scanner; /* of the JSON */
    const struct codec_limits *limits;
    struct loss_arena *arena;
    struct codec_request *request;
    struct infer_request *infer;
    struct envelope envelope;
    const char *place; /* JSON pointer of the object that is read */
    size_t index;      /* of the input or output that is read */
    struct infer_input input;
    struct infer_wish wish;
    bool has_head;
    const char *tail;         /* the binary data that no input has taken yet */
    size_t tail_bytes, taken; /* its bytes, and those of the inputs so far */
    bool wants_binary;        /* binary_data_output */
    bool given[INFER_FIELDS];
    struct loss_tensor tensors[INFER_FIELDS];
};

/* A member that means something, and who reads it.  One that is null counts as absent. */
struct infer_member {
    const char *name;
    enum loss_status (*read)(struct infer_decoding *decoding);
};

/* Read the object of this place: `other` reads the members that are not in the table; NULL ignores
 * them. */
enum loss_status infer_read_object(struct infer_decoding *decoding, const char *place,
                                   const struct infer_member *members, size_t count,
                                   enum loss_status (*other)(struct infer_decoding *decoding));

/* The same for the whole text. */
enum loss_status infer_read_document(struct infer_decoding *decoding,
                                     const struct infer_member *members, size_t count);

/* Read an array of objects; `read` gets the decoding, and counts its index. */
enum loss_status infer_read_list(struct infer_decoding *decoding, scan_reader *read);

/* Read the value of the member that scanner.key names. */
enum loss_status infer_read_word(struct infer_decoding *decoding, char word[SCAN_KEY_BYTES]);
enum loss_status infer_read_flag(struct infer_decoding *decoding, bool *flag);
enum loss_status infer_read_count(struct infer_decoding *decoding, uint64_t *count);

/* Describe a fault of a member of the object that is read; `member` NULL means the object. */
__attribute__((format(printf, 4, 5))) enum loss_status infer_fail(struct infer_decoding *decoding,
                                                                  enum loss_status status,
                                                                  const char *member,
                                                                  const char *format, ...);

/* Step over the value of the member that scanner.key names: it is of the wrong type. */
enum loss_status infer_fail_type(struct infer_decoding *decoding, const char *expected);

/* Refuse a name that is not known: `what` it was meant to be, and the nearest that is known. */
enum loss_status infer_fail_unknown(struct infer_decoding *decoding, const char *member,
                                    const char *what, const char *name, const char *nearest);

/* Refuse a parameter of shared memory. */
enum loss_status infer_refuse_shared_memory(struct infer_decoding *decoding);

/* The readers of the parts of a request. */
enum loss_status infer_read_inputs(struct infer_decoding *decoding);     /* infer_input.c */
enum loss_status infer_finish_input(struct infer_decoding *decoding);    /* infer_tensor.c */
enum loss_status infer_read_numbers(struct infer_decoding *decoding);    /* infer_tensor.c */
enum loss_status infer_read_outputs(struct infer_decoding *decoding);    /* infer_outputs.c */
enum loss_status infer_finish_outputs(struct infer_decoding *decoding);  /* infer_outputs.c */
enum loss_status infer_read_parameters(struct infer_decoding *decoding); /* infer_parameters.c */

/* ---- a reply ---- */

/* The largest elements of a tensor along its class axis, or of all of it. */
struct infer_ranking {
    const struct loss_tensor *tensor;
    struct loss_tensor shape;          /* of the ranking; no data */
    size_t outer, classes, inner, top; /* as in libloss: element (o, c, i) */
    size_t *order;                     /* the class of element (o, j, i) of the ranking */
};

enum { INFER_RANK_BYTES = 384 }; /* the longest "<value>:<index>" has 310 digits, and six more */

/* Rank, in the arena of the text that it is for; false if memory or patience ran out.  Equal
 * elements rank by their index, NaN before all numbers. */
bool infer_rank(struct infer_ranking *ranking, const struct loss_tensor *tensor, bool has_classes,
                size_t top, struct text *text);

/* Write element `index` of the ranking to `text`, INFER_RANK_BYTES; returns its length. */
size_t infer_rank_write(const struct infer_ranking *ranking, size_t index, char *text);

#endif
