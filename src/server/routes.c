/* routes.c - the table of routes. */
#include "server/routes.h"

#include <stddef.h>
#include <string.h>

#include "server/answers.h"

#define GET_HEAD "GET, HEAD"

static const struct route routes[ROUTE_OTHER] = {
    [ROUTE_PAGE] = {ROUTE_IS_OPEN, false, false, true, GET_HEAD, content_of_document, answer_page},
    [ROUTE_PAGE_FILE] = {ROUTE_IS_OPEN, false, false, true, GET_HEAD, content_of_document,
                         answer_page},
    [ROUTE_EVALUATE] = {ROUTE_WANTS_TOKEN, true, true, true, "POST", content_of_evaluation,
                        answer_evaluate},
    [ROUTE_VERSION] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL, answer_version},
    [ROUTE_OPENAPI] = {ROUTE_WANTS_TOKEN, false, false, true, GET_HEAD, content_of_document,
                       answer_openapi},
    [ROUTE_METRICS] = {ROUTE_IS_METRICS, false, false, true, GET_HEAD, content_of_metrics,
                       answer_metrics},
    [ROUTE_LIVE] = {ROUTE_IS_HEALTH, false, false, false, GET_HEAD, NULL, answer_live},
    [ROUTE_READY] = {ROUTE_IS_HEALTH, false, false, false, GET_HEAD, NULL, answer_ready},
    [ROUTE_V2] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL, answer_v2},
    [ROUTE_V2_LIVE] = {ROUTE_IS_HEALTH, false, false, false, GET_HEAD, NULL, answer_live},
    [ROUTE_V2_READY] = {ROUTE_IS_HEALTH, false, false, false, GET_HEAD, NULL, answer_ready},
    [ROUTE_V2_MODELS] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL, answer_v2_models},
    [ROUTE_V2_STATISTICS] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL,
                             answer_v2_statistics},
    [ROUTE_V2_MODEL] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL, answer_v2_model},
    [ROUTE_V2_MODEL_READY] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL,
                              answer_v2_model_ready},
    [ROUTE_V2_MODEL_CONFIG] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL,
                               answer_v2_model_config},
    [ROUTE_V2_MODEL_STATISTICS] = {ROUTE_WANTS_TOKEN, false, false, false, GET_HEAD, NULL,
                                   answer_v2_statistics},
    [ROUTE_V2_INFER] = {ROUTE_WANTS_TOKEN, true, false, true, "POST", content_of_inference,
                        answer_evaluate},
    [ROUTE_V2_INDEX] = {ROUTE_WANTS_TOKEN, true, false, false, "POST", NULL, answer_v2_index},
    [ROUTE_V2_LOAD] = {ROUTE_WANTS_TOKEN, true, false, false, "POST", NULL, answer_v2_fixed},
    [ROUTE_V2_UNLOAD] = {ROUTE_WANTS_TOKEN, true, false, false, "POST", NULL, answer_v2_fixed},
};

static const char *const paths[ROUTE_COUNT] = {
#define ROUTE_PATH(name, path) [name] = path,
    ROUTE_TABLE(ROUTE_PATH)
#undef ROUTE_PATH
};

static const char *const methods[METHOD_COUNT] = {"GET", "HEAD", "POST", "other"};

/* Copy the segment at `path`, cut to `size`; returns the byte after it. */
static const char *take_segment(const char *path, char *text, size_t size)
{
    size_t length = strcspn(path, "/"), kept = length < size ? length : size - 1;

    memcpy(text, path, kept);
    text[kept] = '\0';
    return path + length;
}

static bool matches(const char *pattern, const char *path, struct route_names *names)
{
    static const char file[] = "{file}", model[] = "{model}", versions[] = "/versions/";
    const char *variable = strchr(pattern, '{');
    size_t fixed = variable != NULL ? (size_t)(variable - pattern) : strlen(pattern);

    *names = (struct route_names){.model = ""};
    if (strncmp(pattern, path, fixed) != 0)
        return false;
    path += fixed;
    if (variable == NULL)
        return *path == '\0';
    if (strcmp(variable, file) == 0) {
        path = take_segment(path, names->file, sizeof names->file);
        return names->file[0] != '\0' && *path == '\0';
    }
    path = take_segment(path, names->model, sizeof names->model);
    if (strncmp(path, versions, sizeof versions - 1) == 0) {
        path = take_segment(path + sizeof versions - 1, names->version, sizeof names->version);
        if (names->version[0] == '\0')
            return false;
    }
    return names->model[0] != '\0' && strcmp(path, variable + sizeof model - 1) == 0;
}

enum route_name route_find(const char *path, struct route_names *names)
{
    int name = 0;

    if (strcmp(path, "/v2/") == 0) /* as the protocol's own description has it */
        path = "/v2";
    while (name < ROUTE_OTHER && !matches(paths[name], path, names))
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

bool route_is_vital(const struct route *route)
{
    return route->access == ROUTE_IS_HEALTH || route->access == ROUTE_IS_METRICS;
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
