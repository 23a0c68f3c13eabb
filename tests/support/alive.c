/* alive.c - whether a daemon is still well. */
#include "support/alive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/client.h"

void check_alive(unsigned port, const char *name)
{
    struct client *client = client_open(port);
    long status = client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}")->status;

    if (status != 200)
        fail_msg("%s: afterwards a good request gets %ld", name, status);
    if (!client_wait(client, "lossd_in_flight_requests", 0.0, 1.0))
        fail_msg("%s: afterwards requests are in flight", name);
    client_close(client);
}
