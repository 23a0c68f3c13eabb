/* judge.h - whether a reply of the tortured daemon is right, or at least not wrong: it tells of a
 * shortage, or is none. */
#ifndef TORTURE_JUDGE_H
#define TORTURE_JUDGE_H

#include <stdbool.h>

#include "support/response.h"
#include "support/zipped.h"
#include "torture/script.h"

/* What a request is answered when nothing fails. */
struct wanted {
    long status;
    struct zipped body; /* decoded; NULL if it changes from one time to the next */
};

/* How many replies were right, how many told of a shortage, and how many did not come. */
struct verdicts {
    unsigned long right, refused, cut;
};

/* The body, decoded, to be freed. */
struct zipped reply_decode(const struct response *response);
bool reply_is_same(const struct zipped *one, const struct zipped *other);

/* Count a reply; false if it is wrong. */
bool judge(struct verdicts *verdicts, const struct script_request *request,
           const struct wanted *wanted, const struct response *response);

#endif
