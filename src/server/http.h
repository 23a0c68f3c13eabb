/* http.h - HTTP/1.1 on sockets: what knows libmicrohttpd, and nothing else does.
 *
 * libmicrohttpd runs on the loop thread alone, driven from outside through its epoll
 * descriptor; all functions here are for that thread.  What it parses becomes
 * exchanges; their replies it sends. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "loss/status.h"
#include "server/exchange.h"

struct http;

/* Serve the listening socket, which the http then owns.  NULL, with a sentence, if that fails. */
struct http *http_start(struct service *service, int listener, struct loss_error *error);

/* Readable when there is work for http_run. */
int http_epoll_fd(const struct http *http);

/* Do what can be done without waiting.  False: nothing more is pending; true: call again after
 * *wait_ms at the latest. */
bool http_run(struct http *http, uint64_t *wait_ms);

/* Whether somebody waits to be accepted and cannot be, for want of descriptors or memory, and
 * nobody is connected who could leave some: the library would try it over and over.  Then http_run
 * is to be called now and then only, whatever the descriptor says. */
bool http_starves(const struct http *http);

/* The exchange, which was EXCHANGE_WORKING, is answered, or is a stream that comes back to receive
 * more: go on with its connection.  Then http_run. */
void http_resume(struct exchange *exchange);

/* Cut the connections that were too slow at `now_ns`; what had come by then has been read
 * meanwhile.  Throw away what those send who were refused.  To be called every 100 ms or so, and
 * sooner if it was true. */
bool http_sweep(struct http *http, uint64_t now_ns);

/* Whether a connection is new and still without a request, or half of one is here. */
bool http_expects_request(const struct http *http);

/* Close the connections that have no request, so that none is sent in vain.  False if something of
 * one is here already, to be read. */
bool http_part(struct http *http);

/* Accept no more connections: the listening socket is closed. */
void http_close_listener(struct http *http);

/* Close what is left and free.  No exchange may be EXCHANGE_WORKING.  NULL is allowed. */
void http_stop(struct http *http);

#endif
