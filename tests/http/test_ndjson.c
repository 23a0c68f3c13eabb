/* test_ndjson.c - bodies of many lines: each has the reply that it would
 * have alone, in its place. */
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
#include "support/raw.h"

enum { LIMIT = 100, WINDOW = 1024 * 1024, TEXT_BYTES = 1000 };

#define TOO_LONG                                                                    \
    "{\"error\": \"the line has more than 100 bytes (json_bytes_max)\", \"code\": " \
    "\"body_too_large\"}\n"

static struct daemon lossd, narrow; /* the second takes lines up to LIMIT */
static struct client *client, *to_narrow;

static int start(void **state)
{
    (void)state;
    daemon_start(&lossd, NULL, NULL);
    daemon_start(&narrow, (const char *const[]){"--json-bytes-max", "100", NULL}, NULL);
    client = client_open(lossd.port);
    to_narrow = client_open(narrow.port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_close(client);
    client_close(to_narrow);
    return daemon_stop(&lossd) + daemon_stop(&narrow);
}

static void check(const char *name, const struct response *response, const struct lines *want)
{
    char text[TEXT_BYTES];

    if (lines_fault(response, want, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
}

/* Lines that are wrong, each in its own way; what counts is the reply to the same text alone. */
static const struct {
    const char *line;
    size_t length;
    const char *code;
} wrong[] = {
#define LINE(text) text, sizeof(text) - 1
    {LINE("x"), "invalid_json"},
    {LINE("{\"logits\":[1,2"), "invalid_json"},
    {LINE("{\"logits\":[1,2]\r"), "invalid_json"},
    {LINE("{} {}"), "trailing_data"},
    {LINE(LINES_GOOD "{}"), "trailing_data"},
    {LINE(LINES_GOOD "\0"), "trailing_data"},
    {LINE("{\"logits\":[2,\0 1],\"targets\":0}"), "invalid_json"},
    {LINE("{\"id\":\"a\0b\",\"logits\":[2,1],\"targets\":0}"), "invalid_json"},
    {LINE("\0"), "invalid_json"},
    {LINE(" \0"), "invalid_json"},
    {LINE("\0" LINES_GOOD), "invalid_json"},
    {LINE("\xef\xbb\xbf" LINES_GOOD), "invalid_json"},
    {LINE("{\"id\":\"\xff\",\"logits\":[2,1],\"targets\":0}"), "invalid_utf8"},
    {LINE("[" LINES_GOOD "]"), "expected_object"},
    {LINE("null"), "expected_object"},
    {LINE("{}"), "missing_field"},
    {LINE("{\"logits\":[2,1],\"targets\":2}"), "target_out_of_range"},
    {LINE("{\"logits\":[2,1],\"targets\":0.5}"), "target_not_integer"},
    {LINE("{\"logits\":[[2,1],[1]],\"targets\":[0,0]}"), "ragged_array"},
    {LINE("{\"logits\":[2,1],\"targets\":[0,0,0]}"), "shape_mismatch"},
    {LINE("{\"logits\":[2,\"1\"],\"targets\":0}"), "wrong_type"},
    {LINE("{\"logits\":[2,1e999],\"targets\":0}"), "number_out_of_range"},
    {LINE("{\"logits\":[2,1],\"targets\":0,\"foo\":1}"), "unknown_field"},
    {LINE("{\"logits\":[2,1],\"targets\":0,\"targets\":0}"), "duplicate_key"},
    {LINE("{\"logits\":[2,1],\"targets\":0,\"dtype\":\"int8\"}"), "unknown_dtype"},
    {LINE("{\"logits\":[2,1],\"targets\":0,\"k\":0}"), "value_out_of_range"},
    {LINE("{\"logits\":[2,1],\"logits\":[2,1],\"targets\":0}"), "duplicate_key"},
};

/* The code of every second line, of which there are as many as there are wrong ones. */
static void check_codes(const struct response *response)
{
    const char *line = response->body;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *json;

        assert_non_null(line = strchr(line, '\n')); /* that of a good one */
        json = json_loads(++line, JSON_DISABLE_EOF_CHECK, NULL);
        if (strcmp(json_text(json, "code"), wrong[i].code) != 0)
            fail_msg("line %zu: want %s, got %.200s", i, wrong[i].code, line);
        json_decref(json);
        assert_non_null(line = strchr(line, '\n'));
        line++;
    }
}

/* Row 22a of tests/faults/rows.txt. */
static void wrong_lines_have_their_errors_in_place(void **state)
{
    struct lines lines = {0}, want = {0};
    char series[100];
    double errors, rows;
    size_t same;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        lines_print(&lines, "{\"id\":\"%zu\",\"logits\":[2,1],\"targets\":0}\n", i);
        lines_add(&lines, wrong[i].line, wrong[i].length);
        lines_word(&lines, "\n");
    }
    lines_word(&lines, LINES_GOOD);
    lines_want(client, "", &lines, &want);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        same = 0;
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++)
            same += strcmp(wrong[i].code, wrong[j].code) == 0;
        (void)snprintf(series, sizeof series, "lossd_errors_total{code=\"%s\"}", wrong[i].code);
        errors = client_metric(client, series);
        rows = client_metric(client, "lossd_rows_evaluated_total");
        check("wrong lines", lines_post(client, "", &lines, i % 2 == 1), &want);
        check_codes(lines_post(client, "", &lines, false));
        assert_true(client_metric(client, series) == errors + 2.0 * (double)same);
        assert_true(client_metric(client, "lossd_rows_evaluated_total") ==
                    rows + 2.0 * (sizeof wrong / sizeof wrong[0] + 1));
    }
    lines_free(&want);
    lines_free(&lines);
}

static void lines_may_be_blank_or_end_in_any_way(void **state)
{
    static const struct {
        const char *text;
        int replies;
    } bodies[] = {
        {LINES_GOOD, 1},
        {LINES_GOOD "\n", 1},
        {LINES_GOOD "\r\n", 1},
        {LINES_GOOD "\r", 1},
        {LINES_GOOD "\r\n" LINES_GOOD "\r\n", 2},
        {LINES_GOOD "\n" LINES_GOOD, 2},
        {"\n\n" LINES_GOOD "\n\n \n" LINES_GOOD "\n\n", 2},
        {" \t\r\n\t" LINES_GOOD " \r\n  ", 1},
        {LINES_GOOD "\n \t\r", 1},
        {"\n", 0},
        {"\r\n\r\n", 0},
        {" ", 0},
        {"\n \n\t\n\r", 0},
        {"", 0},
    };
    struct lines reply = {0}, good = {.text = (char[]){LINES_GOOD}, .length = strlen(LINES_GOOD)};

    (void)state;
    lines_want(client, "", &good, &reply);
    assert_int_equal(reply.text[reply.length - 1], '\n');
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct lines lines = {0}, want = {0};

        lines_word(&lines, bodies[i].text);
        for (int reply_number = 0; reply_number < bodies[i].replies; reply_number++)
            lines_add(&want, reply.text, reply.length);
        check(bodies[i].text, lines_post(client, "", &lines, false), &want);
        check(bodies[i].text, lines_post(client, "", &lines, true), &want);
        lines_free(&want);
        lines_free(&lines);
    }
    lines_free(&reply);
}

static void a_line_may_be_as_long_as_a_body(void **state)
{
    static const size_t lengths[] = {LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 2, 70000, 300000};
    struct lines good = {.text = (char[]){LINES_GOOD}, .length = strlen(LINES_GOOD)};
    static const char *const ends[] = {"", "\n", "\n" LINES_GOOD, "\n" LINES_GOOD "\n\n"};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = lengths[i / 2];

        for (size_t end = 0; end < sizeof ends / sizeof ends[0]; end++) {
            struct lines lines = {0}, want = {0};

            lines_word(&lines, LINES_GOOD "\n");
            lines_want(to_narrow, "", &lines, &want);
            if (i % 2 == 0 || length > LIMIT) /* else it is blank */
                lines_word(&want, length > LIMIT ? TOO_LONG : want.text);
            if (i % 2 == 0)
                lines_word(&lines, LINES_GOOD);
            while (lines.length < good.length + 1 + length)
                lines_word(&lines, i % 2 == 0 ? " " : "\r");
            lines_word(&lines, ends[end]);
            if (end >= 2)
                lines_want(to_narrow, "", &good, &want);
            check("long lines", lines_post(to_narrow, "", &lines, false), &want);
            check("long lines", lines_post(to_narrow, "", &lines, true), &want);
            lines_free(&want);
            lines_free(&lines);
        }
    }
    assert_true(client_metric(to_narrow, "lossd_errors_total{code=\"body_too_large\"}") > 0.0);
}

/* However the body is cut, its replies are the same. */
static void pieces_may_end_anywhere(void **state)
{
    static const char head[] = "POST /v1/evaluate HTTP/1.1\r\nHost: a\r\nX-Request-Id: piece\r\n"
                               "Content-Type: application/x-ndjson\r\n";
    struct lines lines = {0}, want = {0}, good = {0};
    struct response response = {0};
    struct raw raw;
    char id[32];

    (void)state;
    lines_word(&good, LINES_GOOD "\r\n{\"logits\":[2,1],\"targets\":5}\n");
    lines_want(to_narrow, "", &good, &want);
    lines_add(&lines, good.text, good.length);
    lines_print(&lines, "%*s\n", 2 * LIMIT, "x");
    lines_word(&want, TOO_LONG);
    lines_print(&lines, " \n%*s\n", LIMIT + 1, "");
    lines_word(&want, TOO_LONG);
    lines_add(&lines, good.text, good.length);
    lines_want(to_narrow, "", &good, &want);
    lines_print(&lines, "\n%*s", LIMIT + 1, "{");
    lines_word(&want, TOO_LONG);
    raw_open(&raw, narrow.port);
    for (size_t first = 0; first < lines.length; first++) {
        struct lines request = {0};

        lines_word(&request, head);
        lines_word(&request, "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0, size; at < lines.length; at += size) {
            size = first == 0 ? 1 : at == 0 ? first : lines.length - first;
            lines_print(&request, "%zx\r\n", size);
            lines_add(&request, lines.text + at, size);
            lines_word(&request, "\r\n");
        }
        lines_word(&request, "0\r\n\r\n");
        assert_true(raw_send(&raw, request.text, request.length));
        raw_read(&raw, false, RAW_MS, &response);
        check("chunks", &response, &want);
        assert_string_equal(response_header(&response, "X-Request-Id", id, sizeof id), "piece");
        lines_free(&request);
    }
    lines_print(&good, "%sContent-Length: %zu\r\n\r\n", head, lines.length);
    assert_true(raw_say(&raw, strstr(good.text, "POST")));
    for (size_t at = 0; at < lines.length; at++)
        assert_true(raw_send(&raw, lines.text + at, 1));
    raw_read(&raw, false, RAW_MS, &response);
    check("bytes", &response, &want);
    raw_close(&raw);
    response_free(&response);
    lines_free(&good);
    lines_free(&want);
    lines_free(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_lines_have_their_errors_in_place),
        cmocka_unit_test(lines_may_be_blank_or_end_in_any_way),
        cmocka_unit_test(a_line_may_be_as_long_as_a_body),
        cmocka_unit_test(pieces_may_end_anywhere),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
