/* response.c - a reply of HTTP. */
#include "support/response.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "support/texts.h"

void response_clear(struct response *response)
{
    response->head_length = response->body_length = 0;
    text_append(&response->head, &response->head_length, &response->head_room, NULL, 0);
    text_append(&response->body, &response->body_length, &response->body_room, NULL, 0);
    response->status = response->connects = 0;
    response->continues = 0;
    response->failure = NULL;
}

void response_free(struct response *response)
{
    free(response->head);
    free(response->body);
    *response = (struct response){0};
}

const char *response_header(const struct response *response, const char *name, char *text,
                            size_t size)
{
    size_t length = strlen(name);

    for (const char *line = response->head; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        line += length + 1;
        line += strspn(line, " \t");
        (void)snprintf(text, size, "%.*s", (int)strcspn(line, "\r\n"), line);
        return text;
    }
    return NULL;
}

json_t *response_json(const struct response *response)
{
    if (response->body == NULL)
        return NULL;
    return json_loadb(response->body, response->body_length, JSON_REJECT_DUPLICATES, NULL);
}

const char *json_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

double json_number(const json_t *value)
{
    const char *word = json_string_value(value);

    if (json_is_number(value))
        return json_number_value(value);
    if (word != NULL && strcmp(word, "Infinity") == 0)
        return (double)INFINITY;
    return word != NULL && strcmp(word, "-Infinity") == 0 ? -(double)INFINITY : (double)NAN;
}

const char *response_fault(const struct response *response, long status, const char *code,
                           const char *where, char *text, size_t size)
{
    json_t *json = response_json(response);
    const json_t *place = json_object_get(json, "where");
    char type[64] = "", id[160] = "";
    const char *fault = NULL;

    (void)response_header(response, "Content-Type", type, sizeof type);
    (void)response_header(response, "X-Request-Id", id, sizeof id);
    if (response->status != status)
        fault = "the status";
    else if (strcmp(type, "application/json") != 0)
        fault = "the Content-Type";
    else if (json_text(json, "error")[0] == '\0')
        fault = "the sentence";
    else if (strcmp(json_text(json, "code"), code) != 0)
        fault = "the code";
    else if (where == NULL ? place != NULL : strcmp(json_text(json, "where"), where) != 0)
        fault = "the place";
    else if (id[0] == '\0' || strcmp(json_text(json, "request_id"), id) != 0)
        fault = "the request id";
    else if (json_object_size(json) != (where == NULL ? 3 : 4))
        fault = "the number of members";
    json_decref(json);
    if (fault == NULL)
        return NULL;
    (void)snprintf(text, size, "%s is wrong: want %ld %s at %s, got %ld %s%.300s", fault, status,
                   code, where != NULL ? where : "no place", response->status,
                   response->failure != NULL ? response->failure : "", response->body);
    return text;
}
