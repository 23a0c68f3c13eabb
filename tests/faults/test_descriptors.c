/* test_descriptors.c - no descriptors are left: row 85. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/resource.h>

#include "support/alive.h"
#include "support/raw.h"
#include "support/session.h"

#define GET  "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
#define GOOD "{\"logits\":[2,1],\"targets\":0}"

enum { WAITING = 12, QUIET_MS = 500 };

/* Less than are open already, but one: for less poll(2) fails. */
static const struct rlimit no_more = {.rlim_cur = 1};

static void check_loss(const char *when)
{
    const struct response *response = client_evaluate(client, GOOD);

    if (response->status != 200 || strstr(response->body, "0.3132617") == NULL)
        fail_msg("%s: got %ld %s", when, response->status, response->body);
}

/* Let the daemon open no more; the limit that it had. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before, none = no_more;

    assert_int_equal(prlimit(lossd.pid, RLIMIT_NOFILE, NULL, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(prlimit(lossd.pid, RLIMIT_NOFILE, &none, NULL), 0);
    return before;
}

/* Who waits hears nothing, and the daemon does not spin meanwhile. */
static void check_quiet(struct raw *raw)
{
    double cpu_s = daemon_cpu_s(&lossd);

    assert_int_equal(raw_next(raw, QUIET_MS), RAW_SILENT);
    cpu_s = daemon_cpu_s(&lossd) - cpu_s;
    if (!(cpu_s < QUIET_MS / 1e3 / 10)) /* who spins has more, busy machine or not */
        fail_msg("%g s of CPU time", cpu_s);
}

/* Who cannot be accepted waits, and is served once descriptors are there again; meanwhile
 * the others are served, and the daemon does not spin. */
static void descriptors_may_run_out(void **state)
{
    struct raw raws[WAITING];
    struct response response = {0};
    struct rlimit before;

    (void)state;
    (void)session_start(NULL, NULL);
    check_loss("before");
    before = take_descriptors();
    for (int i = 0; i < WAITING; i++) {
        raw_open(&raws[i], lossd.port);
        assert_true(raw_say(&raws[i], GET));
    }
    for (int i = 0; i < 100; i++)
        check_loss("meanwhile");
    check_quiet(&raws[0]);
    assert_int_equal(prlimit(lossd.pid, RLIMIT_NOFILE, &before, NULL), 0);
    client_close(client); /* accepting may begin again only when somebody goes */
    client = NULL;
    for (int i = 0; i < WAITING; i++) {
        raw_read(&raws[i], false, RAW_MS, &response);
        assert_int_equal(response.status, 200);
        raw_close(&raws[i]);
    }
    response_free(&response);
    check_alive(lossd.port, "no descriptors");
    assert_int_equal(session_stop(NULL), 0);
}

/* The same where nobody is connected who could go. */
static void descriptors_may_be_missing_for_the_first(void **state)
{
    struct response response = {0};
    struct rlimit before;
    struct raw raw;

    (void)state;
    daemon_start(&lossd, (const char *const[]){"--loops", "1", NULL}, NULL);
    before = take_descriptors();
    raw_open(&raw, lossd.port);
    assert_true(raw_say(&raw, GET));
    check_quiet(&raw);
    assert_int_equal(prlimit(lossd.pid, RLIMIT_NOFILE, &before, NULL), 0);
    raw_read(&raw, false, RAW_MS, &response);
    assert_int_equal(response.status, 200);
    raw_close(&raw);
    response_free(&response);
    check_alive(lossd.port, "no descriptors for the first");
    assert_int_equal(daemon_stop(&lossd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_may_run_out),
        cmocka_unit_test(descriptors_may_be_missing_for_the_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
