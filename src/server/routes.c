/* routes.c - the table of routes. */
#include "server/routes.h"

#include <stddef.h>
#include <string.h>

#include "server/answers.h"

static const struct route routes[ROUTE_OTHER] = {
    [ROUTE_EVALUATE] = {ROUTE_EVALUATE, true, "POST", answer_evaluate},
    [ROUTE_VERSION] = {ROUTE_VERSION, false, "GET, HEAD", answer_version},
    [ROUTE_METRICS] = {ROUTE_METRICS, false, "GET, HEAD", answer_metrics},
    [ROUTE_LIVE] = {ROUTE_LIVE, false, "GET, HEAD", answer_live},
    [ROUTE_READY] = {ROUTE_READY, false, "GET, HEAD", answer_ready},
};

static const char *const paths[ROUTE_COUNT] = {
#define ROUTE_PATH(name, path) [name] = path,
    ROUTE_TABLE(ROUTE_PATH)
#undef ROUTE_PATH
};

static const char *const methods[METHOD_COUNT] = {"GET", "HEAD", "POST", "other"};

enum route_name route_find(const char *path)
{
    int name = 0;

    while (name < ROUTE_OTHER && strcmp(paths[name], path) != 0)
        name++;
    return (enum route_name)name;
}

const struct route *route_row(enum route_name name)
{
    return name < ROUTE_OTHER ? &routes[name] : NULL;
}

const char *route_path(enum route_name name)
{
    return paths[name];
}

bool route_takes(const struct route *route, enum method method)
{
    return route->takes_body ? method == METHOD_POST
                             : method == METHOD_GET || method == METHOD_HEAD;
}

enum method method_find(const char *name)
{
    int method = 0;

    while (method < METHOD_OTHER && strcmp(methods[method], name) != 0)
        method++;
    return (enum method)method;
}

const char *method_name(enum method method)
{
    return methods[method];
}
