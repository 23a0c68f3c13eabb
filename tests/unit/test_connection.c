/* test_connection.c - the clocks of a connection: both sides of each limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/lone_connections.h"

static const struct server_options *const options = &lone_connections_options;

static void each_phase_has_its_limit(void **state)
{
    static const struct {
        const char *name;
        enum phase phase;
        uint64_t passed_ms, body_bytes;
        enum lateness lateness;
    } rows[] = {
        {"idle from the start", PHASE_IDLE, 0, 0, LATE_NOT},
        {"idle", PHASE_IDLE, 3000, 0, LATE_NOT},
        {"idle too long", PHASE_IDLE, 3001, 0, LATE_CUT},
        {"headers", PHASE_HEADERS, 500, 0, LATE_NOT},
        {"slow headers", PHASE_HEADERS, 501, 0, LATE_SAY_SO},
        {"body at the start of its grace", PHASE_BODY, 0, 0, LATE_NOT},
        {"body in its time of grace", PHASE_BODY, 200, 0, LATE_NOT},
        {"no body after it", PHASE_BODY, 201, 0, LATE_SAY_SO},
        {"one byte for one millisecond", PHASE_BODY, 201, 1, LATE_NOT},
        {"and for two", PHASE_BODY, 202, 1, LATE_SAY_SO},
        {"body at the rate", PHASE_BODY, 10200, 10000, LATE_NOT},
        {"body below the rate", PHASE_BODY, 10200, 9999, LATE_SAY_SO},
        {"a body as long as a request may take", PHASE_BODY, 20000, 19800, LATE_NOT},
        {"and longer, however fast", PHASE_BODY, 20001, 1000000, LATE_SAY_SO},
        {"a body past the time of its request", PHASE_BODY, 20001, 86400000, LATE_SAY_SO},
        {"working", PHASE_WORKING, 100000000, 0, LATE_NOT},
        {"sending", PHASE_SENDING, 7000, 0, LATE_NOT},
        {"sending too long", PHASE_SENDING, 7001, 0, LATE_CUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const uint64_t start = 123456789012345;
        struct connection connection = {.body_bytes = 99};
        enum lateness lateness;

        connection_enter(&connection, rows[i].phase, start);
        assert_int_equal(connection.body_bytes, 0);
        connection.body_bytes = rows[i].body_bytes;
        lateness = connection_lateness(&connection, options, start + rows[i].passed_ms * MS);
        if (lateness != rows[i].lateness)
            fail_msg("%s: got %u", rows[i].name, (unsigned)lateness);
        if (connection_lateness(&connection, options, start + (rows[i].passed_ms + 1) * MS - 1) !=
            lateness) /* only whole milliseconds count */
            fail_msg("%s: too early", rows[i].name);
    }
}

/* A body of 180,000 bytes has 2 seconds of grace and 18 more, in each of which 10,000 must come. */
static void who_does_not_fill_his_memory_wastes_it(void **state)
{
    static const struct {
        const char *name;
        enum phase phase;
        uint64_t held, passed_ms, bytes;
        bool wastes;
    } rows[] = {
        {"nothing for 2 s", PHASE_BODY, 180000, 2000, 0, false},
        {"and for 2.001 s", PHASE_BODY, 180000, 2001, 0, true},
        {"not enough", PHASE_BODY, 180000, 2001, 9, true},
        {"enough", PHASE_BODY, 180000, 2001, 10, false},
        {"half-way, and too late", PHASE_BODY, 180000, 11000, 89999, true},
        {"half-way", PHASE_BODY, 180000, 11000, 90000, false},
        {"all but one", PHASE_BODY, 180000, 20000, 179999, true},
        {"all", PHASE_BODY, 180000, 20000, 180000, false},
        {"much is held", PHASE_BODY, 65536, 2001, 0, true},
        {"little is", PHASE_BODY, 65535, 2001, 0, false},
        {"nothing is", PHASE_BODY, 0, 20000, 0, false},
        {"it is worked on", PHASE_WORKING, 180000, 20000, 0, false},
    };
    struct server_options brief = *options;

    (void)state;
    brief.request_timeout_ms = 2000;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct connection connection = {.body_held = 1};

        connection_enter(&connection, rows[i].phase, 0);
        assert_int_equal(connection.body_held, 0);
        connection.body_held = rows[i].held;
        connection.body_bytes = rows[i].bytes;
        if (connection_wastes(&connection, options, rows[i].passed_ms * MS) != rows[i].wastes)
            fail_msg("%s", rows[i].name);
        assert_false(connection_wastes(&connection, &brief, rows[i].passed_ms * MS));
    }
}

/* Not even when nobody has told how long it is, or when it is a reply. */
static void who_stands_still_wastes_memory(void **state)
{
    static const struct {
        enum phase phase;
        size_t bytes;
        uint64_t limit_ms; /* 0: never */
    } rows[] = {
        {PHASE_BODY, 70000, 2000}, {PHASE_BODY, 60000, 0},    {PHASE_SENDING, 70000, 10000},
        {PHASE_BODY, 0, 0},        {PHASE_WORKING, 70000, 0}, {PHASE_HEADERS, 70000, 0},
        {PHASE_IDLE, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct exchange exchange = {.arena_granted = rows[i].bytes};
        struct connection connection = {.exchange = rows[i].bytes != 0 ? &exchange : NULL};
        bool wastes = rows[i].limit_ms != 0;
        uint64_t limit = (wastes ? rows[i].limit_ms : 15000) * MS;

        connection_enter(&connection, rows[i].phase, 1000);
        assert_false(connection_wastes(&connection, options, 1000 + limit));
        if (connection_wastes(&connection, options, 1001 + limit) != wastes)
            fail_msg("row %zu", i);
        connection_feed(&connection, 7, 2000);
        assert_int_equal(connection.body_bytes, 7);
        assert_false(connection_wastes(&connection, options, 2000 + limit));
        if (connection_wastes(&connection, options, 2001 + limit) != wastes)
            fail_msg("row %zu, after something has come", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_phase_has_its_limit),
        cmocka_unit_test(who_does_not_fill_his_memory_wastes_it),
        cmocka_unit_test(who_stands_still_wastes_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
