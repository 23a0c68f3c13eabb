/* text.h - a growing JSON text in an arena.  When memory or patience runs out it stays as it is and
 * says so once, at the end, so that writers need no checks in between. */
#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/patience.h"
#include "loss/arena.h"
#include "loss/tensor.h"

struct text {
    struct loss_arena *arena; /* nothing else may be taken from it while the text grows */
    char *data;
    size_t length, capacity;
    bool failed;                     /* memory ran out, or patience: the text is incomplete */
    bool is_unwanted;                /* it was patience */
    const struct patience *patience; /* or NULL, as text_init leaves it */
    size_t asked;                    /* the length when it was asked */
};

/* An empty text with room for `capacity` bytes. */
void text_init(struct text *text, struct loss_arena *arena, size_t capacity);

/* Room for `bytes` more: where to write them, or NULL if the text has failed.
 * Add to length afterwards. */
char *text_room(struct text *text, size_t bytes);

/* Between pieces of the work for it: whether it is still wanted.  False once it has failed. */
bool text_is_wanted(struct text *text);

void text_put(struct text *text, const char *bytes, size_t length);
void text_word(struct text *text, const char *word); /* as it is, up to its NUL */

/* Write a JSON string to `at`, which has room for 6 bytes for each of the string's and 2 more;
 * returns the byte after it.  `ascii` writes U+FFFD for every byte above 0x7f: of a text that was
 * cut, perhaps inside a character. */
char *text_escape(char *at, const char *string, bool ascii);

/* A JSON string: quotes, and escapes where RFC 8259 wants them.  `string` is UTF-8. */
void text_string(struct text *text, const char *string);

void text_unsigned(struct text *text, size_t value);
void text_double(struct text *text, double value); /* as shortest.h writes it */

/* Write element `index` to `at`, which has SHORTEST_BYTES_MAX bytes of room
 * (shortest.h); returns its length, no NUL.  Of the floating dtypes and int64; the
 * 16-bit ones as the float32 they equal. */
size_t text_element(const struct loss_tensor *tensor, size_t index, char *at);

/* Nested arrays of the tensor's shape; a single number for rank 0.  Elements as text_element's. */
void text_tensor(struct text *text, const struct loss_tensor *tensor);

#endif
