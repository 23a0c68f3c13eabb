/* test_opening.c - what is known of a request with its headers: its HTTP status, its id,
 * whether it is refused already. */
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
#include "support/lone_service.h"

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
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    memset(longest, 'i', EXCHANGE_ID_BYTES);
    memset(longer, 'i', EXCHANGE_ID_BYTES + 1);
    longest[EXCHANGE_ID_BYTES] = longer[EXCHANGE_ID_BYTES + 1] = '\0';
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct head head = lone_service_post("10");
        struct exchange *exchange;

        head.request_id = rows[i].id;
        exchange = exchange_open(&lone.service, &head);
        if (rows[i].safe)
            assert_string_equal(exchange->request_id, rows[i].id);
        else
            assert_int_equal(strspn(exchange->request_id, "0123456789abcdef"), 16);
        if (!rows[i].safe)
            assert_int_equal(strlen(exchange->request_id), 16);
        exchange_close(exchange, true);
    }
    lone_service_stop(&lone);
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
    struct lone_service lone;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    for (size_t i = 0; i < sizeof judged / sizeof judged[0]; i++) {
        struct exchange *exchange = exchange_open(&lone.service, &judged[i].head);

        if (exchange->status != judged[i].status || exchange_answers_now(exchange) != judged[i].now)
            fail_msg("row %zu: %s", i, loss_status_code(exchange->status));
        assert_true(exchange->reply.close == judged[i].close);
        if (exchange->status != LOSS_OK)
            assert_int_equal(exchange->reply.http_status, exchange_http_status(judged[i].status));
        exchange_close(exchange, true);
        if (judged[i].status != LOSS_OK)
            assert_true(metric_value(lone.service.telemetry->errors[judged[i].status]) > 0);
    }
    lone_service_stop(&lone);
}

/* A browser asks without the token, so others can too: it may cost no memory. */
static void a_preflight_has_no_room_for_a_body(void **state)
{
    struct head head = lone_service_post("40000");
    struct lone_service lone;
    struct exchange *exchange;

    (void)state;
    lone_service_start(&lone, &lone_service_options);
    lone.options.cors_origin = "*";
    head.method = "OPTIONS";
    head.origin = "http://a.example";
    head.wanted_method = "POST";
    head.query[0] = (struct codec_option){"reduction", "sum"};
    head.query_count = 1;
    exchange = exchange_open(&lone.service, &head);
    assert_int_equal(exchange->status, LOSS_OK);
    assert_true(exchange_receive(exchange, "0123456789", 10));
    assert_int_equal(memory_used_bytes(lone.service.memory), 0);
    exchange_complete(exchange);
    assert_int_equal(exchange->reply.http_status, 204);
    assert_int_equal(memory_used_bytes(lone.service.memory), 0);
    exchange_close(exchange, true);
    lone_service_stop(&lone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_has_its_http_status),
        cmocka_unit_test(ids_of_our_own_are_all_different),
        cmocka_unit_test(a_clients_id_is_echoed_if_it_is_safe),
        cmocka_unit_test(headers_are_judged_before_the_body),
        cmocka_unit_test(a_preflight_has_no_room_for_a_body),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
