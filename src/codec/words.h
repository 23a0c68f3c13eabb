/* words.h - words in messages: the client's quoted safely, ours listed and guessed at. */
#ifndef CODEC_WORDS_H
#define CODEC_WORDS_H

#include <stddef.h>

/* Write `word` in quotes, cut short, with everything but visible ASCII replaced; returns `text`. */
const char *words_quote(const char *word, char *text, size_t size);

/* Write "a", "b" or "c"; returns `text`. */
const char *words_list(const char *const *words, size_t count, char *text, size_t size);

/* The word nearest to `word` by edits (Levenshtein, 1966), if it is near enough to be a slip of the
 * pen, else NULL. */
const char *words_nearest(const char *word, const char *const *words, size_t count);

/* Write: there is no field "logit"; did you mean "logits"?  `what` is field, and `nearest` may be
 * NULL; returns `text`. */
enum { WORDS_UNKNOWN_BYTES = 192 };
const char *words_unknown(const char *what, const char *word, const char *nearest, char *text,
                          size_t size);

#endif
