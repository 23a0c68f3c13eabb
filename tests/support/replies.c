/* replies.c - replies in JSON as jansson's values, and how they compare with expected ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/bodies.h"
#include "support/numbers.h"
#include "support/replies.h"

enum { PATH_BYTES = 256 };

const char *reply_unquoted(const char *text, char quoted[REPLY_TEXT_BYTES])
{
    size_t i = 0;

    assert_in_range(strlen(text), 0, REPLY_TEXT_BYTES - 1);
    for (; text[i] != '\0'; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    quoted[i] = '\0';
    return quoted;
}

json_t *reply_to(const char *body, const struct codec_limits *limits, struct loss_error *error)
{
    struct loss_arena arena;
    struct answer answer;
    json_t *reply = NULL;

    loss_arena_init(&arena, NULL);
    if (body_answer(body, strlen(body), limits, &arena, &answer, error) == LOSS_OK) {
        reply = json_loadb(answer.body, answer.length, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(reply);
    }
    loss_arena_reset(&arena);
    return reply;
}

/* Of numbers and words. */
static bool is_near(const char *path, const json_t *got, const json_t *want)
{
    bool are_integers = json_is_integer(got) && json_is_integer(want);
    double relative = strstr(path, "/gradient") != NULL ? 1e-9 : 1e-12;

    if (!json_is_number(got) || !json_is_number(want))
        return json_equal(got, want) != 0;
    return number_is_near(json_number_value(got), json_number_value(want),
                          are_integers ? 0.0 : relative, 0.0);
}

void reply_check(const char *path, const json_t *got, const json_t *want)
{
    char below[PATH_BYTES];
    bool is_reply = strchr(path, '/') == NULL;

    if (got == NULL)
        fail_msg("%s is missing", path);
    if (json_is_object(want)) {
        const char *key;
        json_t *value;

        assert_true(json_is_object(got));
        if (!is_reply && json_object_size(got) != json_object_size(want))
            fail_msg("%s has %zu members", path, json_object_size(got));
        json_object_foreach ((json_t *)(uintptr_t)want, key, value) {
            (void)snprintf(below, sizeof below, "%s/%s", path, key);
            reply_check(below, json_object_get(got, key), value);
        }
    } else if (json_is_array(want)) {
        if (!json_is_array(got) || json_array_size(got) != json_array_size(want))
            fail_msg("%s is no array of %zu elements", path, json_array_size(want));
        for (size_t i = 0; i < json_array_size(want); i++) {
            (void)snprintf(below, sizeof below, "%s/%zu", path, i);
            reply_check(below, json_array_get(got, i), json_array_get(want, i));
        }
    } else if (!is_near(path, got, want)) {
        fail_msg("%s is %s, want %s", path, json_dumps(got, JSON_ENCODE_ANY),
                 json_dumps(want, JSON_ENCODE_ANY));
    }
}

/* A word is a NaN or an infinity. */
static double number_of(const json_t *value)
{
    return json_is_string(value) ? strtod(json_string_value(value), NULL)
                                 : json_number_value(value);
}

static double sum_of(const json_t *numbers)
{
    double sum = 0.0;

    for (size_t i = 0; i < json_array_size(numbers); i++)
        sum += number_of(json_array_get(numbers, i));
    return sum;
}

/* The classes add up to the whole. */
void reply_check_sums(const char *name, const json_t *reply)
{
    static const struct {
        const char *part, *whole;
    } sums[] = {{"loss_sum", "loss_sum"},
                {"weight", "weight_sum"},
                {"count", "count"},
                {"correct", "correct"}};
    const json_t *classes = json_object_get(reply, "per_class");

    for (size_t i = 0; classes != NULL && i < sizeof sums / sizeof sums[0]; i++) {
        double sum = sum_of(json_object_get(classes, sums[i].part));
        double whole = number_of(json_object_get(reply, sums[i].whole));

        if (!number_is_near(sum, whole, 1e-12, 0.0))
            fail_msg("%s: %s adds up to %.17g, not %.17g", name, sums[i].part, sum, whole);
    }
}
