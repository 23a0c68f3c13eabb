/* pressure.h - what is given up, step by step, as the memory of requests fills up.
 *
 * Each step keeps some of the budget for those who are served already: small requests go
 * on while large ones are refused, and whoever watches the server still hears from it
 * when nothing else is served. */
#ifndef SERVER_PRESSURE_H
#define SERVER_PRESSURE_H

#include <stdbool.h>

#include "server/service.h"

enum pressure {
    PRESSURE_NONE,
    PRESSURE_NO_LARGE,   /* from 3/4 of the budget on: no body of more than 1/64 begins or grows */
    PRESSURE_CLOSING,    /* from 7/8 on: every reply ends its connection as well */
    PRESSURE_VITAL_ONLY, /* from 15/16 on: only vital routes are served */
};

enum pressure pressure_now(const struct service *service);

/* Whether there is room for a body of so many bytes.  Whether the budget has
 * them left is another matter. */
bool pressure_admits(const struct service *service, size_t bytes);

#endif
