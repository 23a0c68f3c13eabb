/* test_trace.c - which values of traceparent are taken, and what is read from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/trace.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define BOTH   TRACE "-" PARENT

static const char *const taken[] = {
    "00-" BOTH "-01",   "00-" BOTH "-00",
    "00-" BOTH "-f0",   "00-" BOTH "-ff",
    "01-" BOTH "-01", /* later versions, as far as this one goes */
    "01-" BOTH "-01-",  "cc-" BOTH "-00-what-the-future-will-be-like",
    "fe-" BOTH "-01-.",
};

static const char *const refused[] = {
    "",
    "00",
    "00-" BOTH "-0",
    "00-" BOTH "-",
    "00-" BOTH,
    "00-" BOTH "-01-",
    "00-" BOTH "-01-x",
    "00-" BOTH "-012",
    "00-" BOTH "-01 ",
    " 00-" BOTH "-01",
    "01-" BOTH "-01.",
    "01-" BOTH "-012",
    "01-" BOTH "-0-",
    "ff-" BOTH "-01",
    "FF-" BOTH "-01",
    "0-" BOTH "-011",
    "0x-" BOTH "-01",
    "0A-" BOTH "-01",
    "00-" BOTH "-0A",
    "00-" BOTH "-g1",
    "00-00000000000000000000000000000000-" PARENT "-01",
    "00-" TRACE "-0000000000000000-01",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
    "00-" TRACE "-00F067AA0BA902B7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473g-" PARENT "-01",
    "00-" TRACE "-g0f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e473-" PARENT "-01x",
    "00-4bf92f3577b34da6a3ce929d0e0e47360-0f067aa0ba902b7-01",
    "00_" BOTH "-01",
    "00-" TRACE "_" PARENT "-01",
    "00-" BOTH "_01",
};

/* In blocks of just their size, so that reading on is noticed. */
static bool parsed(const char *value, char *trace)
{
    char *copy = strdup(value);
    bool good;

    assert_non_null(copy);
    good = trace_parse(copy, trace);
    free(copy);
    return good;
}

static void good_values_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        char trace[TRACE_ID_BYTES];

        if (!parsed(taken[i], trace))
            fail_msg("%s is not taken", taken[i]);
        assert_string_equal(trace, TRACE);
    }
}

static void other_values_are_not(void **state)
{
    char trace[TRACE_ID_BYTES] = "t";

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (parsed(refused[i], trace))
            fail_msg("%s is taken", refused[i]);
    }
    assert_false(trace_parse(NULL, trace));
    assert_string_equal(trace, "t");
}

/* Ids of zeros alone are none, but one other digit makes an id, wherever it is. */
static void ids_may_be_small(void **state)
{
    char trace[TRACE_ID_BYTES];

    (void)state;
    assert_true(parsed("00-00000000000000000000000000000001-0000000000000001-01", trace));
    assert_string_equal(trace, "00000000000000000000000000000001");
    assert_true(parsed("00-80000000000000000000000000000000-8000000000000000-01", trace));
}

/* Every byte matters: no other value may stand in its place but a digit of the same kind. */
static void every_byte_is_looked_at(void **state)
{
    static const char good[] = "00-" BOTH "-01";
    char value[sizeof good], trace[TRACE_ID_BYTES];

    (void)state;
    memcpy(value, good, sizeof good);
    for (size_t i = 0; i + 1 < sizeof good; i++) {
        for (int byte = 0; byte < 256; byte++) {
            bool digit = byte != 0 && strchr("0123456789abcdef", byte) != NULL;

            value[i] = (char)byte;
            assert_int_equal(parsed(value, trace), good[i] == '-' ? byte == '-' : digit);
        }
        value[i] = good[i];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_read),
        cmocka_unit_test(other_values_are_not),
        cmocka_unit_test(ids_may_be_small),
        cmocka_unit_test(every_byte_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
