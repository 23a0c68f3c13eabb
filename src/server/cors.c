/* cors.c - pages of other origins that may call. */
#include "server/cors.h"

#include <string.h>

const char cors_allowed[] = "content-type, content-encoding, inference-header-content-length, "
                            "authorization, x-request-id, x-timeout-ms, traceparent";
const char cors_exposed[] =
    "Inference-Header-Content-Length, X-Request-Id, Retry-After, Server-Timing";

const char *cors_origin(const char *setting, const struct head *head)
{
    if (head->origin == NULL || setting[0] == '\0')
        return NULL;
    return strcmp(setting, "*") == 0 || strcmp(setting, head->origin) == 0 ? setting : NULL;
}

bool cors_is_preflight(const struct head *head)
{
    return strcmp(head->method, "OPTIONS") == 0 && head->origin != NULL &&
           head->wanted_method != NULL;
}
