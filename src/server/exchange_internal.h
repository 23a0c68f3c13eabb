/* exchange_internal.h - what the files of the exchange share. */
#ifndef SERVER_EXCHANGE_INTERNAL_H
#define SERVER_EXCHANGE_INTERNAL_H

#include "codec/text.h"
#include "server/exchange.h"

/* Of a body that is refused this much is read on, so that the client, which writes first and
 * reads then, gets to see why. */
enum { EXCHANGE_DISCARD_BYTES_MAX = 8 * 1024 * 1024 };

/* Whether a body is read for what it says.  A body that is none of that is let pass unread. */
bool exchange_takes_body(const struct exchange *exchange);

/* Make the body's block hold `bytes` and the padding: LOSS_MEMORY_BUDGET_FULL, or
 * LOSS_BODY_TOO_LARGE if it would not fit either when nothing else was there. */
enum loss_status exchange_hold(struct exchange *exchange, size_t bytes, struct loss_error *error);

/* Whether the budget would have a block of so many bytes for it, if no other request held any
 * memory.  Any thread. */
bool exchange_could_take(const struct exchange *exchange, size_t bytes);

/* The largest body of this request. */
size_t exchange_bytes_max(const struct exchange *exchange);

/* The answer is wanted so many microseconds after the request's headers came, if not earlier. */
void exchange_limit_time(struct exchange *exchange, uint64_t microseconds);

/* LOSS_BODY_TOO_LARGE; `text` is how many bytes the body has, as far as it is known. */
enum loss_status exchange_fail_too_large(const struct exchange *exchange, const char *text,
                                         struct loss_error *error);

/* LOSS_BODY_TOO_LARGE: there is no sense in trying again later. */
enum loss_status exchange_fail_too_needy(const struct exchange *exchange, struct loss_error *error);

/* Fail for want of memory: with what exchange_fail_too_needy says if that was too much for the
 * budget, whoever else holds any. */
void exchange_fail_memory(struct exchange *exchange);

/* Give the body's block back: nothing will be read into it. */
void exchange_drop_body(struct exchange *exchange);

/* Of an exchange that failed give back all memory: its reply needs none. */
void exchange_drop_all(struct exchange *exchange);

/* Of an exchange that failed let the rest of the body pass, before its reply. */
void exchange_read_on(struct exchange *exchange);

/* Reserve a place in the queue and make the state EXCHANGE_WORKING.  A stream that has begun waits
 * for a place; whoever else finds none is refused. */
void exchange_queue(struct exchange *exchange);

/* Fail because the server stops, and say "ready":false as well, which some clients read. */
void exchange_fail_unready(struct exchange *exchange);

/* Make the reply, in the coding that the client takes.  False: that took too long, and the reply
 * says so instead. */
bool exchange_reply(struct exchange *exchange, const char *content_type, const char *body,
                    size_t length);

/* The same with a JSON text, or LOSS_OUT_OF_MEMORY if there was no memory for it. */
void exchange_reply_json(struct exchange *exchange, const struct text *text);

/* Whether a body of so many bytes is too much work for the event loop. */
bool exchange_is_for_workers(const struct exchange *exchange, size_t length);

/* The patience that is over once the answer would come too late, or the server gives up.  Who
 * asks gives way to other threads (turns.h). */
struct patience exchange_patience(struct exchange *exchange);

/* Which of the two it was. */
enum loss_status exchange_late_status(const struct exchange *exchange);

#endif
