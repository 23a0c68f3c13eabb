/* test_codings.c - bodies that are compressed: requests in every form,
 * bombs, broken ones; replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/alive.h"
#include "support/questions.h"
#include "support/session.h"
#include "support/zipped.h"

enum { JSON_BYTES_MAX = 1000000, MIB = 1024 * 1024 };

#define GOOD      "{\"logits\":[1,2],\"targets\":1}"
#define FILE_TYPE "Content-Type: application/x-safetensors"

static int start(void **state)
{
    (void)state;
    return session_start(
        (const char *const[]){"--json-bytes-max", "1000000", "--binary-bytes-max", "2000000", NULL},
        NULL);
}

/* ---- requests -------------------------------------------------------------------------------- */

static const struct {
    const char *header;
    enum zip kind;
} codings[] = {
    {"Content-Encoding: gzip", ZIP_GZIP},
    {"Content-Encoding: X-GZip", ZIP_GZIP},
    {"Content-Encoding: deflate", ZIP_DEFLATE},
};

/* A request, plain and in every coding, with a length and chunked: the same reply. */
static void check_codings(const char *path, const char *const *headers, struct question_body body)
{
    const struct response *response =
        client_send(client, "POST", path, headers, body.bytes, body.length);
    char *want = malloc(response->body_length + 1);
    size_t length = response->body_length;

    assert_non_null(want);
    assert_int_equal(response->status, 200);
    memcpy(want, response->body, length);
    for (size_t i = 0; i < 6; i++) {
        struct zipped zipped = zip(body.bytes, body.length, codings[i / 2].kind, 1);
        const char *more[5] = {codings[i / 2].header};
        size_t count = 1;

        for (size_t h = 0; headers[h] != NULL; h++)
            more[count++] = headers[h];
        more[count] = i % 2 == 0 ? NULL : "Transfer-Encoding: chunked";
        response = client_send(client, "POST", path, more, zipped.bytes, zipped.length);
        if (response->status != 200 || response->body_length != length ||
            memcmp(response->body, want, length) != 0)
            fail_msg("%s, %s: got %ld %s", path, more[0], response->status, response->body);
        free(zipped.bytes);
    }
    free(want);
    free(body.bytes);
}

static void requests_may_be_compressed(void **state)
{
    const char *none[] = {NULL}, *file[] = {FILE_TYPE, NULL}, *head[] = {NULL, NULL};
    uint64_t seed = 4;

    (void)state;
    for (int i = 0; i < 12; i++) {
        struct question question;
        struct question_body body;
        char path[80], header[80];

        question_make(&question, &seed);
        check_codings("/v1/evaluate", none, question_json(&question));
        check_codings("/v1/evaluate", file, question_file(&question));
        (void)snprintf(path, sizeof path, "/v2/models/%s/infer", question_models[question.stage]);
        check_codings(path, none, question_inference(&question, false));
        body = question_inference(&question, true);
        /* of the JSON before it was compressed */
        (void)snprintf(header, sizeof header, "Inference-Header-Content-Length: %zu",
                       body.head_length);
        head[0] = header;
        check_codings(path, head, body);
        question_free(&question);
    }
}

static const struct response *send_zipped(const char *path, const char *type, enum zip kind,
                                          const char *bytes, size_t length)
{
    const char *headers[] = {
        kind == ZIP_GZIP ? "Content-Encoding: gzip" : "Content-Encoding: deflate", type, NULL};

    return client_send(client, "POST", path, headers, bytes, length);
}

/* 128 MiB in an eighth of one: refused as soon as it is more than the limit.  Row 49. */
static void a_bomb_does_not_go_off(void **state)
{
    static const char *const paths[] = {"/v1/evaluate", "/v1/evaluate",
                                        "/v2/models/nll_loss/infer"};
    static const char *const types[] = {NULL, FILE_TYPE, NULL};
    static const char *const settings[] = {" 1000000 are taken (json_bytes_max)",
                                           " 2000000 are taken (binary_bytes_max)",
                                           " 2000000 are taken (binary_bytes_max)"};
    char *spaces = malloc(MIB), text[600];
    struct zipped bombs[2];
    double used = client_resting_bytes(client), peak = daemon_peak_bytes(&lossd);

    (void)state;
    assert_non_null(spaces);
    memset(spaces, ' ', MIB);
    bombs[ZIP_GZIP] = zip(spaces, MIB, ZIP_GZIP, 128);
    bombs[ZIP_DEFLATE] = zip(spaces, MIB, ZIP_DEFLATE, 128);
    for (size_t i = 0; i < 30; i++) {
        const struct zipped *bomb = &bombs[i % 2];
        const struct response *response;
        double before_s = daemon_cpu_s(&lossd);

        response = send_zipped(paths[i / 2 % 3], types[i / 2 % 3], (enum zip)(i % 2), bomb->bytes,
                               bomb->length);
        if (response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("bomb %zu: %s", i, text);
        assert_non_null(strstr(response->body, settings[i / 2 % 3]));
        assert_true(daemon_cpu_s(&lossd) - before_s < 5.0);
        assert_true(client_resting_bytes(client) == used);
    }
    if (!(daemon_peak_bytes(&lossd) - peak <= 40.0 * MIB))
        fail_msg("the memory grew by %g MiB", (daemon_peak_bytes(&lossd) - peak) / MIB);
    check_alive(lossd.port, "bombs");
    free(bombs[0].bytes);
    free(bombs[1].bytes);
    free(spaces);
}

/* The limit is on what a body decodes to, and exact. */
static void a_body_may_decode_to_so_many_bytes(void **state)
{
    char *body = malloc(JSON_BYTES_MAX + 2), text[600];
    double waits = client_metric(client, "lossd_queue_wait_seconds_count");

    (void)state;
    assert_non_null(body);
    memset(body, ' ', JSON_BYTES_MAX + 2);
    memcpy(body, GOOD, sizeof GOOD - 1);
    for (size_t length = JSON_BYTES_MAX - 1; length <= JSON_BYTES_MAX + 1; length++) {
        struct zipped zipped = zip(body, length, ZIP_GZIP, 1);
        const struct response *response =
            send_zipped("/v1/evaluate", NULL, ZIP_GZIP, zipped.bytes, zipped.length);

        if (length <= JSON_BYTES_MAX
                ? response->status != 200
                : response_fault(response, 413, "body_too_large", NULL, text, sizeof text) != NULL)
            fail_msg("%zu bytes: got %ld %s", length, response->status, response->body);
        free(zipped.bytes);
    }
    free(body);
    /* A kilobyte each: yet the loop, which serves all, is not to be kept busy by what they hold. */
    assert_true(client_metric(client, "lossd_queue_wait_seconds_count") == waits + 3.0);
}

/* Every byte of a stream, but for flags and the like that tell nothing, counts. */
static void broken_streams_are_refused(void **state)
{
    struct zipped whole[3];
    char text[600];

    (void)state;
    for (int kind = 0; kind < 3; kind++)
        whole[kind] = zip(GOOD, sizeof GOOD - 1, (enum zip)kind, 1);
    for (int i = 0; i < 2; i++) {
        enum zip kind = (enum zip)i;
        struct zipped *one = &whole[i], *other = &whole[1 - i];
        size_t length = one->length;
        char *extra = calloc(length + 1, 1), *end = one->bytes + length - 1;

        assert_non_null(extra);
        memcpy(extra, one->bytes, length);
        for (size_t cut = 1; cut < length; cut++) {
            if (response_fault(send_zipped("/v1/evaluate", NULL, kind, one->bytes, cut), 400,
                               "invalid_coding", NULL, text, sizeof text) != NULL)
                fail_msg("cut to %zu: %s", cut, text);
        }
        *end ^= 1; /* of the length, or of the checksum */
        const struct {
            const char *bytes;
            size_t length;
        } broken[] = {{one->bytes, length},
                      {extra, length + 1},
                      {other->bytes, other->length},
                      {whole[2].bytes, whole[2].length},
                      {GOOD, sizeof GOOD - 1}};
        for (size_t b = 0; b < sizeof broken / sizeof broken[0]; b++) {
            if (response_fault(
                    send_zipped("/v1/evaluate", NULL, kind, broken[b].bytes, broken[b].length), 400,
                    "invalid_coding", NULL, text, sizeof text) != NULL)
                fail_msg("broken %zu: %s", b, text);
        }
        *end ^= 1;
        free(extra);
        if (response_fault(send_zipped("/v1/evaluate", NULL, kind, "", 0), 400, "empty_body", NULL,
                           text, sizeof text) != NULL)
            fail_msg("nothing: %s", text);
        assert_int_equal(send_zipped("/v1/evaluate", NULL, kind, one->bytes, one->length)->status,
                         200);
    }
    for (int kind = 0; kind < 3; kind++)
        free(whole[kind].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_may_be_compressed),
        cmocka_unit_test(a_bomb_does_not_go_off),
        cmocka_unit_test(a_body_may_decode_to_so_many_bytes),
        cmocka_unit_test(broken_streams_are_refused),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
