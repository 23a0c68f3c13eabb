/* document.h - places in the description of the routes, as jansson's values. */
#ifndef SUPPORT_DOCUMENT_H
#define SUPPORT_DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

#include "server/routes.h"

/* The value at a JSON pointer (RFC 6901) of names; fails the test if there is none. */
json_t *document_at(const json_t *document, const char *pointer);
json_t *document_schema(const json_t *document, const char *name);
json_t *document_path(const json_t *document, const char *path);

/* The item of an array whose member `key` is that string, or NULL. */
const json_t *document_named(const json_t *array, const char *key, const char *string);

/* Whether an array has that string. */
bool document_lists(const json_t *array, const char *string);

/* A method as OpenAPI writes it. */
const char *document_method(enum method method);

/* Whether a failure, or success, has this HTTP status. */
bool document_is_status(unsigned http_status);

#endif
