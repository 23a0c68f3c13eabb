/* session.c - one daemon and one client, for all tests of a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "support/session.h"

struct daemon lossd;
struct client *client;

int session_start(const char *const *flags, const char *const *environment)
{
    daemon_start(&lossd, flags, environment);
    client = client_open(lossd.port);
    return 0;
}

int session_start_plain(void **state)
{
    (void)state;
    return session_start(NULL, NULL);
}

int session_stop(void **state)
{
    (void)state;
    client_close(client);
    return daemon_stop(&lossd);
}

void session_wait_as_visitor(const char *series, double value)
{
    struct client *visitor = client_open(lossd.port);

    assert_true(client_wait(visitor, series, value, value));
    client_close(visitor);
}

bool session_reload(const char *series)
{
    double after = client_metric(client, series) + 1.0;

    daemon_signal(&lossd, SIGHUP);
    return client_wait(client, series, after, after);
}

void session_check_next(const char *name, bool on_a_new_connection)
{
    const struct response *next = client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}");
    json_t *json = response_json(next);

    if (next->status != 200 || next->connects != on_a_new_connection)
        fail_msg("%s: then %ld on %ld new connections", name, next->status, next->connects);
    assert_true(json_number(json_object_get(json, "loss")) > 0.31326 &&
                json_number(json_object_get(json, "loss")) < 0.31327); /* log(1 + 1/e) */
    json_decref(json);
}
