/* words.c - words in messages. */
#include "codec/words.h"

#include <stdio.h>
#include <string.h>

enum { QUOTED_MAX = 40, COMPARED_MAX = 63 };

const char *words_quote(const char *word, char *text, size_t size)
{
    size_t length = strlen(word), shown = length < QUOTED_MAX ? length : QUOTED_MAX;
    char safe[QUOTED_MAX + 1];

    for (size_t i = 0; i < shown; i++)
        safe[i] = word[i] >= ' ' && word[i] < 0x7f && word[i] != '"' ? word[i] : '?';
    safe[shown] = '\0';
    (void)snprintf(text, size, "\"%s%s\"", safe, shown < length ? "..." : "");
    return text;
}

const char *words_list(const char *const *words, size_t count, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const char *joint = i == 0 ? "" : i + 1 == count ? " or " : ", ";
        int length = snprintf(text + used, size - used, "%s\"%s\"", joint, words[i]);

        used += length > 0 ? (size_t)length : 0;
    }
    return text;
}

/* The least number of characters to insert, delete or replace. */
static size_t distance(const char *a, const char *b)
{
    size_t row[COMPARED_MAX + 1], length = strlen(b);

    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);

            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[length];
}

const char *words_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word), nearest = length / 3 + 2; /* at most about a third is wrong */
    const char *found = NULL;

    if (length > COMPARED_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t edits = strlen(words[i]) <= COMPARED_MAX ? distance(word, words[i]) : nearest;

        if (edits < nearest) {
            nearest = edits;
            found = words[i];
        }
    }
    return found;
}

const char *words_unknown(const char *what, const char *word, const char *nearest, char *text,
                          size_t size)
{
    char quoted[QUOTED_MAX + sizeof "\"...\""];

    (void)words_quote(word, quoted, sizeof quoted);
    if (nearest == NULL)
        (void)snprintf(text, size, "there is no %s %s", what, quoted);
    else
        (void)snprintf(text, size, "there is no %s %s; did you mean \"%s\"?", what, quoted,
                       nearest);
    return text;
}
