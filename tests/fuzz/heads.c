/* heads.c - the head of a request from text. */
#include "fuzz/heads.h"

#include <string.h>

/* Note "name: value", which is changed. */
static void note_header(struct head *head, char *line)
{
    char *colon = strchr(line, ':'), *value = NULL;

    if (colon != NULL) {
        *colon = '\0';
        value = colon + 1 + strspn(colon + 1, " \t");
    }
    head_note(head, line, strlen(line), value);
}

/* The method, the path and the query of the first line, which is changed. */
static void read_request(struct head *head, char *line)
{
    char *path = strchr(line, ' '), *query, *pair;

    head->method = line;
    head->path = "";
    if (path == NULL)
        return;
    *path++ = '\0';
    head->path = path;
    query = strchr(path, '?');
    if (query == NULL)
        return;
    *query++ = '\0';
    while ((pair = strsep(&query, "&")) != NULL) {
        const char *name = strsep(&pair, "=");

        head_note_query(head, name, strlen(name), pair, pair != NULL ? strlen(pair) : 0);
    }
}

char *heads_read(struct head *head, char *text)
{
    char *rest = text, *line;

    *head = (struct head){.method = NULL};
    read_request(head, strsep(&rest, "\n"));
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0')
        note_header(head, line);
    return rest;
}
