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
