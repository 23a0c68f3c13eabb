/* test_ndjson_windows.c - bodies of many lines: more than are taken at once, on any number of
 * workers, with options in the query, under every media type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/lines.h"
#include "support/session.h"

enum { MEGABYTE = 1024 * 1024, TEXT_BYTES = 1000 };

static void check(const char *name, const struct response *response, const struct lines *want)
{
    char text[TEXT_BYTES];

    if (lines_fault(response, want, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
}

/* Large lines, one of them larger than a window, next to tiny ones, some
 * of which are only a byte. */
static void add_large_and_tiny(struct lines *lines)
{
    static const size_t counts[] = {1, 700000, 2, 40000, 300000, 1, 520000, 3, 40000};

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        lines_zeros(lines, counts[i], "");
        lines_word(lines, "\n1\n\n{\"logits\":[1\n");
        for (int tiny = 0; tiny < 300; tiny++)
            lines_word(lines, tiny % 3 == 0 ? "\n" : tiny % 3 == 1 ? "{}\n" : LINES_GOOD "\n");
    }
    lines_zeros(lines, 600000, ",\"dtype\":\"float64\"");
}

static void any_number_of_workers_gives_the_same(void **state)
{
    static const char *const flags[][5] = {
        {"--workers", "1", NULL},
        {"--workers", "2", NULL},
        {"--workers", "5", NULL},
        {"--workers", "3", "--inline-bytes-max", "1048576", NULL},
        {"--workers", "2", "--inline-bytes-max", "0", NULL},
    };
    struct lines bodies[4] = {{0}}, wants[4] = {{0}};

    (void)state;
    lines_mix(&bodies[0], 2 * MEGABYTE + MEGABYTE / 2);
    add_large_and_tiny(&bodies[1]);
    lines_mix(&bodies[2], 400000);    /* parts, but of one window */
    while (bodies[3].length < 100000) /* no part can end between these */
        lines_word(&bodies[3], bodies[3].length % 3 == 0 ? "1\n" : "\n");
    for (int i = 0; i < 4; i++)
        lines_want(client, "", &bodies[i], &wants[i]);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct daemon other;
        struct client *to_other;

        daemon_start(&other, flags[i], NULL);
        to_other = client_open(other.port);
        for (size_t turn = 0; turn < 4; turn++)
            check(flags[i][1], lines_post(to_other, "", &bodies[turn], (turn + i) % 2 == 1),
                  &wants[turn]);
        assert_true(client_metric(to_other, "lossd_in_flight_requests") == 1.0);
        assert_true(client_metric(to_other, "lossd_queue_jobs") == 0.0);
        assert_true(client_metric(to_other, "lossd_errors_total{code=\"queue_full\"}") == 0.0);
        client_close(to_other);
        assert_int_equal(daemon_stop(&other), 0);
    }
    for (int i = 0; i < 4; i++) {
        lines_free(&bodies[i]);
        lines_free(&wants[i]);
    }
}

static void the_query_holds_for_all_lines(void **state)
{
    static const char *const queries[] = {
        "?reduction=none&return=losses&dtype=float64",
        "?reduction=sum",
        "?k=0",
        "?foo=1",
        "?id=a%0Ab",
    };
    struct lines lines = {0}, want = {0};
    struct response const *response;

    (void)state;
    lines_word(&lines, "{\"logits\":[[2,1],[1,2]],\"targets\":[0,0]}\n"
                       "{\"logits\":[[2,1],[1,2]],\"targets\":[0,0],\"reduction\":\"mean\"}\n");
    lines_mix(&lines, 60000);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        lines_want(client, queries[i], &lines, &want);
        response = lines_post(client, queries[i], &lines, i % 2 == 1);
        check(queries[i], response, &want);
        if (i == 0) {
            assert_non_null(strstr(response->body, "{\"loss\":[0.31326168751822"));
            assert_non_null(strstr(response->body, "\"code\": \"conflicting_fields\", \"where\": "
                                                   "\"/reduction\"}\n"));
        }
        lines_free(&want);
    }
    lines_free(&lines);
}

static void media_types_are_told_apart(void **state)
{
    static const struct {
        const char *header;
        long status;
    } types[] = {
        {"Content-Type: application/jsonl", 200},
        {"Content-Type: application/x-ndjson; charset=utf-8", 200},
        {"Content-Type: Application/X-NDJSON ;a=b", 200},
        {"Content-Type: application/json", 400},
        {"Content-Type: application/x-ndjsonl", 415},
        {"Content-Type: application/ndjson", 415},
        {"Content-Type: text/plain", 415},
    };
    struct lines lines = {0}, want = {0};
    char text[TEXT_BYTES];

    (void)state;
    lines_word(&lines, LINES_GOOD "\n" LINES_GOOD "\n");
    lines_want(client, "", &lines, &want);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const char *headers[] = {types[i].header, "X-Request-Id: mine", NULL};
        const struct response *response =
            client_send(client, "POST", "/v1/evaluate", headers, lines.text, lines.length);

        if (response->status != types[i].status)
            fail_msg("%s: got %ld %s", types[i].header, response->status, response->body);
        assert_string_equal(response_header(response, "X-Request-Id", text, sizeof text), "mine");
        if (types[i].status == 200)
            check(types[i].header, response, &want);
        else if (response_fault(response, types[i].status,
                                types[i].status == 400 ? "trailing_data" : "unsupported_media_type",
                                types[i].status == 400 ? "29" : NULL, text, sizeof text) != NULL)
            fail_msg("%s: %s", types[i].header, text);
        if (types[i].status == 415)
            assert_non_null(strstr(response_header(response, "Accept-Post", text, sizeof text),
                                   "application/x-ndjson"));
    }
    lines_free(&want);
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_workers_gives_the_same),
        cmocka_unit_test(the_query_holds_for_all_lines),
        cmocka_unit_test(media_types_are_told_apart),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
