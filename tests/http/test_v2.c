/* test_v2.c - the Open Inference Protocol's endpoints, member by member. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"

enum { MODELS = 3 };

static const char *const models[MODELS] = {"cross_entropy", "nll_loss",
                                           "categorical_cross_entropy"};
static const char *const inputs[MODELS] = {"logits", "log_probabilities", "probabilities"};

/* The body of a reply of status 200 as a string that lives until the next request: one line. */
static const char *text_of(const char *method, const char *path, const char *body)
{
    const struct response *response =
        client_send(client, method, path, NULL, body, body != NULL ? strlen(body) : 0);
    char type[80];

    if (response->status != 200)
        fail_msg("%s: got %ld %s", path, response->status, response->body);
    assert_string_equal(response_header(response, "Content-Type", type, sizeof type),
                        "application/json");
    if (strchr(response->body, '\n') != response->body + response->body_length - 1)
        fail_msg("%s: not one line: %s", path, response->body);
    return response->body;
}

static json_t *json_of(const char *method, const char *path, const char *body)
{
    json_t *json = json_loads(text_of(method, path, body), JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(json);
    return json;
}

/* The reply is this, written with ' for ", whatever the order of its members. */
static void check_json(const char *method, const char *path, const char *want_text)
{
    char *quoted = strdup(want_text);
    json_t *got = json_of(method, path, NULL), *want;

    for (char *at = quoted; *at != '\0'; at++)
        *at = *at == '\'' ? '"' : *at;
    want = json_loads(quoted, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(want);
    if (!json_equal(got, want))
        fail_msg("%s: got %s, want %s", path, text_of(method, path, NULL), quoted);
    json_decref(want);
    json_decref(got);
    free(quoted);
}

/* ---- the server ------------------------------------------------------------------------------ */

static void the_server_tells_what_it_is(void **state)
{
#define SERVER                                                                               \
    "{'name':'lossd','version':'0.1.0','extensions':['binary_tensor_data','classification'," \
    "'parameters','statistics','model_configuration','model_repository']}"
    (void)state;
    check_json("GET", "/v2", SERVER);
    check_json("GET", "/v2/", SERVER);
    check_json("GET", "/v2/health/live", "{'live':true}");
    check_json("GET", "/v2/health/ready", "{'ready':true}");
    check_json("GET", "/v2/models",
               "{'models':['cross_entropy','nll_loss','categorical_cross_entropy']}");
    check_json("POST", "/v2/repository/index",
               "[{'name':'cross_entropy','version':'1','state':'READY','reason':''},"
               "{'name':'nll_loss','version':'1','state':'READY','reason':''},"
               "{'name':'categorical_cross_entropy','version':'1','state':'READY','reason':''}]");
}

/* ---- models ---------------------------------------------------------------------------------- */

#define TOLD(name, type) "{'name':'" name "','datatype':'" type "','shape':[]}"
#define SET(name, type)  "{'name':'" name "','data_type':'TYPE_" type "','dims':[]}"
#define FIGURES(x)                                                                             \
    x("loss", "FP32") "," x("loss_sum", "FP64") "," x("weight_sum", "FP64") "," x(             \
        "count", "INT64") "," x("ignored", "INT64") "," x("correct", "INT64") "," x("classes", \
                                                                                    "INT64")

static void each_model_tells_what_it_is(void **state)
{
    static const char metadata[] =
        "{'name':'%s','versions':['1'],'platform':'lossd_libloss','inputs':["
        "{'name':'%s','datatype':'FP32','shape':[-1,-1]},"
        "{'name':'targets','datatype':'INT64','shape':[-1]},"
        "{'name':'weights','datatype':'FP32','shape':[-1]}],'outputs':[" FIGURES(TOLD) "]}";
    static const char config[] =
        "{'name':'%s','platform':'lossd_libloss','max_batch_size':0,'input':["
        "{'name':'%s','data_type':'TYPE_FP32','dims':[-1,-1],'optional':false},"
        "{'name':'targets','data_type':'TYPE_INT64','dims':[-1],'optional':false},"
        "{'name':'weights','data_type':'TYPE_FP32','dims':[-1],'optional':true}],"
        "'output':[" FIGURES(SET) "]}";
    char path[100], want[1500];

    (void)state;
    for (int i = 0; i < MODELS; i++) {
        (void)snprintf(path, sizeof path, "/v2/models/%s", models[i]);
        (void)snprintf(want, sizeof want, metadata, models[i], inputs[i]);
        check_json("GET", path, want);
        (void)snprintf(path, sizeof path, "/v2/models/%s/config", models[i]);
        (void)snprintf(want, sizeof want, config, models[i], inputs[i]);
        check_json("GET", path, want);
        (void)snprintf(path, sizeof path, "/v2/models/%s/ready", models[i]);
        (void)snprintf(want, sizeof want, "{'name':'%s','ready':true}", models[i]);
        check_json("GET", path, want);
    }
}

/* A request of rows of one class; members before its inputs; `numbers` are
 * predictions and targets. */
static const char *infer_body(char *text, size_t size, int model, const char *before,
                              const char *numbers, int rows)
{
    (void)snprintf(text, size,
                   "{%s\"inputs\":[{\"name\":\"%s\",\"shape\":[%d,1],\"datatype\":\"FP32\","
                   "\"data\":%s},{\"name\":\"targets\",\"shape\":[%d],\"datatype\":\"INT64\","
                   "\"data\":%s}]}",
                   before, inputs[model], rows, numbers, rows, numbers);
    return text;
}

/* With a version the bytes are the same, but for statistics of what happens in between. */
static void a_version_makes_no_difference(void **state)
{
    static const char *const ends[] = {"", "/ready", "/config", "/stats"};
    char plain[100], versioned[100], body[500];

    (void)state;
    for (size_t i = 0; i < 5 * MODELS; i++) {
        int model = (int)(i % MODELS);
        bool is_infer = i / MODELS == 4;
        const char *end = is_infer ? "/infer" : ends[i / MODELS];
        const char *sent = is_infer ? infer_body(body, sizeof body, model, "", "[0,0,0]", 3) : NULL;
        char *want;

        (void)snprintf(plain, sizeof plain, "/v2/models/%s%s", models[model], end);
        (void)snprintf(versioned, sizeof versioned, "/v2/models/%s/versions/1%s", models[model],
                       end);
        want = strdup(text_of(is_infer ? "POST" : "GET", plain, sent));
        assert_string_equal(text_of(is_infer ? "POST" : "GET", versioned, sent), want);
        free(want);
    }
}

static void what_is_not_there_is_404(void **state)
{
    static const struct {
        const char *method, *path;
    } rows[] = {
        {"GET", "/v2/models/x"},
        {"GET", "/v2/models/nll_loss2"},
        {"GET", "/v2/models/NLL_LOSS"},
        {"GET", "/v2/models/x/ready"},
        {"GET", "/v2/models/x/stats"},
        {"POST", "/v2/models/x/infer"},
        {"GET", "/v2/models/x/versions/1"},
        {"GET", "/v2/models/nll_loss/versions/0"},
        {"GET", "/v2/models/nll_loss/versions/2/ready"},
        {"GET", "/v2/models/nll_loss/versions/01/config"},
        {"GET", "/v2/models/nll_loss/versions/1.0/stats"},
        {"POST", "/v2/models/nll_loss/versions/2/infer"},
        {"GET", "/v2/models/nll_loss/versions"},
        {"GET", "/v2/models/nll_loss/versions/"},
        {"GET", "/v2/models/nll_loss/versions//ready"},
        {"GET", "/v2/models/nll_loss/versions/1/versions/1"},
        {"GET", "/v2/models/nll_loss/"},
        {"GET", "/v2/models//ready"},
        {"GET", "/v2/models/"},
        {"GET", "/v2/health"},
        {"POST", "/v2/repository/models/x/load"},
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_post = rows[i].method[0] == 'P';

        if (response_fault(client_send(client, rows[i].method, rows[i].path, NULL,
                                       is_post ? "{}" : NULL, is_post ? 2 : 0),
                           404, "not_found", NULL, text, sizeof text) != NULL)
            fail_msg("%s: %s", rows[i].path, text);
    }
}

/* ---- inference ------------------------------------------------------------------------------- */

/* A string comes back as it is, but an empty one, as null, is none; anything else is refused. */
static void ids_come_back(void **state)
{
    static const struct {
        const char *member, *want; /* NULL: no member; "": an error */
    } rows[] = {
        {"", NULL},
        {"\"id\":\"\",", NULL},
        {"\"id\":null,", NULL},
        {"\"id\":\"a\",", "a"},
        {"\"id\":\"\\u00e9\\\"\\\\\\n \\ud83d\\ude00\",", "\xc3\xa9\"\\\n \xf0\x9f\x98\x80"},
        {"\"id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\",",
         "0123456789012345678901234567890123456789012345678901234567890123456789"},
        {"\"id\":7,", ""},
        {"\"id\":[\"a\"],", ""},
        {"\"id\":{},", ""},
    };
    static const char path[] = "/v2/models/cross_entropy/infer";
    char body[600], text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *sent = infer_body(body, sizeof body, 0, rows[i].member, "[0]", 1);
        json_t *reply;

        if (rows[i].want != NULL && rows[i].want[0] == '\0') {
            if (response_fault(client_send(client, "POST", path, NULL, sent, strlen(sent)), 400,
                               "wrong_type", "/id", text, sizeof text) != NULL)
                fail_msg("%s: %s", rows[i].member, text);
            continue;
        }
        reply = json_of("POST", path, sent);
        assert_int_equal(json_object_size(reply), rows[i].want != NULL ? 4 : 3);
        assert_string_equal(json_text(reply, "model_name"), models[0]);
        assert_string_equal(json_text(reply, "model_version"), "1");
        assert_int_equal(json_array_size(json_object_get(reply, "outputs")), 7);
        assert_string_equal(json_text(reply, "id"), rows[i].want != NULL ? rows[i].want : "");
        json_decref(reply);
    }
}

/* An error is a string, as the protocol has it, and all else beside it. */
static void errors_are_strings(void **state)
{
    static const struct {
        const char *body, *code, *where;
    } rows[] = {
        {"", "empty_body", NULL},
        {"[]", "expected_object", "0"},
        {"{}", "missing_field", "/inputs"},
        {"{\"inputs\":7}", "wrong_type", "/inputs"},
        {"{\"inputs\":[{\"name\":\"logits\"}]}", "missing_field", "/inputs/0/datatype"},
        {"{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP32\",\"data\":[1]}]}",
         "unknown_field", "/inputs/0/name"},
        {"{\"outputs\":[{\"name\":\"los\"}]}", "unknown_field", "/outputs/0/name"},
        {"{\"parameters\":{\"reduktion\":\"sum\"}}", "unknown_field", "/parameters"},
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (response_fault(client_send(client, "POST", "/v2/models/cross_entropy/infer", NULL,
                                       rows[i].body, strlen(rows[i].body)),
                           400, rows[i].code, rows[i].where, text, sizeof text) != NULL)
            fail_msg("%s: %s", rows[i].body, text);
    }
    if (response_fault(
            client_send(client, "POST", "/v2/repository/models/nll_loss/unload", NULL, "{}", 2),
            501, "not_implemented", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_tells_what_it_is),
        cmocka_unit_test(each_model_tells_what_it_is),
        cmocka_unit_test(a_version_makes_no_difference),
        cmocka_unit_test(what_is_not_there_is_404),
        cmocka_unit_test(ids_come_back),
        cmocka_unit_test(errors_are_strings),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
