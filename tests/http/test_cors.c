/* test_cors.c - pages of other origins: off, for one origin, for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"

#define BODY "{\"logits\":[[2,1]],\"targets\":[0]}"
#define ASK  "Access-Control-Request-Method: POST"

/* What one kind of request is told. */
static const struct row {
    const char *setting, *origin; /* NULL: not sent */
    const char *allowed;          /* Access-Control-Allow-Origin; NULL: nothing is said */
    const char *vary;
} rows[] = {
    {"", "http://a.example", NULL, NULL},
    {"", NULL, NULL, NULL},
    {"http://a.example", "http://a.example", "http://a.example", "Origin"},
    {"http://a.example", "http://a.example.org", NULL, "Origin"},
    {"http://a.example", "http://A.example", NULL, "Origin"},
    {"http://a.example", NULL, NULL, "Origin"},
    {"*", "null", "*", NULL},
    {"*", NULL, NULL, NULL},
};

static void check_header(const struct response *response, const char *name, const char *want)
{
    char text[300];
    const char *got = response_header(response, name, text, sizeof text);

    if ((got == NULL) != (want == NULL) || (got != NULL && strcmp(got, want) != 0))
        fail_msg("%s is %s, want %s", name, got != NULL ? got : "missing",
                 want != NULL ? want : "none");
}

static void check_preflight(struct client *client, const struct row *row, const char *origin)
{
    const char *headers[] = {ASK, origin, NULL};
    const struct response *response =
        client_send(client, "OPTIONS", "/v1/evaluate", headers, NULL, 0);
    char text[300];

    check_header(response, "Access-Control-Allow-Origin", row->allowed);
    if (row->allowed == NULL) {
        assert_int_equal(response->status, 405);
        return;
    }
    assert_int_equal(response->status, 204);
    assert_int_equal(response->body_length, 0);
    check_header(response, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    assert_non_null(
        strstr(response_header(response, "Access-Control-Allow-Headers", text, sizeof text),
               "content-type"));
    assert_non_null(response_header(response, "Access-Control-Max-Age", text, sizeof text));
}

/* Errors carry the headers as well: else the page could not read them. */
static void check_replies(struct client *client, const struct row *row, const char *origin)
{
    static const char *const bodies[] = {BODY, "{}"};

    for (int i = 0; i < 2; i++) {
        const char *headers[] = {"Content-Type: application/json", origin, NULL};
        const struct response *response =
            client_send(client, "POST", "/v1/evaluate", headers, bodies[i], strlen(bodies[i]));

        assert_int_equal(response->status, i == 0 ? 200 : 400);
        check_header(response, "Access-Control-Allow-Origin", row->allowed);
        check_header(response, "Access-Control-Allow-Methods", NULL);
        check_header(response, "Vary", row->vary);
    }
}

static void origins_are_told_what_is_set(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct daemon lossd;
        struct client *client;
        char origin[100];

        daemon_start(&lossd, (const char *const[]){"--cors-origin", rows[i].setting, NULL}, NULL);
        client = client_open(lossd.port);
        (void)snprintf(origin, sizeof origin, "Origin: %s",
                       rows[i].origin != NULL ? rows[i].origin : "");
        check_preflight(client, &rows[i], rows[i].origin != NULL ? origin : NULL);
        check_replies(client, &rows[i], rows[i].origin != NULL ? origin : NULL);
        client_close(client);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
}

/* Only with both headers is it a browser's question; and there must be something to ask for. */
static void not_every_options_is_a_question(void **state)
{
    static const char *const alone[] = {"Origin: http://a.example", NULL};
    static const char *const asked[] = {"Origin: http://a.example", ASK, NULL};
    struct daemon lossd;
    struct client *client;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--cors-origin", "*", NULL}, NULL);
    client = client_open(lossd.port);
    assert_int_equal(client_send(client, "OPTIONS", "/v1/evaluate", alone, NULL, 0)->status, 405);
    assert_int_equal(client_send(client, "OPTIONS", "/nothing", asked, NULL, 0)->status, 404);
    assert_int_equal(client_send(client, "OPTIONS", "/metrics", asked, NULL, 0)->status, 204);
    assert_true(client_metric(client, "lossd_http_requests_total{route=\"/metrics\","
                                      "method=\"other\",code=\"204\"}") == 1.0);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origins_are_told_what_is_set),
        cmocka_unit_test(not_every_options_is_a_question),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
