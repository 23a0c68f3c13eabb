/* test_routes.c - every route, status and header, and whether the connection lives on, by
 * libcurl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/headers.h"
#include "support/session.h"

#define BODY "{\"logits\":[1,2],\"targets\":1}"

/* A request after which the connection must be as told; what its reply must say. */
struct row {
    const char *name, *method, *path;
    const char *headers[4];
    const char *body; /* NULL: none is sent */
    long status;
    const char *code; /* NULL: no error */
    bool closes;
    const char *allow, *accept_post, *accept_encoding;
};

#define JSON_TYPE "Content-Type: application/json"
#define ACCEPT_POST \
    "application/json, application/x-ndjson, application/x-safetensors, application/octet-stream"
#define GET_HEAD     "GET, HEAD"
#define NOT_FOUND    404, "not_found", false, NULL, NULL, NULL
#define FINE         200, NULL, false, NULL, NULL, NULL
#define BAD_PATH     400, "bad_path", false, NULL, NULL, NULL
#define NOT(allow)   405, "method_not_allowed", false, allow, NULL, NULL
#define NO_TYPE      415, "unsupported_media_type", true, NULL, ACCEPT_POST, NULL
#define NOT_ACCEPTED 406, "not_acceptable", true, NULL, NULL, NULL
#define NO_CODING    415, "unsupported_encoding", true, NULL, NULL, "gzip, deflate"

/* clang-format off */
static const struct row rows[] = {
    {"live", "GET", "/livez", {NULL}, NULL, FINE},
    {"ready", "GET", "/readyz", {NULL}, NULL, FINE},
    {"metrics", "GET", "/metrics", {NULL}, NULL, FINE},
    {"version", "GET", "/v1/version", {NULL}, NULL, FINE},
    {"openapi", "GET", "/openapi.json", {NULL}, NULL, FINE},
    {"openapi, head", "HEAD", "/openapi.json", {NULL}, NULL, FINE},
    {"live, head", "HEAD", "/livez", {NULL}, NULL, FINE},
    {"ready, head", "HEAD", "/readyz", {NULL}, NULL, FINE},
    {"metrics, head", "HEAD", "/metrics", {NULL}, NULL, FINE},
    {"version, head", "HEAD", "/v1/version", {NULL}, NULL, FINE},
    {"a query", "GET", "/livez?a=%zz&b", {NULL}, NULL, FINE},
    {"options in a query", "POST", "/v1/evaluate?reduction=none", {JSON_TYPE}, BODY, FINE},
    {"an escape", "GET", "/%6cive%7A", {NULL}, NULL, FINE},
    {"a body nobody wants", "GET", "/livez", {NULL}, "hello", FINE},
    {"evaluate", "POST", "/v1/evaluate", {JSON_TYPE}, BODY, FINE},
    /* 404 */
    {"the root", "GET", "/nothing", {NULL}, NULL, NOT_FOUND},
    {"head of nothing", "HEAD", "/nothing", {NULL}, NULL, NOT_FOUND},
    {"two slashes", "GET", "//livez", {NULL}, NULL, NOT_FOUND},
    {"a slash at the end", "GET", "/livez/", {NULL}, NULL, NOT_FOUND},
    {"dots", "GET", "/v1/../livez", {NULL}, NULL, NOT_FOUND},
    {"another case", "GET", "/LIVEZ", {NULL}, NULL, NOT_FOUND},
    {"an escaped percent sign", "GET", "/livez%25", {NULL}, NULL, NOT_FOUND},
    {"nothing, body", "POST", "/nothing", {NULL}, BODY, 404, "not_found", true, NULL, NULL, NULL},
    /* 400 bad_path */
    {"a lone percent sign", "GET", "/livez%", {NULL}, NULL, BAD_PATH},
    {"half an escape", "GET", "/livez%4", {NULL}, NULL, BAD_PATH},
    {"no hexadecimal digits", "GET", "/livez%zz", {NULL}, NULL, BAD_PATH},
    {"an escaped NUL", "GET", "/livez%00", {NULL}, NULL, BAD_PATH},
    {"bad path, body", "POST", "/v1/evaluate%", {NULL}, BODY,
     400, "bad_path", true, NULL, NULL, NULL},
    /* 405 */
    {"get evaluate", "GET", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"head evaluate", "HEAD", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"delete evaluate", "DELETE", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"options evaluate", "OPTIONS", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"an unknown method", "BREW", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"a method in small letters", "post", "/v1/evaluate", {NULL}, NULL, NOT("POST")},
    {"delete live", "DELETE", "/livez", {NULL}, NULL, NOT(GET_HEAD)},
    {"post without a body", "POST", "/readyz", {NULL}, NULL, NOT(GET_HEAD)},
    {"post of nothing", "POST", "/readyz", {"Content-Length: 0"}, NULL, NOT(GET_HEAD)},
    {"post to metrics", "POST", "/metrics", {NULL}, BODY,
     405, "method_not_allowed", true, GET_HEAD, NULL, NULL},
    {"put to version", "PUT", "/v1/version", {NULL}, BODY,
     405, "method_not_allowed", true, GET_HEAD, NULL, NULL},
    {"put to evaluate", "PUT", "/v1/evaluate", {NULL}, BODY,
     405, "method_not_allowed", true, "POST", NULL, NULL},
    /* 411, 417 */
    {"no length", "POST", "/v1/evaluate", {NULL}, NULL,
     411, "length_required", true, NULL, NULL, NULL},
    {"an expectation", "POST", "/v1/evaluate", {"Expect: 200-ok"}, BODY,
     417, "expectation_failed", true, NULL, NULL, NULL},
    {"an expectation without a body", "GET", "/livez", {"Expect: 200-ok"}, NULL,
     417, "expectation_failed", true, NULL, NULL, NULL},
    /* 415 */
    {"no type", "POST", "/v1/evaluate", {NULL}, BODY, FINE},
    {"a type with a charset", "POST", "/v1/evaluate",
     {"Content-Type: Application/JSON; charset=utf-8; odd"}, BODY, FINE},
    {"curl -d", "POST", "/v1/evaluate", {"Content-Type: application/x-www-form-urlencoded"},
     BODY, NO_TYPE},
    {"a longer type", "POST", "/v1/evaluate", {"Content-Type: application/jsonx"}, BODY, NO_TYPE},
    {"a shorter type", "POST", "/v1/evaluate", {"Content-Type: application/js"}, BODY, NO_TYPE},
    {"plain text", "POST", "/v1/evaluate", {"Content-Type: text/plain"}, "", NO_TYPE},
    {"no coding", "POST", "/v1/evaluate", {"Content-Encoding: Identity"}, BODY, FINE},
    {"brotli", "POST", "/v1/evaluate", {"Content-Encoding: br"}, BODY, NO_CODING},
    {"not what it says", "POST", "/v1/evaluate", {"Content-Encoding: gzip"}, BODY,
     400, "invalid_coding", false, NULL, NULL, NULL},
    {"lines that are coded", "POST", "/v1/evaluate",
     {"Content-Type: application/x-ndjson", "Content-Encoding: gzip"}, BODY, NO_CODING},
    {"two codings", "POST", "/v1/evaluate", {"Content-Encoding: identity, br"}, BODY, NO_CODING},
    {"brotli and chunked", "POST", "/v1/evaluate",
     {"Content-Encoding: br", "Transfer-Encoding: chunked"}, BODY, NO_CODING},
    /* 406 */
    {"pictures", "POST", "/v1/evaluate", {"Accept: image/png"}, BODY, NOT_ACCEPTED},
    {"no JSON", "POST", "/v1/evaluate", {"Accept: application/json;q=0"}, BODY, NOT_ACCEPTED},
    {"anything", "POST", "/v1/evaluate", {"Accept: */*"}, BODY, FINE},
    {"JSON by name", "POST", "/v1/evaluate", {"Accept: application/json"}, BODY, FINE},
    {"lines as JSON", "POST", "/v1/evaluate",
     {"Content-Type: application/x-ndjson", "Accept: application/json"}, BODY, NOT_ACCEPTED},
    /* /v2 */
    {"v2", "GET", "/v2", {NULL}, NULL, FINE},
    {"v2 live", "GET", "/v2/health/live", {NULL}, NULL, FINE},
    {"v2 ready, head", "HEAD", "/v2/health/ready", {NULL}, NULL, FINE},
    {"v2 models", "GET", "/v2/models", {NULL}, NULL, FINE},
    {"v2 model", "GET", "/v2/models/cross%5Fentropy", {NULL}, NULL, FINE},
    {"v2 version", "GET", "/v2/models/nll_loss/versions/1", {NULL}, NULL, FINE},
    {"v2 model ready", "GET", "/v2/models/nll_loss/versions/1/ready", {NULL}, NULL, FINE},
    {"v2 config", "GET", "/v2/models/categorical_cross_entropy/config", {NULL}, NULL, FINE},
    {"v2 stats", "GET", "/v2/models/stats", {NULL}, NULL, FINE},
    {"v2 model's stats", "GET", "/v2/models/nll_loss/stats", {NULL}, NULL, FINE},
    {"v2 index", "POST", "/v2/repository/index", {NULL}, NULL, FINE},
    {"v2 index of all", "POST", "/v2/repository/index", {NULL}, "{}", FINE},
    {"v2 load", "POST", "/v2/repository/models/nll_loss/load", {NULL}, NULL,
     501, "not_implemented", false, NULL, NULL, NULL},
    {"v2 no such model", "GET", "/v2/models/x", {NULL}, NULL, NOT_FOUND},
    {"v2 no such version", "GET", "/v2/models/nll_loss/versions/2", {NULL}, NULL, NOT_FOUND},
    {"v2 infer by get", "GET", "/v2/models/nll_loss/infer", {NULL}, NULL, NOT("POST")},
    {"v2 infer nothing", "POST", "/v2/models/nll_loss/infer", {NULL}, NULL,
     400, "empty_body", false, NULL, NULL, NULL},
    {"v2 infer with a wrong length", "POST", "/v2/models/nll_loss/infer",
     {"Inference-Header-Content-Length: 1x"}, BODY, 400, "bad_framing", true, NULL, NULL, NULL},
    /* nothing in the body */
    {"an empty body", "POST", "/v1/evaluate", {"Content-Length: 0"}, NULL,
     400, "empty_body", false, NULL, NULL, NULL},
    {"chunks of nothing", "POST", "/v1/evaluate", {"Transfer-Encoding: chunked"}, "",
     400, "empty_body", false, NULL, NULL, NULL},
    {"chunked", "POST", "/v1/evaluate", {"Transfer-Encoding: chunked"}, BODY, FINE},
};
/* clang-format on */

/* A reply to HEAD has no body, but the headers of the same reply to GET. */
static void check_reply(const struct row *row, const struct response *response)
{
    bool is_head = strcmp(row->method, "HEAD") == 0;
    char text[600], length[32] = "";

    if (response->status != row->status)
        fail_msg("%s: got %ld %s %s, want %ld", row->name, response->status,
                 response->failure != NULL ? response->failure : "", response->body, row->status);
    if (row->code != NULL && !is_head &&
        response_fault(response, row->status, row->code, NULL, text, sizeof text) != NULL)
        fail_msg("%s: %s", row->name, text);
    if (is_head) {
        assert_int_equal(response->body_length, 0);
        assert_non_null(response_header(response, "Content-Length", length, sizeof length));
        assert_true(strtol(length, NULL, 10) > 0);
    }
    check_header(row->name, response, "Allow", row->allow);
    check_header(row->name, response, "Accept-Post", row->accept_post);
    check_header(row->name, response, "Accept-Encoding", row->accept_encoding);
    check_header(row->name, response, "Retry-After", NULL);
    check_header(row->name, response, "Connection", row->closes ? "close" : NULL);
    check_header(row->name, response, "Content-Type",
                 strstr(row->path, "metrics") != NULL && row->status == 200
                     ? "text/plain; version=0.0.4; charset=utf-8"
                     : "application/json");
}

/* Rows 48 and 50 to 52 of tests/faults/rows.txt. */
static void each_request_has_its_status_and_headers(void **state)
{
    (void)state;
    session_check_next("at first", true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        size_t length = row->body != NULL ? strlen(row->body) : 0;

        check_reply(row,
                    client_send(client, row->method, row->path, row->headers, row->body, length));
        session_check_next(row->name, row->closes);
    }
}

static void the_small_routes_say_what_they_should(void **state)
{
    static const struct {
        const char *path, *member;
    } answers[] = {{"/livez", "live"}, {"/readyz", "ready"}};
    json_t *json;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        json = response_json(client_send(client, "GET", answers[i].path, NULL, NULL, 0));
        assert_true(json_is_true(json_object_get(json, answers[i].member)));
        json_decref(json);
    }
    json = response_json(client_send(client, "GET", "/v1/version", NULL, NULL, 0));
    assert_string_equal(json_text(json, "name"), "lossd");
    assert_string_equal(json_text(json, "version"), "0.1.0");
    assert_true(json_text(json, "revision")[0] != '\0');
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_request_has_its_status_and_headers),
        cmocka_unit_test(the_small_routes_say_what_they_should),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
