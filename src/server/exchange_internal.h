/* exchange_internal.h - what the files of the exchange share. */
#ifndef SERVER_EXCHANGE_INTERNAL_H
#define SERVER_EXCHANGE_INTERNAL_H

#include "server/exchange.h"

/* Of a body that is refused this much is read on, so that the client, which writes first and reads then,
 * gets to see why. */
enum { EXCHANGE_DISCARD_BYTES_MAX = 8 * 1024 * 1024 };

/* Make the body's block hold `bytes` and the padding: LOSS_MEMORY_BUDGET_FULL. */
enum loss_status exchange_hold(struct exchange *exchange, size_t bytes, struct loss_error *error);

/* LOSS_BODY_TOO_LARGE; `text` is how many bytes the body has, as far as it is known. */
enum loss_status exchange_fail_too_large(const struct exchange *exchange, const char *text,
                                         struct loss_error *error);

#endif
