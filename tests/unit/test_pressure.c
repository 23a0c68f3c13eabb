/* test_pressure.c - what is refused as the memory fills up, and when too
 * many connections are open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "codec/envelope.h"
#include "server/exchange.h"
#include "server/pressure.h"
#include "support/lone_service.h"

#define MIB (UINT64_C(1024) * 1024)
#define KIB UINT64_C(1024)

enum { BLOCKS_MAX = 8, CONNECTIONS_MAX = 10 };

/* A service with a budget of 16 MiB, and blocks of it that are in use. */
struct fixture {
    struct lone_service lone;
    void *blocks[BLOCKS_MAX];
    size_t granted[BLOCKS_MAX], count;
};

static void set_up(struct fixture *fixture)
{
    static const struct server_options options = {.inline_bytes_max = 100,
                                                  .json_bytes_max = 8 * MIB,
                                                  .elements_max = 100,
                                                  .envelope_bytes_max = 1000,
                                                  .json_depth_max = 32,
                                                  .request_timeout_ms = 60000,
                                                  .memory_budget_bytes = 16 * MIB,
                                                  .connections_max = CONNECTIONS_MAX,
                                                  .cors_origin = "",
                                                  .version = "1.2.3",
                                                  .revision = "abc"};

    fixture->count = 0;
    lone_service_start(&fixture->lone, &options);
}

static void tear_down(struct fixture *fixture)
{
    while (fixture->count != 0) {
        fixture->count--;
        memory_give(fixture->lone.service.memory, fixture->blocks[fixture->count],
                    fixture->granted[fixture->count]);
    }
    lone_service_stop(&fixture->lone);
}

/* Use so many bytes more, which is a size that blocks have. */
static void use(struct fixture *fixture, size_t bytes)
{
    size_t at = fixture->count++;

    fixture->blocks[at] = memory_take(fixture->lone.service.memory, bytes, &fixture->granted[at]);
    assert_non_null(fixture->blocks[at]);
    assert_int_equal(fixture->granted[at], bytes);
}

/* The status that a request has once its headers are read, and whether its
 * reply ends the connection. */
static enum loss_status judge(struct fixture *fixture, const char *method, const char *path,
                              uint64_t length, bool is_extra, bool *closes)
{
    char digits[24];
    struct head head = {.method = method, .path = path, .hosts = 1, .is_extra = is_extra};
    struct reply_header headers[REPLY_HEADERS_MAX];
    struct exchange *exchange;
    enum loss_status status;
    size_t count;

    if (length != 0) {
        (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)length);
        head.content_length = digits;
        head.content_lengths = 1;
    }
    exchange = exchange_open(&fixture->lone.service, &head);
    assert_non_null(exchange);
    status = exchange->status;
    *closes = false;
    count = exchange_reply_headers(exchange, headers);
    for (size_t i = 0; i < count; i++)
        *closes |= strcmp(headers[i].name, "Connection") == 0;
    exchange_close(exchange, true);
    return status;
}

/* Steps of use; at each, what becomes of a large body, of the largest that is not, of a small one,
 * and of requests without any. */
static void memory_is_given_up_step_by_step(void **state)
{
    static const struct {
        size_t more;
        enum pressure pressure;
        enum loss_status large, medium, version, metrics, live;
        bool closes;
    } steps[] = {
        {8 * MIB, PRESSURE_NONE, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, false},
        {2 * MIB, PRESSURE_NONE, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, false},
        {768 * KIB, PRESSURE_NONE, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, false},
        {1 * MIB, PRESSURE_NONE, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK, false},
        {256 * KIB, PRESSURE_NO_LARGE, LOSS_MEMORY_BUDGET_FULL, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK,
         false},
        {2 * MIB, PRESSURE_CLOSING, LOSS_MEMORY_BUDGET_FULL, LOSS_OK, LOSS_OK, LOSS_OK, LOSS_OK,
         true},
        {1 * MIB, PRESSURE_VITAL_ONLY, LOSS_MEMORY_BUDGET_FULL, LOSS_MEMORY_BUDGET_FULL,
         LOSS_MEMORY_BUDGET_FULL, LOSS_OK, LOSS_OK, true},
    };
    struct fixture fixture;
    bool closes;

    (void)state;
    set_up(&fixture);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        use(&fixture, steps[i].more);
        assert_int_equal(pressure_now(&fixture.lone.service), steps[i].pressure);
        assert_int_equal(judge(&fixture, "POST", "/v1/evaluate", 256 * KIB + 1, false, &closes),
                         steps[i].large);
        assert_int_equal(judge(&fixture, "POST", "/v1/evaluate", 256 * KIB - 64, false, &closes),
                         steps[i].medium);
        assert_int_equal(judge(&fixture, "GET", "/metrics", 0, false, &closes), steps[i].metrics);
        assert_int_equal(judge(&fixture, "GET", "/livez", 0, false, &closes), steps[i].live);
        assert_int_equal(closes, steps[i].closes);
        assert_int_equal(judge(&fixture, "GET", "/v1/version", 0, false, &closes),
                         steps[i].version);
        assert_int_equal(closes, steps[i].closes);
    }
    tear_down(&fixture);
}

/* The text of /metrics is made, plain and compressed, when requests hold
 * every byte of the budget. */
static void metrics_are_answered_beside_a_full_budget(void **state)
{
    static const char *const codings[] = {NULL, "gzip"};
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    use(&fixture, 16 * MIB);
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        const struct head head = {
            .method = "GET", .path = "/metrics", .hosts = 1, .accept_encoding = codings[i]};
        struct exchange *exchange = exchange_open(&fixture.lone.service, &head);

        assert_non_null(exchange);
        exchange_complete(exchange);
        assert_int_equal(exchange->status, LOSS_OK);
        assert_int_equal(exchange->reply.http_status, 200);
        assert_true(exchange->reply.length > 1000);
        exchange_close(exchange, true);
    }
    tear_down(&fixture);
}

static void of_too_many_connections_only_vital_requests_are_served(void **state)
{
    static const struct {
        const char *method, *path;
        uint64_t length;
        enum loss_status status;
    } rows[] = {
        {"POST", "/v1/evaluate", 10, LOSS_TOO_MANY_CONNECTIONS},
        {"GET", "/v1/version", 0, LOSS_TOO_MANY_CONNECTIONS},
        {"GET", "/v2/models", 0, LOSS_TOO_MANY_CONNECTIONS},
        {"GET", "/nothing", 0, LOSS_NOT_FOUND},
        {"GET", "/metrics", 0, LOSS_OK},
        {"GET", "/livez", 0, LOSS_OK},
        {"GET", "/readyz", 0, LOSS_OK},
        {"GET", "/v2/health/live", 0, LOSS_OK},
        {"GET", "/v2/health/ready", 0, LOSS_OK},
    };
    struct fixture fixture;
    bool closes;

    (void)state;
    set_up(&fixture);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool is_refused = rows[i].status == LOSS_TOO_MANY_CONNECTIONS;

        for (unsigned more = 0; more < 2; more++) {
            for (int extra = 0; extra < 2; extra++) {
                bool fits = more == 0 || extra == 0; /* who came in time is served on */

                fixture.lone.state.clients.count = CONNECTIONS_MAX + more;
                assert_int_equal(judge(&fixture, rows[i].method, rows[i].path, rows[i].length,
                                       extra != 0, &closes),
                                 is_refused && fits ? LOSS_OK : rows[i].status);
                assert_int_equal(closes, is_refused && !fits);
            }
        }
    }
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_given_up_step_by_step),
        cmocka_unit_test(metrics_are_answered_beside_a_full_budget),
        cmocka_unit_test(of_too_many_connections_only_vital_requests_are_served),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
