/* routes.c - the table of routes. */
#include "server/routes.h"

#include <stddef.h>
#include <string.h>

#include "server/answers.h"

#define GET_HEAD "GET, HEAD"

static const struct route routes[ROUTE_OTHER] = {
    [ROUTE_PAGE] = {false, false, false, true, GET_HEAD, content_of_document, answer_page},
    [ROUTE_PAGE_FILE] = {false, false, false, true, GET_HEAD, content_of_document, answer_page},
    [ROUTE_EVALUATE] = {false, true, true, true, "POST", content_of_evaluation, answer_evaluate},
    [ROUTE_VERSION] = {false, false, false, false, GET_HEAD, NULL, answer_version},
    [ROUTE_OPENAPI] = {false, false, false, true, GET_HEAD, content_of_document, answer_openapi},
    [ROUTE_METRICS] = {true, false, false, true, GET_HEAD, content_of_metrics, answer_metrics},
    [ROUTE_LIVE] = {true, false, false, false, GET_HEAD, NULL, answer_live},
    [ROUTE_READY] = {true, false, false, false, GET_HEAD, NULL, answer_ready},
    [ROUTE_V2] = {false, false, false, false, GET_HEAD, NULL, answer_v2},
    [ROUTE_V2_LIVE] = {true, false, false, false, GET_HEAD, NULL, answer_live},
    [ROUTE_V2_READY] = {true, false, false, false, GET_HEAD, NULL, answer_ready},
    [ROUTE_V2_MODELS] = {false, false, false, false, GET_HEAD, NULL, answer_v2_models},
    [ROUTE_V2_STATISTICS] = {false, false, false, false, GET_HEAD, NULL, answer_v2_statistics},
    [ROUTE_V2_MODEL] = {false, false, false, false, GET_HEAD, NULL, answer_v2_model},
    [ROUTE_V2_MODEL_READY] = {false, false, false, false, GET_HEAD, NULL, answer_v2_model_ready},
    [ROUTE_V2_MODEL_CONFIG] = {false, false, false, false, GET_HEAD, NULL, answer_v2_model_config},
    [ROUTE_V2_MODEL_STATISTICS] = {false, false, false, false, GET_HEAD, NULL,
                                   answer_v2_statistics},
    [ROUTE_V2_INFER] = {false, true, false, true, "POST", content_of_inference, answer_evaluate},
    [ROUTE_V2_INDEX] = {false, true, false, false, "POST", NULL, answer_v2_index},
    [ROUTE_V2_LOAD] = {false, true, false, false, "POST", NULL, answer_v2_fixed},
    [ROUTE_V2_UNLOAD] = {false, true, false, false, "POST", NULL, answer_v2_fixed},
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
