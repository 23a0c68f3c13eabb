/* test_routes.c - which path and method lead where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/routes.h"

static void paths_are_found_exactly(void **state)
{
    static const struct {
        const char *path;
        enum route_name name;
    } rows[] = {
        {"/v1/evaluate", ROUTE_EVALUATE},
        {"/v1/version", ROUTE_VERSION},
        {"/openapi.json", ROUTE_OPENAPI},
        {"/openapi", ROUTE_OTHER},
        {"/metrics", ROUTE_METRICS},
        {"/livez", ROUTE_LIVE},
        {"/readyz", ROUTE_READY},
        {"/v2", ROUTE_V2},
        {"/v2/", ROUTE_V2},
        {"/v2/models", ROUTE_V2_MODELS},
        {"/v2/models/", ROUTE_OTHER},
        {"/v2/models/stats", ROUTE_V2_STATISTICS},
        {"/v2/models/m", ROUTE_V2_MODEL},
        {"/v2/models/m/", ROUTE_OTHER},
        {"/v2/models/m/versions/1", ROUTE_V2_MODEL},
        {"/v2/models/m/versions/1/infer", ROUTE_V2_INFER},
        {"/v2/models/m/versions/infer", ROUTE_V2_MODEL},
        {"/v2/models/m/infer", ROUTE_V2_INFER},
        {"/v2/models/m/infer/", ROUTE_OTHER},
        {"/v2/models//infer", ROUTE_OTHER},
        {"/v2/repository/models/m/load", ROUTE_V2_LOAD},
        {"/v2/health/live", ROUTE_V2_LIVE},
        {"/v2/health", ROUTE_OTHER},
        {"/", ROUTE_PAGE},
        {"/page", ROUTE_OTHER},
        {"/page/", ROUTE_OTHER},
        {"/page/x", ROUTE_PAGE_FILE},
        {"/page/main.js", ROUTE_PAGE_FILE},
        {"/page/x/", ROUTE_OTHER},
        {"/page/../x", ROUTE_OTHER},
        {"/page/versions/1", ROUTE_OTHER},
        {"/index.html", ROUTE_OTHER},
        {"", ROUTE_OTHER},
        {"other", ROUTE_OTHER},
        {"/other", ROUTE_OTHER},
        {"/v1/evaluate/", ROUTE_OTHER},
        {"//v1/evaluate", ROUTE_OTHER},
        {"/v1//evaluate", ROUTE_OTHER},
        {"/v1/../v1/evaluate", ROUTE_OTHER},
        {"/V1/evaluate", ROUTE_OTHER},
        {"/v1/evaluat", ROUTE_OTHER},
        {"/metrics?x", ROUTE_OTHER},
        {"*", ROUTE_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (route_find(rows[i].path, &(struct route_names){.model = ""}) != rows[i].name)
            fail_msg("%s leads elsewhere", rows[i].path);
    }
}

static void every_route_has_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < ROUTE_OTHER; i++) {
        enum route_name name = (enum route_name)i;
        const struct route *row = route_row(name);

        assert_non_null(row->answer);
        assert_int_equal(route_find(route_path(name), &(struct route_names){.model = ""}), name);
        assert_int_equal(row->needs_body, name == ROUTE_EVALUATE);
        assert_int_equal(row->takes_body, strcmp(row->allow, "POST") == 0);
    }
    assert_null(route_row(ROUTE_OTHER));
    assert_string_equal(route_path(ROUTE_OTHER), "other");
}

static void names_come_out_of_paths(void **state)
{
    struct route_names names;
    char path[200] = "/v2/models/";

    (void)state;
    (void)route_find("/v2/models/nll_loss/versions/12/infer", &names);
    assert_string_equal(names.model, "nll_loss");
    assert_string_equal(names.version, "12");
    (void)route_find("/v2/models/nll_loss/infer", &names);
    assert_string_equal(names.model, "nll_loss");
    assert_string_equal(names.version, "");
    (void)route_find("/livez", &names);
    assert_string_equal(names.model, "");
    assert_string_equal(names.file, "");
    (void)route_find("/page/main.js", &names);
    assert_string_equal(names.file, "main.js");
    assert_string_equal(names.model, "");
    memset(path + strlen(path), 'x', 100); /* longer than there is room */
    assert_int_equal(route_find(path, &names), ROUTE_V2_MODEL);
    assert_int_equal(strlen(names.model), sizeof names.model - 1);
}

/* What Allow says is what is taken. */
static void methods_are_those_of_allow(void **state)
{
    (void)state;
    for (int i = 0; i < ROUTE_OTHER; i++) {
        const struct route *row = route_row((enum route_name)i);

        assert_false(route_takes(row, METHOD_OTHER));
        for (int method = METHOD_GET; method < METHOD_OTHER; method++) {
            const char *name = method_name((enum method)method);

            assert_true(route_takes(row, (enum method)method) ==
                        (strstr(row->allow, name) != NULL));
        }
    }
    assert_string_equal(route_row(ROUTE_EVALUATE)->allow, "POST");
    assert_string_equal(route_row(ROUTE_LIVE)->allow, "GET, HEAD");
}

static void methods_are_found_exactly(void **state)
{
    static const struct {
        const char *name;
        enum method method;
    } rows[] = {
        {"GET", METHOD_GET},       {"HEAD", METHOD_HEAD},   {"POST", METHOD_POST},
        {"get", METHOD_OTHER},     {"PUT", METHOD_OTHER},   {"DELETE", METHOD_OTHER},
        {"OPTIONS", METHOD_OTHER}, {"POSTS", METHOD_OTHER}, {"", METHOD_OTHER},
        {"other", METHOD_OTHER},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(method_find(rows[i].name), rows[i].method);
    for (int method = 0; method < METHOD_COUNT; method++)
        assert_int_equal(method_find(method_name((enum method)method)), method);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_found_exactly),   cmocka_unit_test(every_route_has_a_row),
        cmocka_unit_test(names_come_out_of_paths),   cmocka_unit_test(methods_are_those_of_allow),
        cmocka_unit_test(methods_are_found_exactly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
