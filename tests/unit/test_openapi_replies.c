/* test_openapi_replies.c - the replies in openapi.json: outputs and codes are those of the tables,
 * and the examples are what is answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/envelope.h"
#include "server/exchange.h"
#include "server/openapi.h"
#include "support/document.h"
#include "support/messages.h"
#include "support/replies.h"

static json_t *document;

static int start(void **state)
{
    (void)state;
    document = json_loadb((const char *)embedded_openapi_json.bytes, embedded_openapi_json.length,
                          0, NULL);
    assert_non_null(document);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

/* ---- outputs ---- */

static void outputs_are_those_of_the_table(void **state)
{
    const json_t *names = document_at(document, "/components/schemas/Output/enum");

    (void)state;
    for (int i = 0; i < LOSS_OUTPUT_COUNT; i++)
        assert_true(document_lists(names, loss_output_name((enum loss_output)i)));
    assert_int_equal(json_array_size(names), LOSS_OUTPUT_COUNT);
}

/* The members beside the parts of outputs. */
static const char *const figures[] = {"id",      "loss",    "loss_sum", "weight_sum", "count",
                                      "ignored", "correct", "classes",  "dtype"};

static void parts_are_members_of_the_reply(void **state)
{
    const json_t *members = document_at(document, "/components/schemas/EvaluateReply/properties");
    size_t count = sizeof figures / sizeof figures[0], columns = 0, described = 0;

    (void)state;
    for (size_t i = 0; i < count; i++)
        assert_non_null(json_object_get(members, figures[i]));
    for (int i = 0; i < LOSS_PART_COUNT; i++) {
        enum loss_part part = (enum loss_part)i;
        const char *key = loss_part_key(part), *column = loss_part_column(part);
        const json_t *member = json_object_get(members, key);

        if (member == NULL)
            fail_msg("%s is missing", key);
        if (i == 0 || strcmp(key, loss_part_key((enum loss_part)(i - 1))) != 0) {
            count++;
            described += json_object_size(json_object_get(member, "properties"));
        }
        columns += column != NULL;
        if (column != NULL &&
            json_object_get(json_object_get(member, "properties"), column) == NULL)
            fail_msg("%s.%s is missing", key, column);
    }
    assert_int_equal(json_object_size(members), count);
    assert_int_equal(described, columns);
}

/* Every name of an output of the protocol is in the list, and of those in the list each is one. */
static void outputs_of_the_protocol_are_answered(void **state)
{
    static const char format[] =
        "{\"inputs\":[{\"name\":\"logits\",\"shape\":[1,2],\"datatype\":\"FP32\",\"data\":[1,2]},"
        "{\"name\":\"targets\",\"shape\":[1],\"datatype\":\"INT8\",\"data\":[1]}],"
        "\"outputs\":[{\"name\":\"%s\"}]}";
    const json_t *names = document_at(document, "/components/schemas/InferOutput/enum");
    const json_t *replied = document_at(
        document, "/components/schemas/InferReply/properties/outputs/items/properties/name/enum");
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < json_array_size(names); i++) {
        struct loss_arena arena;
        char body[400];
        json_t *reply;
        const json_t *outputs;

        (void)snprintf(body, sizeof body, format, json_string_value(json_array_get(names, i)));
        loss_arena_init(&arena, NULL);
        reply = json_loads(message_text(body, &arena), 0, NULL);
        outputs = json_object_get(reply, "outputs");
        for (size_t o = 0; o < json_array_size(outputs); o++)
            assert_true(document_lists(
                replied, json_string_value(json_object_get(json_array_get(outputs, o), "name"))));
        count += json_array_size(outputs) == 1;
        json_decref(reply);
        loss_arena_reset(&arena);
    }
    assert_int_equal(count, json_array_size(replied));
    assert_int_equal(count, 7 + LOSS_PART_COUNT); /* the figures, and all parts */
}

/* ---- errors ---- */

/* The codes that a response may have. */
static const json_t *codes_in(const json_t *response)
{
    const json_t *content = json_object_get(response, "content");
    const json_t *schema = json_object_get(json_object_get(content, "application/json"), "schema");
    const json_t *narrowed = json_array_get(json_object_get(schema, "allOf"), 1);

    return json_object_get(json_object_get(json_object_get(narrowed, "properties"), "code"),
                           "enum");
}

/* Those of the response that has a code of this status. */
static const json_t *codes_of(unsigned http_status)
{
    const char *name;
    json_t *response;

    json_object_foreach (document_at(document, "/components/responses"), name, response) {
        const json_t *codes = codes_in(response);

        for (int s = 1; s < LOSS_STATUS_COUNT; s++) {
            if (exchange_http_status((enum loss_status)s) == http_status &&
                document_lists(codes, loss_status_code((enum loss_status)s)))
                return codes;
        }
    }
    fail_msg("there is no response for %u", http_status);
    return NULL;
}

static void codes_are_those_of_the_table(void **state)
{
    const json_t *all = document_at(document, "/components/schemas/Code/enum");

    (void)state;
    assert_int_equal(json_array_size(all), LOSS_STATUS_COUNT - 1); /* all but success */
    for (int s = 1; s < LOSS_STATUS_COUNT; s++) {
        unsigned http_status = exchange_http_status((enum loss_status)s);
        const json_t *codes = codes_of(http_status);
        size_t count = 0;

        for (int other = 1; other < LOSS_STATUS_COUNT; other++)
            count += exchange_http_status((enum loss_status)other) == http_status;
        assert_true(document_lists(all, loss_status_code((enum loss_status)s)));
        assert_true(document_lists(codes, loss_status_code((enum loss_status)s)));
        assert_int_equal(json_array_size(codes), count);
    }
}

/* A status of an operation refers to the response that has its codes. */
static void statuses_refer_to_their_codes(void **state)
{
    const char *path, *method, *status;
    json_t *item, *operation, *response;

    (void)state;
    json_object_foreach (document_at(document, "/paths"), path, item) {
        json_object_foreach (item, method, operation) {
            json_object_foreach (json_object_get(operation, "responses"), status, response) {
                const char *reference = json_string_value(json_object_get(response, "$ref"));

                if (atoi(status) < 400 || strcmp(method, "head") == 0)
                    continue;
                assert_non_null(reference);
                assert_ptr_equal(codes_in(document_at(document, reference + 1)),
                                 codes_of((unsigned)atoi(status)));
            }
        }
    }
}

/* ---- examples ---- */

#define CONTENT "/content/application~1json/examples"

static void examples_are_answered_as_they_say(void **state)
{
    static const char operation[] = "/paths/~1v1~1evaluate/post";
    char place[128];
    const json_t *examples, *replies;
    const char *name;
    json_t *example;

    (void)state;
    (void)snprintf(place, sizeof place, "%s/requestBody" CONTENT, operation);
    examples = document_at(document, place);
    (void)snprintf(place, sizeof place, "%s/responses/200" CONTENT, operation);
    replies = document_at(document, place);
    json_object_foreach ((json_t *)(uintptr_t)examples, name, example) {
        char *body = json_dumps(json_object_get(example, "value"), 0);
        const json_t *want = json_object_get(json_object_get(replies, name), "value");
        struct loss_error error = {.sentence = ""};
        json_t *got = reply_to(body, &message_limits, &error);

        if (got == NULL || (want != NULL && !json_equal(got, want)))
            fail_msg("%s: %s", name, error.sentence);
        json_decref(got);
        free(body);
    }
}

static void an_inference_is_answered_as_it_says(void **state)
{
    static const char operation[] = "/paths/~1v2~1models~1{model}~1infer/post";
    char place[128];
    struct loss_arena arena;
    json_t *reply;
    char *body;

    (void)state;
    (void)snprintf(place, sizeof place, "%s/requestBody" CONTENT "/rows/value", operation);
    body = json_dumps(document_at(document, place), 0);
    loss_arena_init(&arena, NULL);
    reply = json_loads(message_text(body, &arena), 0, NULL);
    (void)snprintf(place, sizeof place, "%s/responses/200" CONTENT "/rows/value", operation);
    assert_true(json_equal(reply, document_at(document, place)));
    json_decref(reply);
    loss_arena_reset(&arena);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_the_table),
        cmocka_unit_test(parts_are_members_of_the_reply),
        cmocka_unit_test(outputs_of_the_protocol_are_answered),
        cmocka_unit_test(codes_are_those_of_the_table),
        cmocka_unit_test(statuses_refer_to_their_codes),
        cmocka_unit_test(examples_are_answered_as_they_say),
        cmocka_unit_test(an_inference_is_answered_as_it_says),
    };

    envelope_start();
    return cmocka_run_group_tests(tests, start, stop);
}
