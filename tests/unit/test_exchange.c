/* test_exchange.c - one request without a socket: its HTTP status, its id, its body, its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "server/exchange.h"

/* The table of the faults of the API, written down once more. */
static const struct {
    unsigned http_status;
    const char *codes;
} answers[] = {
    {200, " ok "},
    {400,
     " empty_body invalid_json trailing_data expected_object duplicate_key invalid_utf8 too_deep "
     "non_finite_not_allowed number_out_of_range wrong_type missing_field conflicting_fields "
     "unknown_field unknown_value unknown_dtype value_out_of_range ragged_array "
     "invalid_safetensors "
     "invalid_shape shape_mismatch target_not_integer target_out_of_range bad_framing "
     "invalid_coding bad_path "},
    {401, " unauthorized "},
    {404, " not_found "},
    {405, " method_not_allowed "},
    {406, " not_acceptable "},
    {408, " request_timeout "},
    {411, " length_required "},
    {413, " body_too_large too_many_elements "},
    {415, " unsupported_media_type unsupported_encoding "},
    {417, " expectation_failed "},
    {500, " internal_error "},
    {501, " not_implemented "},
    {503, " queue_full client_gone client_quota too_many_connections memory_budget_full "
          "out_of_memory draining "},
    {504, " deadline_exceeded "},
};

static void every_failure_has_its_http_status(void **state)
{
    (void)state;
    for (int i = 0; i < LOSS_STATUS_COUNT; i++) {
        unsigned want = 0;
        char code[64];

        (void)snprintf(code, sizeof code, " %s ", loss_status_code((enum loss_status)i));
        for (size_t row = 0; row < sizeof answers / sizeof answers[0]; row++) {
            if (strstr(answers[row].codes, code) != NULL)
                want = answers[row].http_status;
        }
        if (exchange_http_status((enum loss_status)i) != want)
            fail_msg("%s: got %u, want %u", code, exchange_http_status((enum loss_status)i), want);
    }
    assert_int_equal(exchange_http_status(LOSS_STATUS_COUNT), 500);
}

struct fixture {
    struct server_options options;
    struct log log;
    struct service_state state;
    struct service service;
};

static void no_run(struct job *job)
{
    (void)job;
}

static void no_wake(void *context)
{
    (void)context;
}

static void set_up(struct fixture *fixture)
{
    const struct workers_options workers = {1, 1, no_run};

    *fixture = (struct fixture){.log.level = LOG_ERROR};
    fixture->options = (struct server_options){.inline_bytes_max = 100,
                                               .json_bytes_max = 40000,
                                               .elements_max = 100,
                                               .envelope_bytes_max = 1000,
                                               .json_depth_max = 32,
                                               .confusion_classes_max = 1000,
                                               .request_timeout_ms = 60000,
                                               .memory_budget_bytes = 128 * 1024,
                                               .connections_max = 10,
                                               .version = "1.2.3",
                                               .revision = "abc"};
    fixture->service.options = &fixture->options;
    fixture->service.state = &fixture->state;
    fixture->service.done.wake = no_wake;
    fixture->service.limits = options_codec_limits(&fixture->options);
    fixture->service.log = &fixture->log;
    fixture->service.memory = memory_new(fixture->options.memory_budget_bytes, 64 * 1024);
    fixture->service.workers = workers_start(&workers);
    fixture->service.telemetry = telemetry_new(&fixture->service);
    assert_non_null(fixture->service.telemetry);
}

static void tear_down(struct fixture *fixture)
{
    assert_int_equal(fixture->service.in_flight, 0);
    assert_int_equal(fixture->state.in_flight, 0);
    assert_int_equal(memory_used_bytes(fixture->service.memory), 0);
    exchange_free_spares(&fixture->service);
    workers_stop(fixture->service.workers);
    telemetry_free(fixture->service.telemetry);
    memory_free(fixture->service.memory);
}

/* The headers of a POST with a body of `length` bytes. */
static struct head post(const char *length)
{
    return (struct head){.method = "POST",
                         .path = "/v1/evaluate",
                         .hosts = 1,
                         .content_length = length,
                         .content_lengths = 1};
}

static void ids_of_our_own_are_all_different(void **state)
{
    enum { IDS = 2000 };
    static char ids[IDS][EXCHANGE_ID_BYTES + 1];
    struct service service = {.request_seed = 0};

    (void)state;
    for (int i = 0; i < IDS; i++) {
        exchange_make_id(&service, ids[i]);
        assert_int_equal(strlen(ids[i]), 16);
        assert_int_equal(strspn(ids[i], "0123456789abcdef"), 16);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    }
    /* The first numbers of SplitMix64 from the seed 0, as published. */
    assert_string_equal(ids[0], "e220a8397b1dcdaf");
    assert_string_equal(ids[1], "6e789e6aa1b965f4");
}

static void a_clients_id_is_echoed_if_it_is_safe(void **state)
{
    char longest[EXCHANGE_ID_BYTES + 1], longer[EXCHANGE_ID_BYTES + 2];
    const struct {
        const char *id;
        bool safe;
    } rows[] = {
        {"x", true},     {"01J9-abc_!~\"\\<>", true},
        {longest, true}, {longer, false},
        {"", false},     {NULL, false},
        {"a b", false},  {"a\n", false},
        {"\x7f", false}, {"caf\xc3\xa9", false},
        {" x", false},   {"x\t", false},
    };
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    memset(longest, 'i', EXCHANGE_ID_BYTES);
    memset(longer, 'i', EXCHANGE_ID_BYTES + 1);
    longest[EXCHANGE_ID_BYTES] = longer[EXCHANGE_ID_BYTES + 1] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct head head = post("10");
        struct exchange *exchange;

        head.request_id = rows[i].id;
        exchange = exchange_open(&fixture.service, &head);
        if (rows[i].safe)
            assert_string_equal(exchange->request_id, rows[i].id);
        else
            assert_int_equal(strspn(exchange->request_id, "0123456789abcdef"), 16);
        if (!rows[i].safe)
            assert_int_equal(strlen(exchange->request_id), 16);
        exchange_close(exchange, true);
    }
    tear_down(&fixture);
}

static const struct {
    struct head head;
    enum loss_status status;
    bool now; /* answered before the body, */
    bool close;
} judged[] = {
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "40000"}, LOSS_OK, false, false},
    {{"POST", "/v1/evaluate", .hosts = 1, .transfer_encodings = 1, .transfer_encoding = "chunked",
      .content_type = "application/json"},
     LOSS_OK,
     false,
     false},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "9", .content_encoding = "identity"},
     LOSS_OK,
     false,
     false},
    {{"GET", "/livez", .hosts = 1}, LOSS_OK, false, false},
    {{"GET", "/nothing", .hosts = 1}, LOSS_NOT_FOUND, false, false},
    {{"POST", "/nothing", .hosts = 1, .content_length = "9"}, LOSS_NOT_FOUND, true, false},
    {{"GET", "/livez", .hosts = 1, .has_bad_escape = true}, LOSS_BAD_PATH, false, false},
    {{"PUT", "/v1/evaluate", .hosts = 1}, LOSS_METHOD_NOT_ALLOWED, false, false},
    {{"POST", "/v1/evaluate", .has_bad_query = true, .hosts = 1, .content_length = "9"},
     LOSS_BAD_PATH,
     true,
     false},
    {{"GET", "/livez", .has_bad_query = true, .hosts = 1}, LOSS_OK, false, false},
    {{"POST", "/v1/evaluate", .hosts = 1}, LOSS_LENGTH_REQUIRED, false, true},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "9", .content_type = "text/plain"},
     LOSS_UNSUPPORTED_MEDIA_TYPE,
     true,
     true},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "9", .content_encoding = "br"},
     LOSS_UNSUPPORTED_ENCODING,
     true,
     true},
    {{"POST", "/v1/evaluate", .hosts = 0, .content_length = "9"}, LOSS_BAD_FRAMING, true, true},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "9", .expect = "x"},
     LOSS_EXPECTATION_FAILED,
     true,
     true},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "40001"},
     LOSS_BODY_TOO_LARGE,
     false,
     false}, /* a little: it is read and thrown away first */
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "40001", .expect = "100-continue"},
     LOSS_BODY_TOO_LARGE,
     true,
     false},
    {{"POST", "/v1/evaluate", .hosts = 1, .content_length = "18446744073709551615"},
     LOSS_BODY_TOO_LARGE,
     true,
     false},
};

static void headers_are_judged_before_the_body(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        struct exchange *exchange = exchange_open(&fixture.service, &judged[i].head);

        if (exchange->status != judged[i].status || exchange_answers_now(exchange) != judged[i].now)
            fail_msg("row %zu: %s", i, loss_status_code(exchange->status));
        assert_true(exchange->reply.close == judged[i].close);
        if (exchange->status != LOSS_OK)
            assert_int_equal(exchange->reply.http_status, exchange_http_status(judged[i].status));
        exchange_close(exchange, true);
        if (judged[i].status != LOSS_OK)
            assert_true(metric_value(fixture.service.telemetry->errors[judged[i].status]) > 0);
    }
    tear_down(&fixture);
}

/* Send a body in pieces; the reply is made if it is small. */
static struct exchange *receive(struct fixture *fixture, const struct head *head, const char *body,
                                size_t piece)
{
    struct exchange *exchange = exchange_open(&fixture->service, head);
    size_t length = strlen(body);

    assert_int_equal(exchange->status, LOSS_OK);
    for (size_t at = 0; at < length; at += piece)
        assert_true(
            exchange_receive(exchange, body + at, length - at < piece ? length - at : piece));
    exchange_complete(exchange);
    return exchange;
}

static void check_reply(const struct exchange *exchange, unsigned http_status, const char *text)
{
    assert_int_equal(exchange->state, EXCHANGE_ANSWERED);
    assert_int_equal(exchange->reply.http_status, http_status);
    assert_string_equal(exchange->reply.content_type, "application/json");
    if (exchange->reply.length < strlen(text) ||
        memcmp(exchange->reply.body, text, strlen(text)) != 0)
        fail_msg("got %.*s", (int)exchange->reply.length, exchange->reply.body);
}

static void small_requests_are_answered_at_once(void **state)
{
    static const char body[] = "{\"logits\":[[40,0]],\"targets\":[0],\"dtype\":\"float64\"}";
    struct head chunked = {.method = "POST",
                           .path = "/v1/evaluate",
                           .hosts = 1,
                           .transfer_encodings = 1,
                           .transfer_encoding = "chunked"};
    struct head sized = post("52"), empty = post("0");
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    for (int i = 0; i < 6; i++) {
        struct exchange *exchange = receive(&fixture, i % 2 == 0 ? &sized : &chunked, body,
                                            i < 2   ? 1
                                            : i < 4 ? 7
                                                    : sizeof body);

        check_reply(exchange, 200, "{\"loss\":4.248354255291589e-18,");
        assert_int_equal(exchange->rows, 1);
        exchange_close(exchange, true);
    }
    for (size_t i = 0; i < 2; i++) {
        struct exchange *exchange = receive(&fixture, i == 0 ? &empty : &chunked, "", 1);

        check_reply(exchange, 400, "{\"error\": \"the body is empty");
        exchange_close(exchange, true);
    }
    assert_int_equal(metric_value(fixture.service.telemetry->rows), 6);
    assert_int_equal(metric_value(fixture.service.telemetry->request_bytes), 6 * strlen(body));
    tear_down(&fixture);
}

static void large_requests_want_a_place_in_the_queue(void **state)
{
    char body[200] = "{\"logits\":[[40,0]],\"targets\":[0]}";
    struct head head = post("101");
    struct exchange *first, *second, *third;
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    memset(body + strlen(body), ' ', 101 - strlen(body));
    second = exchange_open(&fixture.service, &head);
    assert_int_equal(second->status, LOSS_OK);
    first = receive(&fixture, &head, body, 101);
    assert_int_equal(first->state, EXCHANGE_WORKING);
    assert_true(exchange_receive(second, body, 101));
    exchange_complete(second); /* there is one place only, and another was quicker */
    third = exchange_open(&fixture.service, &head);
    assert_true(exchange_answers_now(third)); /* full already: its body is not read */
    check_reply(second, 503, "{\"error\": \"too many requests are waiting");
    check_reply(third, 503, "{\"error\": \"too many requests are waiting");
    assert_true(second->reply.retry_after && second->reply.close);
    assert_true(third->reply.retry_after && third->reply.close);
    exchange_close(second, true);
    exchange_close(third, true);
    exchange_run(&first->job);
    check_reply(first, 200, "{\"loss\":4.248354e-18,");
    exchange_close(first, true);
    body[100] = '\0';
    head = post("100");
    first = receive(&fixture, &head, body, 100); /* at the limit it needs none */
    check_reply(first, 200, "{\"loss\":");
    exchange_close(first, true);
    tear_down(&fixture);
}

/* However long the head is; and when the body moves to a larger block, where it is whole. */
static void tensors_after_a_head_are_aligned(void **state)
{
    static const char *const heads[] = {"0", "1", "63", "64", "101"};
    static const char piece[10000] = {'x'};
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    fixture.options.binary_bytes_max = 60000;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct head head = {.method = "POST",
                            .path = "/v2/models/cross_entropy/infer",
                            .hosts = 1,
                            .transfer_encodings = 1,
                            .transfer_encoding = "chunked",
                            .inference_header_length = heads[i],
                            .inference_header_lengths = 1};
        struct exchange *exchange = exchange_open(&fixture.service, &head);
        size_t length = strtoul(heads[i], NULL, 10);

        assert_int_equal(exchange->status, LOSS_OK);
        assert_int_equal((uintptr_t)(exchange->body + length) % 64, 0);
        for (size_t pieces = 1; pieces <= 2; pieces++) {
            assert_true(exchange_receive(exchange, piece, sizeof piece));
            assert_int_equal((uintptr_t)(exchange->body + length) % 64, 0);
            assert_int_equal(exchange->body_length, pieces * sizeof piece);
            for (size_t k = 0; k < pieces; k++)
                assert_memory_equal(exchange->body + k * sizeof piece, piece, sizeof piece);
        }
        exchange_close(exchange, false);
    }
    tear_down(&fixture);
}

static void a_chunked_body_is_limited_while_it_comes(void **state)
{
    static char bytes[40001];
    struct head head = {.method = "POST",
                        .path = "/v1/evaluate",
                        .hosts = 1,
                        .transfer_encodings = 1,
                        .transfer_encoding = "chunked"};
    struct exchange *exchange;
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    memset(bytes, ' ', sizeof bytes);
    exchange = exchange_open(&fixture.service, &head);
    assert_true(exchange_receive(exchange, bytes, 40000));
    assert_int_equal(exchange->status, LOSS_OK);
    assert_true(exchange_receive(exchange, bytes, 1));
    assert_int_equal(exchange->status, LOSS_BODY_TOO_LARGE);
    assert_int_equal(memory_used_bytes(fixture.service.memory), 0); /* nothing is held for it */
    for (int i = 0; i < 200; i++)                                   /* 8 MB, within the discard */
        assert_true(exchange_receive(exchange, bytes, 40000));
    exchange_complete(exchange);
    check_reply(exchange, 413,
                "{\"error\": \"the body has more bytes, but at most 40000 are taken");
    while (exchange->discarded <= 8 * 1024 * 1024) {
        if (!exchange_receive(exchange, bytes, 40000))
            break;
    }
    assert_false(exchange_receive(exchange, bytes, 40001)); /* now it is enough */
    exchange_close(exchange, false);
    assert_int_equal(metric_value(fixture.service.telemetry->client_aborts), 1);
    tear_down(&fixture);
}

static void a_used_up_budget_is_told(void **state)
{
    struct head head = post("40000");
    struct exchange *exchange;
    struct fixture fixture;
    size_t granted;
    void *block;

    (void)state;
    set_up(&fixture);
    block = memory_take(fixture.service.memory, 96 * 1024, &granted);
    exchange = exchange_open(&fixture.service, &head);
    check_reply(exchange, 503, "{\"error\": \"the memory budget is used up");
    exchange_close(exchange, true);
    head = post("33");
    exchange = receive(&fixture, &head, "{\"logits\":[[40,0]],\"targets\":[0]}", 33);
    check_reply(exchange, 200, "{\"loss\":"); /* a small one still fits */
    exchange_close(exchange, true);
    memory_give(fixture.service.memory, block, granted);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_has_its_http_status),
        cmocka_unit_test(ids_of_our_own_are_all_different),
        cmocka_unit_test(a_clients_id_is_echoed_if_it_is_safe),
        cmocka_unit_test(headers_are_judged_before_the_body),
        cmocka_unit_test(small_requests_are_answered_at_once),
        cmocka_unit_test(large_requests_want_a_place_in_the_queue),
        cmocka_unit_test(tensors_after_a_head_are_aligned),
        cmocka_unit_test(a_chunked_body_is_limited_while_it_comes),
        cmocka_unit_test(a_used_up_budget_is_told),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
