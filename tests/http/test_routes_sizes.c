/* test_routes_sizes.c - how long a body and a request id may be, and of which bytes the id; and
 * that the next request works. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/headers.h"
#include "support/raw.h"
#include "support/session.h"

enum { JSON_BYTES_MAX = 2000, SLACK = 8 * 1024 * 1024 };

#define BODY "{\"logits\":[1,2],\"targets\":1}"

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--json-bytes-max", "2000", NULL}, NULL);
}

/* A body of `length` bytes: the good one and spaces. */
static char *padded(size_t length)
{
    char *body = malloc(length + 1);

    assert_non_null(body);
    memset(body, ' ', length);
    memcpy(body, BODY, strlen(BODY));
    body[length] = '\0';
    return body;
}

/* Up to the limit; a little above, read to its end and then refused; far above, refused
 * at once.  Rows 53 and 54. */
static void a_body_may_have_so_many_bytes(void **state)
{
    static const struct {
        size_t length;
        bool chunked, fits, is_read;
    } bodies[] = {
        {JSON_BYTES_MAX - 1, false, true, true},
        {JSON_BYTES_MAX, false, true, true},
        {JSON_BYTES_MAX + 1, false, false, true},
        {JSON_BYTES_MAX + SLACK, false, false, true},
        {JSON_BYTES_MAX + SLACK + 1, false, false, false},
        {JSON_BYTES_MAX - 1, true, true, true},
        {JSON_BYTES_MAX, true, true, true},
        {JSON_BYTES_MAX + 1, true, false, true},
        {SLACK, true, false, true},
    };
    char name[64], text[600];

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char *body = padded(bodies[i].length);
        const char *headers[] = {"Transfer-Encoding: chunked", NULL};
        const struct response *response =
            client_send(client, "POST", "/v1/evaluate", bodies[i].chunked ? headers : NULL, body,
                        bodies[i].length);

        free(body);
        (void)snprintf(name, sizeof name, "%zu bytes%s", bodies[i].length,
                       bodies[i].chunked ? ", chunked" : "");
        if (bodies[i].fits
                ? response->status != 200
                : response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("%s: got %ld %s: %s", name, response->status,
                     response->failure != NULL ? response->failure : "", text);
        check_header(name, response, "Connection", bodies[i].is_read ? NULL : "close");
        session_check_next(name, !bodies[i].is_read);
    }
}

/* A chunked body that never ends is not read to its end, wherever it goes to. */
static void an_endless_body_is_refused_on_its_way(void **state)
{
    static const char *const paths[] = {"/v1/evaluate", "/livez"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        size_t length = SLACK + 1024 * 1024; /* of which some is not read, nor minded */
        char *body = padded(length), text[600];
        const char *headers[] = {"Transfer-Encoding: chunked", NULL};
        const struct response *response =
            client_send(client, i == 0 ? "POST" : "GET", paths[i], headers, body, length);

        free(body);
        if (response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("%s: %s", paths[i], text);
        check_header(paths[i], response, "Connection", "close");
        session_check_next(paths[i], true);
    }
}

/* A refused body is read for so long, and then its client is told all the same. */
static void a_slow_one_too(void **state)
{
    struct response response = {0};
    double deadline = clock_ms() + RAW_MS;
    struct raw raw;
    char text[600];

    (void)state;
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\n"
                              "Content-Length: 1000000\r\n\r\n"));
    while (raw_say(&raw, " ") && raw_next(&raw, 20) == RAW_SILENT && clock_ms() < deadline)
        continue;
    raw_read(&raw, false, RAW_MS, &response);
    if (response_fault(&response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
        fail_msg("%s", text);
    raw_close(&raw);
    response_free(&response);
}

/* A request id comes back if every byte of it can be written safely, else there
 * is one of ours.  Row 66. */
static void request_ids_are_echoed_or_replaced(void **state)
{
    static const struct {
        const char *id;
        bool is_echoed;
    } ids[] = {{"a", true},
               {"0123-abc_%2f\"\\<>~!", true},
               {"two words", false},
               {"a\tb", false},
               {"caf\xc3\xa9", false},
               {"\x7f", false},
               {"\x01\x02", false},
               {NULL, false}};
    char header[256], got[256], long_id[200], text[600];

    (void)state;
    for (size_t i = 0; i < 10; i++) {
        size_t length = i == 8 ? 128 : i == 9 ? 129 : 0;
        const char *id = i < 8 ? ids[i].id : long_id;
        bool is_echoed = i < 8 ? ids[i].is_echoed : length == 128;
        const char *headers[] = {header, NULL};
        const struct response *response;

        memset(long_id, 'x', length);
        long_id[length] = '\0';
        (void)snprintf(header, sizeof header, id != NULL ? "X-Request-Id: %s" : "X-Request-Id;",
                       id);
        response = client_send(client, "GET", i % 2 == 0 ? "/livez" : "/nothing", headers, NULL, 0);
        if (i % 2 != 0 && response_fault(response, 404, "not_found", NULL, text, sizeof text))
            fail_msg("%s: %s", header, text);
        assert_non_null(response_header(response, "X-Request-Id", got, sizeof got));
        if (is_echoed)
            assert_string_equal(got, id);
        else
            assert_int_equal(strspn(got, "0123456789abcdef"), 16);
        assert_true(is_echoed || strlen(got) == 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_may_have_so_many_bytes),
        cmocka_unit_test(an_endless_body_is_refused_on_its_way),
        cmocka_unit_test(a_slow_one_too),
        cmocka_unit_test(request_ids_are_echoed_or_replaced),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
