/* lone_service.h - what the requests of a server share, without the server:
 * one idle worker, no socket. */
#ifndef SUPPORT_LONE_SERVICE_H
#define SUPPORT_LONE_SERVICE_H

#include "server/service.h"

struct lone_service {
    struct server_options options;
    struct log log;
    struct service_state state;
    struct service service;
};

/* Limits for small requests: a budget of 128 KiB, bodies of up to 40000 bytes, 100 of which are
 * evaluated by the loop itself. */
extern const struct server_options lone_service_options;

void lone_service_start(struct lone_service *lone, const struct server_options *options);

/* The head of a POST to it with a body of `length` bytes. */
struct head lone_service_post(const char *length);

/* Nothing may be in flight, and no memory of the budget in use. */
void lone_service_stop(struct lone_service *lone);

#endif
