/* routes.h - what can be asked for. */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include <stdbool.h>

#include "server/content.h"

struct exchange;

/*    name, path: {model} and {file} stand for any one segment, and after a model /versions/V may be
 *    left out */
#define ROUTE_TABLE(X)                                         \
    X(ROUTE_PAGE, "/")                                         \
    X(ROUTE_PAGE_FILE, "/page/{file}")                         \
    X(ROUTE_EVALUATE, "/v1/evaluate")                          \
    X(ROUTE_VERSION, "/v1/version")                            \
    X(ROUTE_OPENAPI, "/openapi.json")                          \
    X(ROUTE_METRICS, "/metrics")                               \
    X(ROUTE_LIVE, "/livez")                                    \
    X(ROUTE_READY, "/readyz")                                  \
    X(ROUTE_V2, "/v2")                                         \
    X(ROUTE_V2_LIVE, "/v2/health/live")                        \
    X(ROUTE_V2_READY, "/v2/health/ready")                      \
    X(ROUTE_V2_MODELS, "/v2/models")                           \
    X(ROUTE_V2_STATISTICS, "/v2/models/stats")                 \
    X(ROUTE_V2_MODEL, "/v2/models/{model}")                    \
    X(ROUTE_V2_MODEL_READY, "/v2/models/{model}/ready")        \
    X(ROUTE_V2_MODEL_CONFIG, "/v2/models/{model}/config")      \
    X(ROUTE_V2_MODEL_STATISTICS, "/v2/models/{model}/stats")   \
    X(ROUTE_V2_INFER, "/v2/models/{model}/infer")              \
    X(ROUTE_V2_INDEX, "/v2/repository/index")                  \
    X(ROUTE_V2_LOAD, "/v2/repository/models/{model}/load")     \
    X(ROUTE_V2_UNLOAD, "/v2/repository/models/{model}/unload") \
    X(ROUTE_OTHER, "other") /* no path at all; must be last */

#define ROUTE_ENUM(name, path) name,
enum route_name { ROUTE_TABLE(ROUTE_ENUM) ROUTE_COUNT };
#undef ROUTE_ENUM

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER, METHOD_COUNT };

/* Who may ask, once there are tokens; and what is answered when nothing else is. */
enum route_access {
    ROUTE_WANTS_TOKEN,
    ROUTE_IS_OPEN,    /* everybody */
    ROUTE_IS_HEALTH,  /* everybody: probes of orchestrators show no token; vital, */
    ROUTE_IS_METRICS, /* as this is: everybody, if metrics_access says so */
};

struct route {
    enum route_access access;
    bool takes_body; /* POST, perhaps with a body; the others take GET and HEAD */
    bool needs_body; /* and that has to be announced */
    /* Its reply may be compressed.  Not metadata and statistics of /v2: tritonclient's aio client
     * asks for gzip with every request, and decodes the replies of inference alone. */
    bool is_coded;
    const char *allow; /* the methods, for Allow */
    /* What the headers say of the body and the reply; NULL: nothing that matters. */
    enum loss_status (*content)(const struct head *head, struct content *content,
                                struct loss_error *error);
    void (*answer)(struct exchange *exchange); /* make the reply, on the loop thread or a worker */
};

/* The variable parts of a path; "" where it has none.  Longer ones than
 * any name there is are cut. */
struct route_names {
    char model[64], version[16], file[64];
};

/* The route of a path, without its query; ROUTE_OTHER if there is none. */
enum route_name route_find(const char *path, struct route_names *names);

/* Its row; NULL for ROUTE_OTHER. */
const struct route *route_row(enum route_name name);

const char *route_path(enum route_name name);
/* Whether it tells how the server is, which has to be known above all when it is not well. */
bool route_is_vital(const struct route *route);

bool route_takes(const struct route *route, enum method method);

enum method method_find(const char *name);
const char *method_name(enum method method);

#endif
