/* test_evaluate_bytes.c - answers over HTTP to the byte: how special numbers are written, and the
 * same bytes every time, on any number of workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"

/* Special numbers are written as words in quotes, and -0.0 keeps its sign: text, not value. */
static void special_numbers_are_written_so(void **state)
{
    static const struct {
        const char *body, *part;
    } texts[] = {
        {"{\"logits\":[[NaN,1]],\"targets\":[1]}", "\"loss\":\"NaN\","},
        {"{\"logits\":[[-Infinity,1]],\"targets\":[0]}", "\"loss\":\"Infinity\","},
        {"{\"log_probabilities\":[Infinity,1],\"targets\":0}", "\"loss\":\"-Infinity\","},
        {"{\"log_probabilities\":[-0,1],\"targets\":0,\"return\":[\"log_softmax\"]}",
         "\"log_softmax\":[-0.0,1]"},
        {"{\"log_probabilities\":[0,-0.0],\"targets\":0,\"return\":[\"log_softmax\"]}",
         "\"log_softmax\":[0,-0.0]"},
        {"{\"logits\":[],\"targets\":[],\"reduction\":\"none\"}", "\"loss\":[],"},
        {"{\"logits\":[[0,0]],\"targets\":[1],\"reduction\":\"none\"}", "\"loss\":[0.6931472],"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct response *response = client_evaluate(client, texts[i].body);

        if (response->status != 200 || strstr(response->body, texts[i].part) == NULL)
            fail_msg("%s: want %s, got %s", texts[i].body, texts[i].part, response->body);
    }
}

/* Send a body over and over; every reply is the first, byte for byte. */
static void check_same(struct client *to, const char *body, int times, char **first)
{
    for (int i = 0; i < times; i++) {
        const struct response *response = client_evaluate(to, body);

        assert_int_equal(response->status, 200);
        assert_true(i == 0 || response->connects == 0);
        if (*first == NULL)
            *first = strdup(response->body);
        else if (strcmp(response->body, *first) != 0)
            fail_msg("reply %d: got %s, want %s", i, response->body, *first);
    }
}

/* Inline, on workers, on one or on many: the same bytes. */
static void replies_are_the_same_everywhere(void **state)
{
    static const char body[] =
        "{\"logits\":[[13,3,2,5,1],[1,8,20,2,3],[1,14,3,5,3]],\"targets\":[0,2,1],"
        "\"weights\":[0.1,0.2,0.3,0.7,1.3],\"label_smoothing\":0.1,\"dtype\":"
        "\"float64\",\"return\":[\"losses\",\"softmax\",\"log_softmax\",\"predictions\"]}";
    static const char *const workers[] = {"1", "8"};
    char *first = NULL;

    (void)state;
    check_same(client, body, 1000, &first);
    for (int i = 0; i < 2; i++) {
        const char *flags[] = {"--inline-bytes-max", "0", "--workers", workers[i], NULL};
        struct daemon other;
        struct client *to;

        daemon_start(&other, flags, NULL);
        to = client_open(other.port);
        check_same(to, body, 1000, &first);
        assert_true(client_metric(to, "lossd_queue_wait_seconds_count") == 1000.0);
        client_close(to);
        assert_int_equal(daemon_stop(&other), 0);
    }
    free(first);
}

/* Logits of several blocks: integers that do not repeat along the rows. */
static char *large_body(size_t rows, size_t classes)
{
    char *body = malloc(rows * (classes + 1) * 6 + 1000), *at = body;

    assert_non_null(body);
    at += sprintf(at, "{\"logits\":[");
    for (size_t i = 0; i < rows * classes; i++)
        at += sprintf(at, "%s%zu%s", i % classes == 0 ? "[" : "", i * 7919 % 23,
                      i % classes != classes - 1 ? ","
                      : i != rows * classes - 1  ? "],"
                                                 : "]],");
    at += sprintf(at, "\"targets\":[");
    for (size_t i = 0; i < rows; i++)
        at += sprintf(at, "%zu%s", i % 97, i != rows - 1 ? "," : "],");
    (void)sprintf(at, "\"label_smoothing\":0.1,\"return\":[\"losses\",\"predictions\",\"entropy\","
                      "\"brier\",\"ece\",\"per_class\"]}");
    return body;
}

/* One request on one worker or on several: the same bytes.  Row 40. */
static void a_large_request_is_the_same_on_all_workers(void **state)
{
    static const char *const workers[] = {"1", "2", "5"};
    char *body = large_body(600, 1000), *first = NULL;

    (void)state;
    for (int i = 0; i < 3; i++) {
        const char *flags[] = {"--workers", workers[i], NULL};
        struct daemon other;
        struct client *to;

        daemon_start(&other, flags, NULL);
        to = client_open(other.port);
        check_same(to, body, 4, &first);
        client_close(to);
        assert_int_equal(daemon_stop(&other), 0);
    }
    free(first);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_numbers_are_written_so),
        cmocka_unit_test(replies_are_the_same_everywhere),
        cmocka_unit_test(a_large_request_is_the_same_on_all_workers),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
