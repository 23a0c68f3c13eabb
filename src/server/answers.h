/* answers.h - the replies of the routes.  Each makes exchange->reply, or fails the exchange. */
#ifndef SERVER_ANSWERS_H
#define SERVER_ANSWERS_H

struct exchange;

void answer_evaluate(struct exchange *exchange); /* any thread: it may be a worker's job */
void answer_version(struct exchange *exchange);
void answer_metrics(struct exchange *exchange);
void answer_live(struct exchange *exchange);
void answer_ready(struct exchange *exchange);

#endif
