/* files.h - bodies that are safetensors files, and their answers. */
#ifndef SUPPORT_FILES_H
#define SUPPORT_FILES_H

#include <jansson.h>
#include <stddef.h>

#include "codec/answer.h"

extern const struct codec_limits file_limits; /* wide ones */

/* A file in a block that ends where it ends. */
struct file {
    void *block;
    char *bytes;
    size_t length;
};

/* Make a file of a header, written with ' for ", and a buffer.  It begins `shift` bytes after a
 * multiple of 64.  To be freed. */
void file_make(struct file *file, const char *header, const void *buffer, size_t bytes,
               size_t shift);
void file_free(struct file *file);

/* Its answer in either form. */
enum loss_status file_answer(const struct file *file, enum answer_form out,
                             struct loss_arena *arena, struct answer *answer,
                             struct loss_error *error);

/* Fails the test unless the answer to the file, in JSON, is that to this
 * body of JSON with ' for ". */
void file_check_same(const struct file *file, const char *body);

/* The header of a file, to be json_decref'd; fails the test if there is none. */
json_t *file_header(const char *bytes, size_t length);

/* A tensor of a file, by the header: a view; fails the test if it is not there or not aligned. */
struct loss_tensor file_tensor(const char *bytes, const json_t *header, const char *name);

#endif
