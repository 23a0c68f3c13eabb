/* lone_service.c - what the requests of a server share, without the server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/exchange.h"
#include "server/quota.h"
#include "support/lone_service.h"

const struct server_options lone_service_options = {
    .inline_bytes_max = 100,
    .json_bytes_max = 40000,
    .elements_max = 100,
    .envelope_bytes_max = 1000,
    .json_depth_max = 32,
    .confusion_classes_max = 1000,
    .request_timeout_ms = 60000,
    .memory_budget_bytes = 128 * 1024,
    .connections_max = 10,
    .cors_origin = "",
    .version = "1.2.3",
    .revision = "abc",
};

static void no_run(struct job *job)
{
    (void)job;
}

static void no_wake(void *context)
{
    (void)context;
}

void lone_service_start(struct lone_service *lone, const struct server_options *options)
{
    const struct workers_options workers = {1, 1, no_run};

    *lone = (struct lone_service){.options = *options, .log.level = LOG_ERROR};
    lone->service.options = &lone->options;
    lone->service.state = &lone->state;
    lone->service.crowd = &lone->state.clients;
    lone->state.clients.max = (size_t)options->connections_max;
    lone->service.log = &lone->log;
    lone->service.done.wake = no_wake;
    lone->service.limits = options_codec_limits(&lone->options);
    lone->service.memory = memory_new((size_t)lone->options.memory_budget_bytes, 0);
    lone->service.workers = workers_start(&workers);
    lone->service.telemetry = telemetry_new(&lone->service);
    lone->service.quota = quota_new(lone->options.client_requests_max);
    assert_non_null(lone->service.telemetry);
    assert_non_null(lone->service.quota);
}

struct head lone_service_post(const char *length)
{
    return (struct head){.method = "POST",
                         .path = "/v1/evaluate",
                         .hosts = 1,
                         .content_length = length,
                         .content_lengths = 1};
}

void lone_service_stop(struct lone_service *lone)
{
    assert_int_equal(lone->service.in_flight, 0);
    assert_int_equal(lone->state.in_flight, 0);
    assert_int_equal(memory_used_bytes(lone->service.memory), 0);
    exchange_free_spares(&lone->service);
    workers_stop(lone->service.workers);
    telemetry_free(lone->service.telemetry);
    quota_free(lone->service.quota);
    memory_free(lone->service.memory);
}
