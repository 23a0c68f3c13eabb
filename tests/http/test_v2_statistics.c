/* test_v2_statistics.c - what the Open Inference Protocol tells of a
 * model's past, and of its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/client.h"
#include "support/daemon.h"
#include "support/raw.h"

enum { PATIENCE_MS = 120000, MODELS = 3, DURATIONS = 8 };

static const char *const models[MODELS] = {"cross_entropy", "nll_loss",
                                           "categorical_cross_entropy"};
static const char *const durations[DURATIONS] = {"success",       "fail",          "queue",
                                                 "compute_input", "compute_infer", "compute_output",
                                                 "cache_hit",     "cache_miss"};

enum { SUCCESS, FAIL, QUEUE, INPUT, INFER, OUTPUT };

/* A model's past, as it is told. */
struct past {
    json_int_t last_ms, rows, executions, count[DURATIONS], ns[DURATIONS];
};

/* A member that is an integer and not negative. */
static json_int_t integer_of(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        fail_msg("%s is no count", name);
    return json_integer_value(value);
}

/* One entry of model_stats, with every member that there must be and no other. */
static struct past past_of(const json_t *entry, const char *model)
{
    const json_t *stats = json_object_get(entry, "inference_stats");
    struct past past = {integer_of(entry, "last_inference"),
                        integer_of(entry, "inference_count"),
                        integer_of(entry, "execution_count"),
                        {0},
                        {0}};

    assert_string_equal(json_text(entry, "name"), model);
    assert_string_equal(json_text(entry, "version"), "1");
    assert_int_equal(json_object_size(entry), 9);
    assert_true(json_is_object(json_object_get(entry, "response_stats")));
    assert_true(json_is_array(json_object_get(entry, "batch_stats")));
    assert_true(json_is_array(json_object_get(entry, "memory_usage")));
    assert_int_equal(json_object_size(stats), DURATIONS);
    for (int i = 0; i < DURATIONS; i++) {
        const json_t *duration = json_object_get(stats, durations[i]);

        assert_int_equal(json_object_size(duration), 2);
        past.count[i] = integer_of(duration, "count");
        past.ns[i] = integer_of(duration, "ns");
    }
    return past;
}

/* All models' pasts; those told one by one are the same. */
static void read_pasts(struct client *client, struct past pasts[MODELS])
{
    json_t *all = response_json(client_send(client, "GET", "/v2/models/stats", NULL, NULL, 0));
    const json_t *list = json_object_get(all, "model_stats");

    assert_int_equal(json_object_size(all), 1);
    assert_int_equal(json_array_size(list), MODELS);
    for (size_t i = 0; i < 2 * MODELS; i++) {
        const json_t *entry = json_array_get(list, i / 2), *list_of_one;
        char path[100];
        json_t *one;

        (void)snprintf(path, sizeof path, "/v2/models/%s%s/stats", models[i / 2],
                       i % 2 == 0 ? "" : "/versions/1");
        one = response_json(client_send(client, "GET", path, NULL, NULL, 0));
        list_of_one = json_object_get(one, "model_stats");
        assert_int_equal(json_array_size(list_of_one), 1);
        assert_true(json_equal(json_array_get(list_of_one, 0), entry));
        pasts[i / 2] = past_of(entry, models[i / 2]);
        json_decref(one);
    }
    json_decref(all);
}

#define LOGITS(shape, data)                                                                      \
    "{\"inputs\":[{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":" shape ",\"data\":" data \
    "},"
#define TARGETS(shape, data) \
    "{\"name\":\"targets\",\"datatype\":\"INT64\",\"shape\":" shape ",\"data\":" data "}]}"

/* How the past of cross_entropy grows by each of these. */
static const struct {
    const char *body;
    long status;
    json_int_t rows;
} requests[] = {
    {LOGITS("[2,2]", "[1,2,3,4]") TARGETS("[2]", "[0,1]"), 200, 2},
    {LOGITS("[2]", "[1,2]") TARGETS("[]", "[0]"), 200, 1},
    {LOGITS("[1,2,3]", "[1,2,3,4,5,6]") TARGETS("[1,3]", "[0,1,-100]"), 200, 3},
    {LOGITS("[0,2]", "[]") TARGETS("[0]", "[]"), 200, 0},
    {LOGITS("[2]", "[1,2]") TARGETS("[]", "[7]"), 400, 0},
    {"{}", 400, 0},
    {"", 400, 0},
};

static void check_growth(const struct past *before, const struct past *after, size_t i,
                         bool is_queued)
{
    bool is_fine = requests[i].status == 200;
    json_int_t now_ms = (json_int_t)time(NULL) * 1000, parts_ns = 0;

    assert_int_equal(after->rows - before->rows, requests[i].rows);
    assert_int_equal(after->executions - before->executions, is_fine);
    for (int d = 0; d < DURATIONS; d++) {
        bool grows = d == FAIL ? !is_fine : is_fine && d <= OUTPUT;

        if (after->count[d] - before->count[d] != grows)
            fail_msg("request %zu: %s grew by %lld", i, durations[d],
                     (long long)(after->count[d] - before->count[d]));
        assert_true(after->ns[d] >= before->ns[d] && (grows || after->ns[d] == before->ns[d]));
        parts_ns += d >= QUEUE ? after->ns[d] - before->ns[d] : 0;
    }
    assert_true(after->ns[is_fine ? SUCCESS : FAIL] > before->ns[is_fine ? SUCCESS : FAIL]);
    assert_true(parts_ns <= after->ns[SUCCESS] - before->ns[SUCCESS]);
    assert_int_equal(after->ns[QUEUE] > before->ns[QUEUE], is_fine && is_queued);
    if (is_fine)
        assert_true(after->ns[INPUT] > before->ns[INPUT] && after->ns[INFER] > before->ns[INFER] &&
                    after->ns[OUTPUT] > before->ns[OUTPUT] && after->last_ms >= now_ms - 60000 &&
                    after->last_ms <= now_ms + 60000);
    else
        assert_int_equal(after->last_ms, before->last_ms);
}

/* By requests that the event loop answers itself, then by such that wait for a worker. */
static void the_past_grows(void **state)
{
    static const char *const flags[2][3] = {{NULL}, {"--inline-bytes-max", "0", NULL}};
    static const struct past nothing;

    (void)state;
    for (size_t round = 0; round < 2; round++) {
        struct past before[MODELS], after[MODELS];
        struct daemon lossd;
        struct client *client;

        daemon_start(&lossd, flags[round], NULL);
        client = client_open(lossd.port);
        read_pasts(client, before);
        assert_memory_equal(&before[0], &nothing, sizeof nothing);
        for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
            const char *body = requests[i].body;
            const struct response *response = client_send(
                client, "POST", "/v2/models/cross_entropy/infer", NULL, body, strlen(body));

            if (response->status != requests[i].status)
                fail_msg("%s: got %ld %s", body, response->status, response->body);
            read_pasts(client, after);
            check_growth(&before[0], &after[0], i, round == 1);
            before[0] = after[0];
        }
        assert_memory_equal(&after[1], &nothing, sizeof nothing);
        assert_memory_equal(&after[2], &nothing, sizeof nothing);
        client_close(client);
        assert_int_equal(daemon_stop(&lossd), 0);
    }
}

/* What is no inference of the model is not in its past: another version, another method, and a
 * request whose client was gone before it was complete. */
static void the_past_is_of_inferences(void **state)
{
    static const char half[] = "POST /v2/models/cross_entropy/infer HTTP/1.1\r\nHost: a\r\n"
                               "Content-Length: 100\r\n\r\n{\"inputs\":[";
    static const char wrong_version[] = "/v2/models/cross_entropy/versions/2/infer";
    static const struct past nothing;
    struct past after[MODELS];
    struct daemon lossd;
    struct client *client;
    struct raw raw;

    (void)state;
    daemon_start(&lossd, NULL, NULL);
    client = client_open(lossd.port);
    assert_int_equal(client_send(client, "POST", wrong_version, NULL, "{}", 2)->status, 404);
    assert_int_equal(
        client_send(client, "GET", "/v2/models/cross_entropy/infer", NULL, NULL, 0)->status, 405);
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, half));
    assert_true(client_wait(client, "lossd_in_flight_requests", 2.0, 2.0));
    raw_close(&raw);
    assert_true(client_wait(client, "lossd_client_aborts_total", 1.0, 1.0));
    read_pasts(client, after);
    assert_memory_equal(&after[0], &nothing, sizeof nothing);
    client_close(client);
    assert_int_equal(daemon_stop(&lossd), 0);
}

/* From SIGTERM on it lives, but is not ready, as KServe's clients read it; inference goes on. */
static void who_is_draining_is_not_ready(void **state)
{
    static const char *const paths[] = {"/v2/health/ready", "/v2/models/nll_loss/ready",
                                        "/v2/models/nll_loss/versions/1/ready", "/readyz"};
    struct daemon lossd;
    struct client *client;
    double since;
    char text[100];

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--drain-delay-ms", "3600000", NULL}, NULL);
    client = client_open(lossd.port);
    since = clock_ms();
    daemon_signal(&lossd, SIGTERM);
    while (client_send(client, "GET", "/readyz", NULL, NULL, 0)->status == 200)
        assert_true(clock_ms() - since < PATIENCE_MS); /* the signal is on its way */
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const struct response *response = client_send(client, "GET", paths[i], NULL, NULL, 0);
        json_t *body = response_json(response);

        assert_int_equal(response->status, 503);
        assert_string_equal(response_header(response, "Content-Type", text, sizeof text),
                            "application/json");
        assert_non_null(response_header(response, "Retry-After", text, sizeof text));
        assert_true(json_is_false(json_object_get(body, "ready")));
        assert_string_equal(json_text(body, "code"), "draining");
        assert_string_not_equal(json_text(body, "error"), "");
        json_decref(body);
    }
    assert_int_equal(client_send(client, "GET", "/v2/health/live", NULL, NULL, 0)->status, 200);
    assert_int_equal(client_send(client, "GET", "/v2/models/nll_loss", NULL, NULL, 0)->status, 200);
    assert_int_equal(client_send(client, "GET", "/v2/models/x/ready", NULL, NULL, 0)->status, 404);
    assert_int_equal(client_send(client, "POST", "/v2/models/cross_entropy/infer", NULL,
                                 requests[0].body, strlen(requests[0].body))
                         ->status,
                     200);
    client_close(client);
    daemon_signal(&lossd, SIGTERM); /* the second, which does not wait */
    assert_int_equal(daemon_wait(&lossd, PATIENCE_MS), 0);
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_past_grows),
        cmocka_unit_test(the_past_is_of_inferences),
        cmocka_unit_test(who_is_draining_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
