/* questions.h - random requests, and how each is written in every form that lossd takes. */
#ifndef SUPPORT_QUESTIONS_H
#define SUPPORT_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QUESTION_STAGES = 3,
    QUESTION_OUTPUTS = 14,
    QUESTION_PLAIN_OUTPUTS = 7 /* the first ones, which need no class indices */
};

struct question {
    int stage;    /* of QUESTION_STAGES */
    bool is_wide; /* float64, not float32 */
    unsigned rank;
    size_t shape[4], elements, classes, positions;
    double *predictions, *probabilities,
        *weights;     /* in float32 all are such; the last two or NULL */
    int64_t *indices; /* NULL if there are probabilities */
    bool has_ignore_index, has_smoothing;
    int64_t ignore_index;
    double smoothing;
    const char *reduction; /* NULL: none is given */
    unsigned wants;        /* bits, of the names in questions_write.c */
    unsigned k, bins;      /* 0: not given */
    unsigned turn;         /* for choices of form that make no difference */
};

extern const char *const question_models[QUESTION_STAGES];

/* The next one of a sequence whose state is *seed. */
void question_make(struct question *question, uint64_t *seed);
void question_free(struct question *question);

/* A body, to be freed. */
struct question_body {
    char *bytes;
    size_t length;
    size_t head_length; /* of its JSON */
};

struct question_body question_json(const struct question *question); /* on one line */
struct question_body question_file(const struct question *question); /* safetensors */
struct question_body question_inference(const struct question *question, bool is_binary);

#endif
