/* texts.h - small things that tests do with strings. */
#ifndef SUPPORT_TEXTS_H
#define SUPPORT_TEXTS_H

#include <stddef.h>

/* How often a part occurs in a text. */
size_t text_count(const char *text, const char *part);

/* `before`, `part` so many times, `after`; to be freed. */
char *text_repeated(const char *before, const char *part, size_t count, const char *after);

/* Append bytes to a text of this length, with room for so much; it ends in a NUL that is not
 * counted.  NULL and zeros are an empty one. */
void text_append(char **text, size_t *length, size_t *room, const char *bytes, size_t count);

#endif
