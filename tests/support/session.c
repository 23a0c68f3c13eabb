/* session.c - one daemon and one client, for all tests of a program. */
#include "support/session.h"

#include <signal.h>

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

bool session_reload(const char *series)
{
    double after = client_metric(client, series) + 1.0;

    daemon_signal(&lossd, SIGHUP);
    return client_wait(client, series, after, after);
}
