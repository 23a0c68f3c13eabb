/* alive.c - whether a daemon is still well. */
#include "support/alive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/client.h"
#include "support/daemon.h"

void check_alive(unsigned port, const char *name)
{
    struct client *client = client_open(port);
    double deadline = clock_ms() + RAW_MS, in_flight;
    long status = client_evaluate(client, "{\"logits\":[1,2],\"targets\":1}")->status;

    if (status != 200)
        fail_msg("%s: afterwards a good request gets %ld", name, status);
    do {
        in_flight = client_metric(client, "lossd_in_flight_requests");
    } while (in_flight > 1.0 && clock_ms() < deadline);
    client_close(client);
    if (in_flight > 1.0)
        fail_msg("%s: afterwards %g requests are in flight", name, in_flight);
}
