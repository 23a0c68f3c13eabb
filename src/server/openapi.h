/* openapi.h - the description of the routes, in OpenAPI 3.1.
 *
 * It is written by hand in openapi.json; the Makefile makes this array of its bytes. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include <stddef.h>

extern const char openapi_document[]; /* ends in no NUL */
extern const size_t openapi_document_length;

#endif
