/* openapi.h - the description of the routes, in OpenAPI 3.1: openapi.json, written by hand. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include "page/embedded.h"

extern const struct embedded embedded_openapi_json;

#endif
