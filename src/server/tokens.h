/* tokens.h - the bearer tokens of a file (RFC 6750), and whether a request shows one of them.
 *
 * One token on a line; blank lines, and those that begin with '#', do not count.  There may be
 * several, so that a new one can be given out before the old one is taken away.  A list never
 * changes, so any thread may look into it. */
#ifndef SERVER_TOKENS_H
#define SERVER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "loss/status.h"

/* Shorter ones could be guessed. */
enum { TOKENS_MAX = 64, TOKEN_BYTES_MIN = 16, TOKEN_BYTES_MAX = 256 };

struct tokens;

/* The tokens in a text of `length` bytes, the content of `path`.  NULL with LOSS_INTERNAL_ERROR,
 * and where it has a line the sentence "PATH:LINE: reason", if there is none, or anything else
 * stands there.  No sentence has a token in it. */
struct tokens *tokens_parse(const char *path, const char *text, size_t length,
                            struct loss_error *error);

/* Overwrite and free.  NULL is allowed. */
void tokens_free(struct tokens *tokens);

size_t tokens_count(const struct tokens *tokens);

/* The token in the value of a header Authorization, not ended by a NUL, and its length; NULL if it
 * is not "Bearer" and one token. */
const char *tokens_bearer(const char *authorization, size_t *length);

/* Whether this is one of them.  The time it takes depends on how many there are,
 * and not on what they are. */
bool tokens_include(const struct tokens *tokens, const char *token, size_t length);

#endif
