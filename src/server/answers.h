/* answers.h - the replies of the routes.  Each makes exchange->reply, or fails the exchange. */
#ifndef SERVER_ANSWERS_H
#define SERVER_ANSWERS_H

struct exchange;

void answer_page(struct exchange *exchange);     /* the page, or a file of it */
void answer_evaluate(struct exchange *exchange); /* any thread: it may be a worker's job */
void answer_version(struct exchange *exchange);
void answer_openapi(struct exchange *exchange);
void answer_metrics(struct exchange *exchange);
void answer_live(struct exchange *exchange);
void answer_ready(struct exchange *exchange);

/* Of the Open Inference Protocol; inference itself is answer_evaluate's. */
void answer_v2(struct exchange *exchange);
void answer_v2_models(struct exchange *exchange);
void answer_v2_model(struct exchange *exchange);
void answer_v2_model_ready(struct exchange *exchange);
void answer_v2_model_config(struct exchange *exchange);
void answer_v2_statistics(struct exchange *exchange); /* of one model, or of all */
void answer_v2_index(struct exchange *exchange);
void answer_v2_fixed(struct exchange *exchange); /* models cannot be loaded or unloaded */

#endif
