/* texts.c - small things that tests do with strings. */
#include "support/texts.h"

#include <stdlib.h>
#include <string.h>

size_t text_count(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

char *text_repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t length = strlen(before), step = strlen(part);
    char *text = malloc(length + step * count + strlen(after) + 1);

    if (text == NULL)
        abort();
    strcpy(text, before);
    for (size_t i = 0; i < count; i++)
        memcpy(text + length + i * step, part, step);
    strcpy(text + length + step * count, after);
    return text;
}

void text_append(char **text, size_t *length, size_t *room, const char *bytes, size_t count)
{
    if (*length + count + 1 > *room) {
        *room = 2 * (*length + count) + 256;
        *text = realloc(*text, *room);
        if (*text == NULL)
            abort();
    }
    if (count > 0)
        memcpy(*text + *length, bytes, count);
    *length += count;
    (*text)[*length] = '\0';
}
