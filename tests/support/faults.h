/* faults.h - bodies, most of them bad, and how POST /v1/evaluate answers them, row by row of the
 * list of faults (tests/faults/rows.txt).  Of the daemon and client of session.h. */
#ifndef SUPPORT_FAULTS_H
#define SUPPORT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* In a body, '^' is not sent, but stands before the byte that is named as the place of the
 * fault. */
struct fault {
    const char *row;
    const char *body;
    size_t length;
    const char *code;
    const char *where; /* NULL: none, or the '^' */
    const char *says;  /* part of the sentence, or NULL */
};

/* clang-format off */
#define FAULT_TEXT(text)    text, sizeof(text) - 1
#define FAULT_LOGITS(logits)  FAULT_TEXT("{\"logits\":" logits ",\"targets\":[0]}")
#define FAULT_TARGETS(targets) FAULT_TEXT("{\"logits\":[[1,2]],\"targets\":" targets "}")
#define FAULT_WITH(options) FAULT_TEXT("{\"logits\":[[1,2]],\"targets\":[0]," options "}")
/* clang-format on */

/* Each has status 400, its code and its place, is counted once, does no computation, and leaves the
 * connection, the gauges and the counters as they should be: fails the test if not. */
void faults_check(const struct fault *faults, size_t count);

/* What only looks wrong: its reply of status 200 contains this. */
struct oddity {
    const char *row, *body, *reply;
};

void oddities_check(const struct oddity *oddities, size_t count);

#endif
