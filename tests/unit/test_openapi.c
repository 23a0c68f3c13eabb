/* test_openapi.c - openapi.json against the tables that it describes: nothing is missing on either
 * side, what it refers to is there, and its examples are answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/infer.h"
#include "codec/request_options.h"
#include "server/exchange.h"
#include "server/openapi.h"
#include "support/document.h"
#include "version.h"

enum { PATH_BYTES = 128, STATUS_BYTES = 8 };

static json_t *document;

static int start(void **state)
{
    json_error_t error;

    (void)state;
    document = json_loadb((const char *)embedded_openapi_json.bytes, embedded_openapi_json.length,
                          JSON_REJECT_DUPLICATES, &error);
    if (document == NULL)
        fail_msg("line %d: %s", error.line, error.text);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

/* ---- the document as a whole ---- */

static void the_version_is_the_programs(void **state)
{
    (void)state;
    assert_string_equal(json_string_value(document_at(document, "/openapi")), "3.1.0");
    assert_string_equal(json_string_value(document_at(document, "/info/version")), version_number);
}

static void it_is_the_file(void **state)
{
    FILE *file = fopen("src/server/openapi.json", "rbe");

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < embedded_openapi_json.length; i++)
        assert_int_equal(fgetc(file), embedded_openapi_json.bytes[i]);
    assert_int_equal(fgetc(file), EOF);
    (void)fclose(file);
}

static void follow(const json_t *value)
{
    const char *reference = json_string_value(json_object_get(value, "$ref"));
    const char *key;
    json_t *item;
    size_t i;

    if (reference != NULL)
        (void)document_at(document, reference + (reference[0] == '#'));
    json_object_foreach ((json_t *)(uintptr_t)value, key, item)
        follow(item);
    json_array_foreach(value, i, item) follow(item);
}

static void what_is_referred_to_is_there(void **state)
{
    (void)state;
    follow(document);
}

/* ---- routes ---- */

/* The statuses that a route can have by its row. */
static bool is_plausible(const struct route *row, const char *path, unsigned status)
{
    bool evaluates = row->content == content_of_evaluation || row->content == content_of_inference;

    switch (status) {
    case 200: return strstr(path, "load") == NULL;
    case 304: return row->content == content_of_document;
    case 401: return row->access == ROUTE_WANTS_TOKEN || row->access == ROUTE_IS_METRICS;
    case 404: return strchr(path, '{') != NULL;
    case 405: return false; /* that of the path, for methods that are not here */
    case 406:
    case 411: return row->content == content_of_evaluation;
    case 413: return row->takes_body;
    case 415:
    case 504: return evaluates;
    case 501: return strstr(path, "load") != NULL;
    default: return true;
    }
}

/* A path item has the methods of the route, and each the statuses of it. */
static void check_path(enum route_name name, const char *path)
{
    const struct route *row = route_row(name);
    const json_t *item = document_path(document, path);

    for (int m = METHOD_GET; m < METHOD_OTHER; m++) {
        const char *key = document_method((enum method)m);
        const json_t *operation = json_object_get(item, key);
        const json_t *responses = json_object_get(operation, "responses");
        char text[STATUS_BYTES];

        if ((operation != NULL) != route_takes(row, (enum method)m))
            fail_msg("%s %s is on one side only", key, path);
        for (unsigned status = 200; operation != NULL && status < 600; status++) {
            (void)snprintf(text, sizeof text, "%u", status);
            if ((json_object_get(responses, text) != NULL) !=
                ((status == 304 || document_is_status(status)) && is_plausible(row, path, status)))
                fail_msg("%s %s: %u is on one side only", key, path, status);
        }
    }
}

/* With the part of a path after {model} that may be left out; false if it cannot be there. */
static bool with_version(const char *path, char text[PATH_BYTES])
{
    static const char stem[] = "/v2/models/{model}";

    if (strncmp(path, stem, sizeof stem - 1) != 0)
        return false;
    (void)snprintf(text, PATH_BYTES, "%s/versions/{version}%s", stem, path + sizeof stem - 1);
    return true;
}

static void routes_are_those_of_the_table(void **state)
{
    size_t count = 0;

    (void)state;
    for (int i = 0; i < ROUTE_OTHER; i++) {
        enum route_name name = (enum route_name)i;
        char text[PATH_BYTES];

        check_path(name, route_path(name));
        count++;
        if (!with_version(route_path(name), text))
            continue;
        check_path(name, text);
        count++;
    }
    assert_int_equal(json_object_size(document_at(document, "/paths")), count);
}

/* ---- what a request may have ---- */

static void fields_are_those_of_the_decoder(void **state)
{
    const json_t *request = document_schema(document, "EvaluateRequest");
    const json_t *fields = json_object_get(request, "properties");
    const json_t *query = document_at(document, "/paths/~1v1~1evaluate/post/parameters");
    size_t count, i, in_query = 0;
    const char *const *names = request_option_names(&count);
    json_t *parameter;

    (void)state;
    json_array_foreach(query, i, parameter) in_query += json_object_get(parameter, "in") != NULL;
    assert_int_equal(in_query, count);
    for (i = 0; i < count; i++) {
        if (json_object_get(fields, names[i]) == NULL ||
            document_named(query, "name", names[i]) == NULL)
            fail_msg("the option %s is missing", names[i]);
    }
    for (int stage = 0; stage < LOSS_STAGE_COUNT; stage++)
        assert_non_null(json_object_get(fields, loss_stage_name((enum loss_stage)stage)));
    assert_non_null(json_object_get(fields, "targets"));
    assert_non_null(json_object_get(fields, "weights"));
    assert_int_equal(json_object_size(fields), count + LOSS_STAGE_COUNT + 2);
    assert_int_equal(json_array_size(json_object_get(request, "oneOf")), LOSS_STAGE_COUNT);
}

/* The options of the protocol are the others', but for those that are something else in it. */
static void parameters_are_options(void **state)
{
    static const char *const words[] = {"default", "minimum", "maximum", "format"};
    const json_t *fields = document_at(document, "/components/schemas/EvaluateRequest/properties");
    const json_t *parameters =
        document_at(document, "/components/schemas/InferRequest/properties/parameters/properties");
    size_t count;
    const char *const *names = request_option_names(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool is_elsewhere = strcmp(names[i], "dtype") == 0 || strcmp(names[i], "return") == 0 ||
                            strcmp(names[i], "id") == 0;
        const json_t *parameter = json_object_get(parameters, names[i]);
        const json_t *field = json_object_get(fields, names[i]);

        assert_int_equal(parameter == NULL, is_elsewhere);
        if (is_elsewhere)
            continue;
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            const json_t *is = json_object_get(parameter, words[w]);
            const json_t *wanted = json_object_get(field, words[w]);

            if (is != wanted && !json_equal(is, wanted)) /* both may be NULL */
                fail_msg("%s: its %s differs", names[i], words[w]);
        }
    }
}

static void check_defaults(const json_t *reduction, const json_t *ignore_index,
                           const json_t *smoothing, const json_t *k, const json_t *bins)
{
    const struct loss_request defaults = LOSS_REQUEST_DEFAULTS;

    assert_string_equal(json_string_value(json_object_get(reduction, "default")),
                        loss_reduction_name(defaults.reduction));
    assert_int_equal(json_integer_value(json_object_get(ignore_index, "default")),
                     defaults.ignore_index);
    assert_true(json_number_value(json_object_get(smoothing, "default")) ==
                defaults.label_smoothing);
    assert_int_equal(json_integer_value(json_object_get(smoothing, "minimum")), 0);
    assert_int_equal(json_integer_value(json_object_get(smoothing, "maximum")), 1);
    assert_int_equal(json_integer_value(json_object_get(k, "default")), defaults.k);
    assert_int_equal(json_integer_value(json_object_get(k, "minimum")), 1);
    assert_int_equal(json_integer_value(json_object_get(bins, "default")), defaults.bins);
    assert_int_equal(json_integer_value(json_object_get(bins, "minimum")), 1);
    assert_int_equal(json_integer_value(json_object_get(bins, "maximum")), LOSS_BINS_MAX);
}

static void defaults_and_ranges_are_those_of_libloss(void **state)
{
    static const char *const names[] = {"reduction", "ignore_index", "label_smoothing", "k",
                                        "bins"};
    const json_t *fields = document_at(document, "/components/schemas/EvaluateRequest/properties");
    const json_t *query = document_at(document, "/paths/~1v1~1evaluate/post/parameters");
    const json_t *in_body[5], *in_query[5];

    (void)state;
    for (int i = 0; i < 5; i++) {
        in_body[i] = json_object_get(fields, names[i]);
        in_query[i] = json_object_get(document_named(query, "name", names[i]), "schema");
    }
    check_defaults(in_body[0], in_body[1], in_body[2], in_body[3], in_body[4]);
    check_defaults(in_query[0], in_query[1], in_query[2], in_query[3], in_query[4]);
    for (int i = 0; i < LOSS_REDUCTION_COUNT; i++)
        assert_true(document_lists(json_object_get(in_body[0], "enum"),
                                   loss_reduction_name((enum loss_reduction)i)));
}

static void models_are_those_of_the_table(void **state)
{
    const json_t *names = document_at(document, "/components/schemas/ModelName/enum");
    size_t count = 0;

    (void)state;
    while (infer_model_at(count) != NULL)
        assert_true(document_lists(names, infer_model_at(count++)->name));
    assert_int_equal(json_array_size(names), count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_the_programs),
        cmocka_unit_test(it_is_the_file),
        cmocka_unit_test(what_is_referred_to_is_there),
        cmocka_unit_test(routes_are_those_of_the_table),
        cmocka_unit_test(fields_are_those_of_the_decoder),
        cmocka_unit_test(parameters_are_options),
        cmocka_unit_test(defaults_and_ranges_are_those_of_libloss),
        cmocka_unit_test(models_are_those_of_the_table),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
