/* confined.h - children that are confined and try something, and what becomes of them. */
#ifndef SUPPORT_CONFINED_H
#define SUPPORT_CONFINED_H

#include <stdbool.h>

/* What becomes of an attempt: an errno, 0 for success, or the end of the process. */
enum { DIES = 1000, ABORTS, REFUSED_TO_CONFINE = 254 };

struct attempt {
    const char *name;
    int (*try)(void);
    int want;
};

/* Fork a child that is confined and tries, in its first thread or in one that is older than the
 * filter; what becomes of it. */
int confined_outcome(const struct attempt *attempt, bool elsewhere);

/* The same of a child that has ended, from its wait status; -1 for any other signal. */
int confined_outcome_of(int status);

#endif
