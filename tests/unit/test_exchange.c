/* test_exchange.c - one request without a socket: its body and its end. */
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
#include "server/exchange_internal.h"
#include "support/lone_service.h"

/* Send a body in pieces; the reply is made if it is small. */
static struct exchange *receive(struct lone_service *lone, const struct head *head,
                                const char *body, size_t piece)
{
    struct exchange *exchange = exchange_open(&lone->service, head);
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
    struct head sized = lone_service_post("52"), empty = lone_service_post("0");
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    for (int i = 0; i < 6; i++) {
        struct exchange *exchange = receive(&lone, i % 2 == 0 ? &sized : &chunked, body,
                                            i < 2   ? 1
                                            : i < 4 ? 7
                                                    : sizeof body);

        check_reply(exchange, 200, "{\"loss\":4.248354255291589e-18,");
        assert_int_equal(exchange->rows, 1);
        exchange_close(exchange, true);
    }
    for (size_t i = 0; i < 2; i++) {
        struct exchange *exchange = receive(&lone, i == 0 ? &empty : &chunked, "", 1);

        check_reply(exchange, 400, "{\"error\": \"the body is empty");
        exchange_close(exchange, true);
    }
    assert_int_equal(metric_value(lone.service.telemetry->rows), 6);
    assert_int_equal(metric_value(lone.service.telemetry->request_bytes), 6 * strlen(body));
    lone_service_stop(&lone);
}

static void large_requests_want_a_place_in_the_queue(void **state)
{
    char body[200] = "{\"logits\":[[40,0]],\"targets\":[0]}";
    struct head head = lone_service_post("101");
    struct exchange *first, *second, *third;
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    memset(body + strlen(body), ' ', 101 - strlen(body));
    second = exchange_open(&lone.service, &head);
    assert_int_equal(second->status, LOSS_OK);
    first = receive(&lone, &head, body, 101);
    assert_int_equal(first->state, EXCHANGE_WORKING);
    assert_true(exchange_receive(second, body, 101));
    exchange_complete(second); /* there is one place only, and another was quicker */
    third = exchange_open(&lone.service, &head);
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
    head = lone_service_post("100");
    first = receive(&lone, &head, body, 100); /* at the limit it needs none */
    check_reply(first, 200, "{\"loss\":");
    exchange_close(first, true);
    lone_service_stop(&lone);
}

/* However long the head is; and when the body moves to a larger block, where it is whole. */
static void tensors_after_a_head_are_aligned(void **state)
{
    static const char *const heads[] = {"0", "1", "63", "64", "101"};
    static const char piece[10000] = {'x'};
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    lone.options.binary_bytes_max = 60000;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct head head = {.method = "POST",
                            .path = "/v2/models/cross_entropy/infer",
                            .hosts = 1,
                            .transfer_encodings = 1,
                            .transfer_encoding = "chunked",
                            .inference_header_length = heads[i],
                            .inference_header_lengths = 1};
        struct exchange *exchange = exchange_open(&lone.service, &head);
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
    lone_service_stop(&lone);
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
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    memset(bytes, ' ', sizeof bytes);
    exchange = exchange_open(&lone.service, &head);
    assert_true(exchange_receive(exchange, bytes, 40000));
    assert_int_equal(exchange->status, LOSS_OK);
    assert_true(exchange_receive(exchange, bytes, 1));
    assert_int_equal(exchange->status, LOSS_BODY_TOO_LARGE);
    assert_int_equal(memory_used_bytes(lone.service.memory), 0); /* nothing is held for it */
    for (int i = 0; i < 200; i++)                                /* 8 MB, within the discard */
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
    assert_int_equal(metric_value(lone.service.telemetry->client_aborts), 1);
    lone_service_stop(&lone);
}

static void a_used_up_budget_is_told(void **state)
{
    struct head head = lone_service_post("40000");
    struct exchange *exchange;
    struct lone_service lone;
    size_t granted;
    void *block;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    block = memory_take(lone.service.memory, 96 * 1024, &granted);
    exchange = exchange_open(&lone.service, &head);
    check_reply(exchange, 503, "{\"error\": \"the memory budget is used up");
    exchange_close(exchange, true);
    head = lone_service_post("33");
    exchange = receive(&lone, &head, "{\"logits\":[[40,0]],\"targets\":[0]}", 33);
    check_reply(exchange, 200, "{\"loss\":"); /* a small one still fits */
    exchange_close(exchange, true);
    memory_give(lone.service.memory, block, granted);
    lone_service_stop(&lone);
}

/* What does not fit when nothing else is there is not to be tried again later. */
static void what_never_fits_is_too_large(void **state)
{
    enum { BODY_BYTES = 32000 };
    static const char dense[] = "{\"logits\":[[", end[] = "]],\"targets\":[0]}";
    struct server_options options = lone_service_options;
    struct lone_service lone;
    struct exchange *exchange;
    struct head head = lone_service_post("200000");
    char body[BODY_BYTES + 1];

    (void)state;
    options.json_bytes_max = 1 << 20;
    options.elements_max = 1 << 20;
    options.inline_bytes_max = BODY_BYTES;
    lone_service_start(&lone, &options);
    exchange = exchange_open(&lone.service, &head);
    check_reply(exchange, 413, "{\"error\": \"this request alone needs more than the 131072 bytes");
    exchange_close(exchange, true);
    memset(body, '1', BODY_BYTES); /* numbers of one digit: four bytes of every two */
    for (size_t i = 1; i < BODY_BYTES; i += 2)
        body[i] = ',';
    memcpy(body, dense, sizeof dense - 1);
    memcpy(body + BODY_BYTES - (sizeof end - 1), end, sizeof end);
    head = lone_service_post("32000");
    exchange = receive(&lone, &head, body, BODY_BYTES);
    check_reply(exchange, 413, "{\"error\": \"this request alone needs");
    exchange_close(exchange, true);
    lone_service_stop(&lone);
}

/* Packing is work as well.  Documents, though, are always sent. */
static void a_reply_that_is_packed_too_late_is_none(void **state)
{
    static const struct {
        const char *method, *path;
        bool is_late, is_abandoned;
        enum loss_status status;
    } rows[] = {
        {"POST", "/v1/evaluate", false, false, LOSS_OK},
        {"POST", "/v1/evaluate", true, false, LOSS_DEADLINE_EXCEEDED},
        {"POST", "/v1/evaluate", false, true, LOSS_DRAINING},
        {"GET", "/openapi.json", true, true, LOSS_OK},
    };
    struct server_options options = lone_service_options;
    struct lone_service lone;
    char body[4000];

    (void)state;
    memset(body, 'x', sizeof body);
    options.memory_budget_bytes = 4 * 1024 * 1024;
    lone_service_start(&lone, &options);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_ok = rows[i].status == LOSS_OK;
        struct head head = {.method = rows[i].method,
                            .path = rows[i].path,
                            .hosts = 1,
                            .accept_encoding = "gzip",
                            .content_length = rows[i].method[0] == 'P' ? "1" : NULL,
                            .content_lengths = rows[i].method[0] == 'P'};
        struct exchange *exchange = exchange_open(&lone.service, &head);

        assert_int_equal(exchange->status, LOSS_OK);
        exchange->deadline_ns = rows[i].is_late ? 1 : UINT64_MAX;
        lone.state.abandoning = rows[i].is_abandoned;
        assert_int_equal(exchange_reply(exchange, "text/plain", body, sizeof body), is_ok);
        assert_int_equal(exchange->status, rows[i].status);
        assert_int_equal(exchange->reply.http_status, exchange_http_status(rows[i].status));
        if (is_ok) {
            assert_string_equal(exchange->reply.content_encoding, "gzip");
            assert_in_range(exchange->reply.length, 1, 100);
        } else {
            check_reply(exchange, exchange_http_status(rows[i].status), "{\"error\": \"");
            assert_null(exchange->reply.content_encoding);
        }
        exchange->state = EXCHANGE_ANSWERED;
        exchange_close(exchange, true);
    }
    lone.state.abandoning = false;
    lone_service_stop(&lone);
}

static struct head post_lines(void)
{
    return (struct head){.method = "POST",
                         .path = "/v1/evaluate",
                         .hosts = 1,
                         .content_type = "application/x-ndjson",
                         .content_types = 1,
                         .transfer_encodings = 1,
                         .transfer_encoding = "chunked"};
}

/* However little is left to evaluate: all replies may have to be packed. */
static void a_long_stream_ends_on_a_worker(void **state)
{
    static const char line[] = "{\"logits\":[40,0],\"targets\":0}\n";
    struct head head = post_lines();
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    for (int lines = 0; lines < 3; lines += 2) { /* a reply has more than 100 bytes */
        struct exchange *exchange = exchange_open(&lone.service, &head);

        assert_int_equal(exchange->status, LOSS_OK);
        for (int i = 0; i < lines; i++) {
            assert_true(exchange_receive(exchange, line, sizeof line - 1));
            exchange_run(&exchange->job);
        }
        assert_true(exchange_receive(exchange, line, sizeof line - 1));
        exchange_complete(exchange);
        assert_int_equal(exchange->state, lines == 0 ? EXCHANGE_ANSWERED : EXCHANGE_WORKING);
        if (lines > 0)
            exchange_run(&exchange->job);
        assert_int_equal(exchange->state, EXCHANGE_ANSWERED);
        assert_int_equal(exchange->reply.http_status, 200);
        assert_int_equal(exchange->rows, lines + 1);
        exchange_close(exchange, true);
    }
    lone_service_stop(&lone);
}

/* While it is read for nothing, others can have its memory: that of its query and its replies as
 * well. */
static void a_stream_that_failed_holds_no_memory(void **state)
{
    static const char line[] = "{\"logits\":[40,0],\"targets\":0}\n";
    struct head head = post_lines();
    struct lone_service lone;
    struct exchange *exchange;
    size_t lines = 0;

    (void)state;
    head.query[0] = (struct codec_option){"reduction", "sum"};
    head.query_count = 1;
    lone_service_start(&lone, &lone_service_options);
    exchange = exchange_open(&lone.service, &head);
    assert_int_equal(exchange->status, LOSS_OK);
    for (; exchange->status == LOSS_OK && lines < 10000; lines++) { /* replies add up */
        assert_true(exchange_receive(exchange, line, sizeof line - 1));
        exchange_run(&exchange->job);
    }
    assert_in_range(lines, 100, 9999);
    assert_int_equal(exchange->status, LOSS_MEMORY_BUDGET_FULL);
    assert_int_equal(exchange->state, EXCHANGE_RECEIVING);
    assert_int_equal(memory_used_bytes(lone.service.memory), 0);
    assert_true(exchange_receive(exchange, line, sizeof line - 1));
    exchange_complete(exchange);
    check_reply(exchange, 503, "{\"error\": \"");
    assert_int_equal(memory_used_bytes(lone.service.memory), 0);
    exchange_close(exchange, true);
    lone_service_stop(&lone);
}

/* What comes back from the queue undone: of a body in the middle the rest is read first. */
static void a_stream_may_be_given_up(void **state)
{
    static const char line[] = "{\"logits\":[40,0],\"targets\":0}\n";
    struct head head = post_lines();
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    for (int has_ended = 0; has_ended < 2; has_ended++) {
        struct exchange *exchange = exchange_open(&lone.service, &head);

        for (int i = 0; i < 4; i++)
            assert_true(exchange_receive(exchange, line, sizeof line - 1));
        exchange->has_been_queued = true;
        if (has_ended != 0)
            exchange_complete(exchange);
        else
            exchange_queue(exchange);
        assert_int_equal(exchange->state, EXCHANGE_WORKING);
        exchange->job.submitted_ns = 1;
        exchange_give_up(exchange);
        assert_int_equal(exchange->status, LOSS_DEADLINE_EXCEEDED);
        assert_int_equal(exchange->state, has_ended != 0 ? EXCHANGE_ANSWERED : EXCHANGE_RECEIVING);
        assert_true(exchange->job.waited_ns > 1000000);
        if (has_ended == 0) {
            assert_int_equal(memory_used_bytes(lone.service.memory), 0);
            assert_false(exchange_is_full(exchange));
            assert_true(exchange_receive(exchange, line, sizeof line - 1));
            exchange_complete(exchange);
        }
        check_reply(exchange, 504, "{\"error\": \"");
        exchange_close(exchange, true);
    }
    lone_service_stop(&lone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_requests_are_answered_at_once),
        cmocka_unit_test(large_requests_want_a_place_in_the_queue),
        cmocka_unit_test(tensors_after_a_head_are_aligned),
        cmocka_unit_test(a_chunked_body_is_limited_while_it_comes),
        cmocka_unit_test(a_used_up_budget_is_told),
        cmocka_unit_test(what_never_fits_is_too_large),
        cmocka_unit_test(a_reply_that_is_packed_too_late_is_none),
        cmocka_unit_test(a_long_stream_ends_on_a_worker),
        cmocka_unit_test(a_stream_that_failed_holds_no_memory),
        cmocka_unit_test(a_stream_may_be_given_up),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
