/* routes.h - what can be asked for. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include <stdbool.h>

struct exchange;

/*    name, path */
#define ROUTE_TABLE(X)                \
    X(ROUTE_EVALUATE, "/v1/evaluate") \
    X(ROUTE_VERSION, "/v1/version")   \
    X(ROUTE_METRICS, "/metrics")      \
    X(ROUTE_LIVE, "/livez")           \
    X(ROUTE_READY, "/readyz")         \
    X(ROUTE_OTHER, "other") /* no path at all; must be last */

#define ROUTE_ENUM(name, path) name,
enum route_name { ROUTE_TABLE(ROUTE_ENUM) ROUTE_COUNT };
#undef ROUTE_ENUM

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER, METHOD_COUNT };

struct route {
    enum route_name name;
    bool takes_body;                           /* POST with a body; the others take GET and HEAD */
    const char *allow;                         /* the methods, for Allow */
    void (*answer)(struct exchange *exchange); /* make the reply, on the loop thread or a worker */
};

/* The route of a path, without its query; ROUTE_OTHER if there is none. */
enum route_name route_find(const char *path);

/* Its row; NULL for ROUTE_OTHER. */
const struct route *route_row(enum route_name name);

const char *route_path(enum route_name name);
bool route_takes(const struct route *route, enum method method);

enum method method_find(const char *name);
const char *method_name(enum method method);

#endif
