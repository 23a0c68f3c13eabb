/* test_same_answer.c - the same question in every form has the same answer, to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/parts.h"
#include "support/questions.h"
#include "support/session.h"

enum { QUESTIONS = 200 };

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--workers", "3", NULL}, NULL);
}

/* Send a body, free it, and have a reply of status 200. */
static const struct response *send_body(const char *path, const char *const *headers,
                                        struct question_body body, const char *what)
{
    const struct response *response =
        client_send(client, "POST", path, headers, body.bytes, body.length);

    if (response->status != 200)
        fail_msg("%s: got %ld %s%s for %.*s", what, response->status,
                 response->failure != NULL ? response->failure : "", response->body,
                 (int)body.head_length, body.bytes);
    free(body.bytes);
    return response;
}

static void ask_file(const struct question *question, struct parts *parts)
{
    static const char *const headers[] = {"Content-Type: application/x-safetensors", NULL};
    struct question_body body = question_file(question);

    body.head_length = 0; /* not to be printed */
    parts_of_file(parts, send_body("/v1/evaluate", headers, body, "safetensors"));
}

static void ask_inference(const struct question *question, bool is_binary, struct parts *parts)
{
    struct question_body body = question_inference(question, is_binary);
    const char *headers[] = {NULL, NULL};
    char path[80], header[80];

    (void)snprintf(header, sizeof header, "Inference-Header-Content-Length: %zu", body.head_length);
    if (is_binary)
        headers[0] = header;
    (void)snprintf(path, sizeof path, "/v2/models/%s/infer", question_models[question->stage]);
    parts_of_inference(parts,
                       send_body(path, headers, body, is_binary ? "v2 in binary" : "v2 in JSON"),
                       is_binary);
}

/* The reply in JSON, which is a line; to be freed. */
static char *ask_json(const struct question *question, struct parts *parts)
{
    const struct response *response =
        send_body("/v1/evaluate", NULL, question_json(question), "JSON");
    json_t *reply = response_json(response);

    assert_non_null(reply);
    assert_string_equal(json_text(reply, "dtype"), question->is_wide ? "float64" : "float32");
    parts_of_json(parts, reply);
    json_decref(reply);
    assert_ptr_equal(strchr(response->body, '\n'), response->body + response->body_length - 1);
    return strdup(response->body);
}

static void check_same(size_t number, const char *form, struct parts *got, const struct parts *want)
{
    char text[200];

    if (parts_difference(got, want, text, sizeof text) != NULL)
        fail_msg("question %zu, %s: %s", number, form, text);
    parts_free(got);
}

/* How often each kind of question came, so that none is left out by chance. */
struct kinds {
    size_t stages[QUESTION_STAGES], wide, ranks[4], probabilities, weights, smoothing, ignoring,
        large;
};

static void count_kind(struct kinds *kinds, const struct question *question)
{
    kinds->stages[question->stage]++;
    kinds->wide += question->is_wide;
    kinds->ranks[question->rank]++;
    kinds->probabilities += question->probabilities != NULL;
    kinds->weights += question->weights != NULL;
    kinds->smoothing += question->has_smoothing;
    kinds->ignoring += question->has_ignore_index;
    kinds->large += question->elements > 2000;
}

static void check_kinds(const struct kinds *kinds)
{
    for (int i = 0; i < QUESTION_STAGES; i++)
        assert_in_range(kinds->stages[i], 40, 100);
    for (int i = 1; i < 4; i++)
        assert_in_range(kinds->ranks[i], 30, 120);
    assert_in_range(kinds->wide, 70, 130);
    assert_in_range(kinds->probabilities, 40, 100);
    assert_in_range(kinds->weights, 70, 130);
    assert_in_range(kinds->smoothing, 70, 130);
    assert_in_range(kinds->ignoring, 20, 80);
    assert_in_range(kinds->large, 5, 40);
}

static void every_form_has_the_same_answer(void **state)
{
    static char *lines, *replies;
    size_t lines_length, replies_length;
    FILE *line_file = open_memstream(&lines, &lines_length);
    FILE *reply_file = open_memstream(&replies, &replies_length);
    static const char *const headers[] = {"Content-Type: application/x-ndjson", NULL};
    const struct response *response;
    struct kinds kinds = {.wide = 0};
    uint64_t seed = 20260101;

    (void)state;
    for (size_t i = 0; i < QUESTIONS; i++) {
        struct parts want, got;
        struct question question;
        struct question_body body;
        char *reply;

        question_make(&question, &seed);
        count_kind(&kinds, &question);
        ask_file(&question, &want);
        reply = ask_json(&question, &got);
        check_same(i, "JSON", &got, &want);
        ask_inference(&question, false, &got);
        check_same(i, "v2 in JSON", &got, &want);
        ask_inference(&question, true, &got);
        check_same(i, "v2 in binary", &got, &want);
        body = question_json(&question);
        (void)fprintf(line_file, "%s\n", body.bytes);
        (void)fprintf(reply_file, "%s", reply);
        free(body.bytes);
        free(reply);
        parts_free(&want);
        question_free(&question);
    }
    (void)fclose(line_file);
    (void)fclose(reply_file);
    check_kinds(&kinds);
    response = client_send(client, "POST", "/v1/evaluate", headers, lines, lines_length);
    assert_int_equal(response->status, 200);
    assert_int_equal(response->body_length, replies_length);
    assert_memory_equal(response->body, replies, replies_length);
    free(lines);
    free(replies);
}

/* The form of the reply is a matter of Accept, whatever the request was. */
static void accept_changes_the_form_alone(void **state)
{
    static const char *const to_file[] = {"Accept: application/x-safetensors", NULL};
    static const char *const to_json[] = {"Content-Type: application/x-safetensors",
                                          "Accept: application/json", NULL};
    uint64_t seed = 77;

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        struct parts want, got;
        struct question question;
        char *reply;

        question_make(&question, &seed);
        reply = ask_json(&question, &got);
        parts_of_file(&want,
                      send_body("/v1/evaluate", to_file, question_json(&question), "to file"));
        check_same(i, "JSON", &got, &want);
        assert_string_equal(
            send_body("/v1/evaluate", to_json, question_file(&question), "to JSON")->body, reply);
        free(reply);
        parts_free(&want);
        question_free(&question);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_has_the_same_answer),
        cmocka_unit_test(accept_changes_the_form_alone),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
