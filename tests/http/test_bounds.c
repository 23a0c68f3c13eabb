/* test_bounds.c - how large a body may be and how long an answer may take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/lines.h"
#include "support/zipped.h"

enum { ZEROS = 1000000, LATE_MAX = 200 };

#define GOOD  "{\"logits\":[1,2],\"targets\":1}"
#define INFER "/v2/models/cross_entropy/infer"
#define LATE  504, "deadline_exceeded"

/* ---- bytes ----------------------------------------------------------------------------------- */

#define FILE_HEAD                                                                            \
    "{\"logits\":{\"dtype\":\"F32\",\"shape\":[500],\"data_offsets\":[0,2000]},\"targets\":" \
    "{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[2000,2008]}}"
#define INFER_HEAD                                                                            \
    "{\"inputs\":[{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[500],\"parameters\":" \
    "{\"binary_data_size\":2000}},{\"name\":\"targets\",\"datatype\":\"INT64\",\"shape\":[]," \
    "\"parameters\":{\"binary_data_size\":8}}]}"

/* A body of `length` bytes, with spaces in its JSON; what it is, is told by what must be set. */
static char *padded(const char *json, size_t before, size_t after, size_t length)
{
    char *body = calloc(length + 1, 1);
    uint64_t head = length - before - after;

    assert_non_null(body);
    assert_true(length >= before + strlen(json) + after);
    memcpy(body, &head, before);
    memset(body + before, ' ', (size_t)head);
    memcpy(body + before, json, strlen(json));
    return body;
}

/* Just below, at and just above what is taken, of a known length and chunked. */
static void bodies_are_bounded_by_their_form(void **state)
{
    static const struct {
        const char *name, *path, *header, *json;
        size_t before, after, limit;
        const char *setting;
    } forms[] = {
        {"JSON", "/v1/evaluate", NULL, GOOD, 0, 0, 2500, "json_bytes_max"},
        {"safetensors", "/v1/evaluate", "Content-Type: application/x-safetensors", FILE_HEAD, 8,
         2008, 3500, "binary_bytes_max"},
        {"v2 in binary", INFER, "Inference-Header-Content-Length: %zu", INFER_HEAD, 0, 2008, 3500,
         "binary_bytes_max"},
    };
    const char *flags[] = {"--json-bytes-max", "2500", "--binary-bytes-max", "3500", NULL};
    struct daemon lossd;
    struct client *client;
    char header[80], text[600];

    (void)state;
    daemon_start(&lossd, flags, NULL);
    client = client_open(lossd.port);
    for (size_t i = 0; i < 6 * sizeof forms / sizeof forms[0]; i++) {
        size_t f = i / 6, length = forms[f].limit - 1 + i % 3;
        char *body = padded(forms[f].json, forms[f].before, forms[f].after, length);
        const char *headers[] = {"X-Nothing: 1", header, NULL};
        const struct response *response;

        (void)snprintf(header, sizeof header, forms[f].header != NULL ? forms[f].header : "X: 1",
                       length - forms[f].after);
        if (i % 6 >= 3)
            headers[0] = "Transfer-Encoding: chunked";
        response = client_send(client, "POST", forms[f].path, headers, body, length);
        if (length <= forms[f].limit ? response->status != 200
                                     : response_fault(response, 413, "body_too_large", NULL, text,
                                                      sizeof text) != NULL ||
                                           strstr(response->body, forms[f].setting) == NULL)
            fail_msg("%s of %zu bytes: got %ld %s", forms[f].name, length, response->status,
                     response->body);
        free(body);
    }
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* On a busy machine even the body may come too late, which is a 408: not every time, though, and
 * compressed it comes at once. */
static const struct response *evaluate_late(struct client *client, const char *header,
                                            const struct lines *body)
{
    const char *headers[] = {header, "Content-Encoding: gzip", NULL};
    struct zipped zipped = zip(body->text, body->length, ZIP_GZIP, 1);
    const struct response *response;
    int late = 0;
    char text[600];

    do {
        response =
            client_send(client, "POST", "/v1/evaluate", headers, zipped.bytes, zipped.length);
    } while (response_fault(response, 408, "request_timeout", NULL, text, sizeof text) == NULL &&
             ++late < LATE_MAX);
    free(zipped.bytes);
    return response;
}

static void the_client_may_shorten_the_time(void **state)
{
    static const char *const nonsense[] = {
        "X-Timeout-Ms: abc", "X-Timeout-Ms: -1",  "X-Timeout-Ms: +1",
        "X-Timeout-Ms: 1.5", "X-Timeout-Ms: 0x1", "X-Timeout-Ms: 1 1",
        "X-Timeout-Ms: 1ms", "X-Timeout-Ms;",     "X-Timeout-Ms: 18446744073709551617"};
    struct lines body = {0};
    char text[600];
    const char *headers[] = {"X-Timeout-Ms: 999999999999", NULL};
    struct daemon lossd;
    struct client *client;

    (void)state;
    lines_zeros(&body, ZEROS, ""); /* which take milliseconds */
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    if (response_fault(evaluate_late(client, "X-Timeout-Ms: 1", &body), LATE, NULL, text,
                       sizeof text) != NULL)
        fail_msg("%s", text);
    assert_null(response_header(evaluate_late(client, "x-timeout-ms: 1", &body), "Connection", text,
                                sizeof text)); /* which lives on */
    assert_true(client_metric(client, "lossd_rows_evaluated_total") == 0.0);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        headers[0] = nonsense[i];
        if (client_send(client, "POST", "/v1/evaluate", headers, body.text, body.length)->status !=
            200)
            fail_msg("%s is not ignored", nonsense[i]);
    }
    headers[0] = "X-Timeout-Ms: 999999999999";
    assert_int_equal(
        client_send(client, "POST", "/v1/evaluate", headers, body.text, body.length)->status, 200);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
    lines_free(&body);
}

/* The daemon's own limit holds, whatever the client would have. */
static void the_client_may_not_lengthen_it(void **state)
{
    struct lines body = {0};
    char text[600];
    struct daemon lossd;
    struct client *client;

    (void)state;
    lines_zeros(&body, ZEROS, ""); /* which take milliseconds */
    daemon_start(&lossd, (const char *const[]){"--request-timeout-ms", "1", NULL}, NULL);
    client = client_open(lossd.port);
    if (response_fault(evaluate_late(client, "X-Timeout-Ms: 20000", &body), LATE, NULL, text,
                       sizeof text) != NULL)
        fail_msg("%s", text);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
    lines_free(&body);
}

/* A time in microseconds, from when the request came: after one nothing is done. */
static void inference_has_its_timeout(void **state)
{
    static const struct {
        const char *timeout;
        long status;
        const char *code;
    } rows[] = {
        {"1", LATE},
        {"0", 200, NULL}, /* none, as in Triton */
        {"20000000", 200, NULL},
        {"9223372036854775807", 200, NULL},
        {"null", 200, NULL},
        {"-1", 400, "value_out_of_range"},
        {"1.5", 400, "wrong_type"},
        {"\"1\"", 400, "wrong_type"},
    };
    struct daemon lossd;
    struct client *client;
    static const char inputs[] =
        "\"inputs\":[{\"name\":\"logits\",\"shape\":[2],\"datatype\":\"FP64\",\"data\":[1,2]},"
        "{\"name\":\"targets\",\"shape\":[],\"datatype\":\"INT8\",\"data\":[0]}]";
    char parameters[80], body[400], text[600];

    (void)state;
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct response *response;

        (void)snprintf(parameters, sizeof parameters, "\"parameters\":{\"timeout\":%s}",
                       rows[i / 2].timeout);
        (void)snprintf(body, sizeof body, "{%s,%s}", i % 2 == 0 ? parameters : inputs,
                       i % 2 == 0 ? inputs : parameters);
        response = client_send(client, "POST", INFER, NULL, body, strlen(body));
        if (rows[i / 2].code == NULL
                ? response->status != 200
                : response_fault(response, rows[i / 2].status, rows[i / 2].code,
                                 rows[i / 2].status == 400 ? "/parameters/timeout" : NULL, text,
                                 sizeof text) != NULL)
            fail_msg("%s: got %ld %s", rows[i / 2].timeout, response->status, response->body);
    }
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_bounded_by_their_form),
        cmocka_unit_test(the_client_may_shorten_the_time),
        cmocka_unit_test(the_client_may_not_lengthen_it),
        cmocka_unit_test(inference_has_its_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
