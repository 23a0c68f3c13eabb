/* test_coded_replies.c - which replies are compressed, and that they are otherwise the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"
#include "support/zipped.h"

enum { CODED_BYTES_MIN = 1024 };

/* A request; `want` is how its reply should be coded, NULL for not at all. */
struct row {
    const char *name, *method, *path, *type, *body, *want;
};

static const struct response *ask(const struct row *row, const char *accept)
{
    const char *headers[] = {accept, row->type, NULL};

    if (accept == NULL) {
        headers[0] = row->type;
        headers[1] = NULL;
    }
    return client_send(client, row->method, row->path, headers, row->body,
                       row->body != NULL ? strlen(row->body) : 0);
}

/* Fails the test unless the reply is coded as wanted, and says so, and holds `plain`. */
static void check_coded(const char *name, const struct response *response, const char *want,
                        const char *plain, size_t length)
{
    char coding[64], vary[64], told[64];
    const char *found = response_header(response, "Content-Encoding", coding, sizeof coding);
    struct zipped got;

    if ((found == NULL) != (want == NULL) || (want != NULL && strcmp(found, want) != 0))
        fail_msg("%s: coded as %s, want %s", name, found != NULL ? found : "nothing",
                 want != NULL ? want : "nothing");
    assert_non_null(response_header(response, "Content-Length", told, sizeof told));
    assert_int_equal(strtoull(told, NULL, 10), response->body_length);
    if (want == NULL) {
        assert_int_equal(response->body_length, length);
        assert_memory_equal(response->body, plain, length);
        return;
    }
    assert_non_null(response_header(response, "Vary", vary, sizeof vary));
    assert_string_equal(vary, "Accept-Encoding");
    got = unzip(response->body, response->body_length,
                strcmp(want, "gzip") == 0 ? ZIP_GZIP : ZIP_DEFLATE);
    if (got.bytes == NULL || got.length != length || memcmp(got.bytes, plain, length) != 0)
        fail_msg("%s: not the same when decoded", name);
    assert_true(response->body_length < length);
    free(got.bytes);
}

/* A body whose reply is of a few kilobytes. */
static char *large_body(void)
{
    char *body = malloc(4096), *at = body;

    assert_non_null(body);
    at += sprintf(at, "{\"logits\":[0");
    for (int i = 1; i < 200; i++)
        at += sprintf(at, ",%d", i * 37 % 23);
    (void)sprintf(at, "],\"targets\":3,\"return\":[\"softmax\",\"log_softmax\"]}");
    return body;
}

static void the_client_chooses(void **state)
{
    static const struct {
        const char *accept, *want;
    } choices[] = {
        {NULL, NULL},
        {"Accept-Encoding: gzip", "gzip"},
        {"Accept-Encoding: GZip", "gzip"},
        {"Accept-Encoding: x-gzip", "gzip"},
        {"Accept-Encoding: deflate", "deflate"},
        {"Accept-Encoding: gzip, deflate, br, zstd", "gzip"},
        {"Accept-Encoding: deflate, gzip", "gzip"},
        {"Accept-Encoding: deflate;q=0.9,gzip;q=0.8", "deflate"},
        {"Accept-Encoding: deflate;q=0.8 , gzip ; q=0.801", "gzip"},
        {"Accept-Encoding: gzip;q=0", NULL},
        {"Accept-Encoding: gzip;q=0.000, deflate", "deflate"},
        {"Accept-Encoding: gzip;q=0.001", "gzip"},
        {"Accept-Encoding: identity", NULL},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.4", NULL},
        {"Accept-Encoding: identity;q=0.5, gzip;q=0.6", "gzip"},
        {"Accept-Encoding: br", NULL},
        {"Accept-Encoding: *", "gzip"},
        {"Accept-Encoding: gzip;q=0, *", "deflate"},
        {"Accept-Encoding: br, *;q=0.1", "gzip"},
        {"Accept-Encoding: *;q=0, deflate;q=0.2", "deflate"},
        {"Accept-Encoding: *;q=0", NULL},
        {"Accept-Encoding: gzip;q=2", NULL},
        {"Accept-Encoding: gzip;q=0.1234", NULL},
        {"Accept-Encoding: gzip;q=, deflate", "deflate"},
        {"Accept-Encoding: ,,", NULL},
    };
    char *body = large_body();
    const struct row row = {"", "POST", "/v1/evaluate", NULL, body, NULL};
    const struct response *response = ask(&row, NULL);
    size_t length = response->body_length;
    char *plain = strdup(response->body);

    (void)state;
    assert_int_equal(response->status, 200);
    assert_true(length > CODED_BYTES_MIN);
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        check_coded(choices[i].accept, ask(&row, choices[i].accept), choices[i].want, plain,
                    length);
    free(plain);
    free(body);
}

/* Of one byte below the least size, and of just that. */
static void small_replies_are_not_worth_it(void **state)
{
    char body[2 * CODED_BYTES_MIN], id[CODED_BYTES_MIN + 1];
    const struct row row = {"", "POST", "/v1/evaluate", NULL, body, NULL};
    size_t frame = 0;

    (void)state;
    memset(id, 'x', sizeof id);
    for (size_t length = 0; length <= CODED_BYTES_MIN; length++) {
        int used = length == 0 ? 1 : (int)(length - frame);
        const struct response *response;
        char *plain;

        (void)snprintf(body, sizeof body, "{\"logits\":[1,2],\"targets\":1,\"id\":\"%.*s\"}", used,
                       id);
        response = ask(&row, NULL);
        assert_int_equal(response->status, 200);
        plain = strdup(response->body);
        if (length == 0) {
            frame = response->body_length - 1;
            length = CODED_BYTES_MIN - 2;
        } else {
            assert_int_equal(response->body_length, length);
            check_coded("small", ask(&row, "Accept-Encoding: gzip"),
                        length < CODED_BYTES_MIN ? NULL : "gzip", plain, length);
        }
        free(plain);
    }
}

#define INPUTS(count, data)                                                                        \
    "{\"inputs\":[{\"name\":\"logits\",\"shape\":[" count "],\"datatype\":\"FP64\",\"data\":" data \
    "},{\"name\":\"targets\",\"shape\":[],\"datatype\":\"INT8\",\"data\":[0]}],"
#define EIGHT   "1,2,3,4,5,6,7,8"
#define FORTY   "[" EIGHT "," EIGHT "," EIGHT "," EIGHT "," EIGHT "]"
#define LINE    "{\"logits\":[1,2],\"targets\":1}\n"
#define LINES   LINE LINE LINE LINE LINE
#define TYPE(x) "Content-Type: application/" x

/* Long results are coded, whatever their form, and so are long documents; what clients of /v2
 * cannot decode though they ask for it is not, nor what is short. */
static void results_and_documents_are_coded(void **state)
{
    static const struct row rows[] = {
        {"v2", "POST", "/v2/models/cross_entropy/infer", NULL,
         INPUTS("40", FORTY) "\"outputs\":[{\"name\":\"softmax\"},{\"name\":\"gradient\"}]}",
         "gzip"},
        {"v2 in binary", "POST", "/v2/models/cross_entropy/infer", NULL,
         INPUTS("40", FORTY) "\"outputs\":[{\"name\":\"confusion_matrix\",\"parameters\":"
                             "{\"binary_data\":true}}]}",
         "gzip"},
        {"safetensors", "POST", "/v1/evaluate?return=confusion_matrix",
         "Accept: application/x-safetensors", "{\"logits\":" FORTY ",\"targets\":0}", "gzip"},
        {"lines", "POST", "/v1/evaluate", TYPE("x-ndjson"), LINES LINES LINES, "gzip"},
        {"a few lines", "POST", "/v1/evaluate", TYPE("x-ndjson"), LINES, NULL},
        {"openapi", "GET", "/openapi.json", NULL, NULL, "gzip"},
        {"statistics", "GET", "/v2/models/stats", NULL, NULL, NULL},
        {"metadata", "GET", "/v2/models/cross_entropy", NULL, NULL, NULL},
        {"configuration", "GET", "/v2/models/cross_entropy/config", NULL, NULL, NULL},
        {"live", "GET", "/livez", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char head[64] = "", coded_head[64] = "";
        const struct response *response = ask(&rows[i], NULL);
        size_t length = response->body_length;
        char *plain = malloc(length + 1);

        assert_non_null(plain);
        if (response->status != 200)
            fail_msg("%s: got %ld %s", rows[i].name, response->status, response->body);
        memcpy(plain, response->body, length + 1);
        (void)response_header(response, "Inference-Header-Content-Length", head, sizeof head);
        response = ask(&rows[i], "Accept-Encoding: gzip");
        check_coded(rows[i].name, response, rows[i].want, plain, length);
        (void)response_header(response, "Inference-Header-Content-Length", coded_head,
                              sizeof coded_head);
        assert_string_equal(coded_head, head); /* of the JSON as it is before */
        assert_int_equal(head[0] != '\0', strcmp(rows[i].name, "v2 in binary") == 0);
        free(plain);
    }
}

static void metrics_are_coded_too(void **state)
{
    static const struct row get = {"", "GET", "/metrics", NULL, NULL, NULL};
    static const struct row head = {"", "HEAD", "/metrics", NULL, NULL, NULL};
    const struct response *response = ask(&get, "Accept-Encoding: gzip");
    struct zipped text = unzip(response->body, response->body_length, ZIP_GZIP);
    char coding[32];

    (void)state;
    assert_non_null(text.bytes);
    assert_true(metric_value_in(text.bytes, "lossd_in_flight_requests") == 1.0);
    free(text.bytes);
    assert_string_equal(response_header(response, "Content-Encoding", coding, sizeof coding),
                        "gzip");
    response = ask(&head, "Accept-Encoding: gzip");
    assert_string_equal(response_header(response, "Content-Encoding", coding, sizeof coding),
                        "gzip");
}

/* The body of a field that nobody knows, long enough to be told at length. */
static void errors_are_never_coded(void **state)
{
    static const struct row rows[] = {
        {"a field", "POST", "/v1/evaluate", NULL, "{\"x\":1}", NULL},
        {"a type", "POST", "/v1/evaluate", "Content-Type: text/plain", "", NULL},
        {"v2", "POST", "/v2/models/nll_loss/infer", NULL, "{", NULL},
        {"nothing", "GET", "/v2/models/x", NULL, NULL, NULL},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct response *response = ask(&rows[i], "Accept-Encoding: gzip, deflate");
        json_t *error = response_json(response);

        assert_true(response->status >= 400);
        assert_string_not_equal(json_text(error, "error"), "");
        assert_null(response_header(response, "Content-Encoding", text, sizeof text));
        json_decref(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_chooses),
        cmocka_unit_test(small_replies_are_not_worth_it),
        cmocka_unit_test(results_and_documents_are_coded),
        cmocka_unit_test(metrics_are_coded_too),
        cmocka_unit_test(errors_are_never_coded),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
