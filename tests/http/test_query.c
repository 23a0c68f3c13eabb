/* test_query.c - options in the query of the URL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "support/session.h"

#define PLAIN            "{\"logits\":[[2,1],[1,2]],\"targets\":[0,1]}"
#define IN_BODY(options) "{\"logits\":[[2,1],[1,2]],\"targets\":[0,1]," options "}"

static const struct response *post(const char *query, const char *body)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char path[400];

    (void)snprintf(path, sizeof path, "/v1/evaluate%s", query);
    return client_send(client, "POST", path, headers, body, strlen(body));
}

/* An option means the same wherever it stands. */
static void options_may_stand_in_the_query(void **state)
{
    static const struct {
        const char *query, *body;
    } rows[] = {
        {"", PLAIN},
        {"?", PLAIN},
        {"?reduction=sum", IN_BODY("\"reduction\":\"sum\"")},
        {"?reduction=none&label_smoothing=0.25",
         IN_BODY("\"reduction\":\"none\",\"label_smoothing\":0.25")},
        {"?label_smoothing=1e-1&dtype=float64",
         IN_BODY("\"label_smoothing\":0.1,\"dtype\":\"float64\"")},
        {"?ignore_index=1", IN_BODY("\"ignore_index\":1")},
        {"?ignore_index=-100.0", PLAIN},
        {"?return=softmax,log_softmax", IN_BODY("\"return\":[\"softmax\",\"log_softmax\"]")},
        {"?return=losses", IN_BODY("\"return\":[\"losses\"]")},
        {"?return=", PLAIN},
        {"?return=top_k_accuracy,ece&k=1&bins=2",
         IN_BODY("\"return\":[\"top_k_accuracy\",\"ece\"],\"k\":1,\"bins\":2")},
        {"?size_average=false", IN_BODY("\"size_average\":false")},
        {"?reduce=null", PLAIN},
        {"?id=a%22b+c", IN_BODY("\"id\":\"a\\\"b c\"")},
        {"?id=7", IN_BODY("\"id\":\"7\"")},
        {"?r%65duction=su%6d", IN_BODY("\"reduction\":\"sum\"")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char want[4096];
        const struct response *response = post("", rows[i].body);

        assert_int_equal(response->status, 200);
        assert_true(response->body_length < sizeof want);
        memcpy(want, response->body, response->body_length + 1);
        response = post(rows[i].query, PLAIN);
        if (response->status != 200 || strcmp(response->body, want) != 0)
            fail_msg("%s: got %ld %s, want %s", rows[i].query, response->status, response->body,
                     want);
    }
}

static void faults_of_the_query_are_told(void **state)
{
    static const struct {
        const char *query, *body, *code, *where;
    } rows[] = {
        {"?reduction=Mean", PLAIN, "unknown_value", "/reduction"},
        {"?Reduction=mean", PLAIN, "unknown_field", NULL},
        {"?logits=1", PLAIN, "unknown_field", NULL},
        {"?reduction", PLAIN, "unknown_value", "/reduction"},
        {"?k=abc", PLAIN, "wrong_type", "/k"},
        {"?k=0", PLAIN, "value_out_of_range", "/k"},
        {"?k=[1]", PLAIN, "wrong_type", "/k"},
        {"?k=1e400", PLAIN, "number_out_of_range", "/k"},
        {"?ignore_index=-9223372036854775809", PLAIN, "number_out_of_range", "/ignore_index"},
        {"?ignore_index=1.5", PLAIN, "wrong_type", "/ignore_index"},
        {"?ignore_index=1%20x", PLAIN, "wrong_type", "/ignore_index"},
        {"?label_smoothing=NaN", PLAIN, "non_finite_not_allowed", "/label_smoothing"},
        {"?label_smoothing=", PLAIN, "wrong_type", "/label_smoothing"},
        {"?reduce=yes", PLAIN, "wrong_type", "/reduce"},
        {"?return=loss", PLAIN, "unknown_value", "/return/0"},
        {"?return=softmax,,losses", PLAIN, "unknown_value", "/return/1"},
        {"?k=1&k=1", PLAIN, "duplicate_key", "/k"},
        {"?k=1&%6b=2", PLAIN, "duplicate_key", "/k"},
        {"?k=1", IN_BODY("\"k\":1"), "conflicting_fields", "/k"},
        {"?id=a%00b", PLAIN, "bad_path", NULL},
        {"?i%00d=a", PLAIN, "bad_path", NULL},
        {"?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y&z&aa&ab&ac&ad&ae&af&ag&ah&ai", PLAIN,
         "unknown_field", NULL},
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct response *response = post(rows[i].query, rows[i].body);

        if (response_fault(response, 400, rows[i].code, rows[i].where, text, sizeof text) != NULL)
            fail_msg("%s: %s", rows[i].query, text);
    }
}

static void other_routes_do_not_look_at_it(void **state)
{
    (void)state;
    assert_int_equal(client_send(client, "GET", "/livez?verbose", NULL, NULL, 0)->status, 200);
    assert_int_equal(client_send(client, "GET", "/metrics?a=%01", NULL, NULL, 0)->status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_may_stand_in_the_query),
        cmocka_unit_test(faults_of_the_query_are_told),
        cmocka_unit_test(other_routes_do_not_look_at_it),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
