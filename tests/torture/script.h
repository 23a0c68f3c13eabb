/* script.h - requests over every route, in every encoding, that the daemon is tortured with. */
#ifndef TORTURE_SCRIPT_H
#define TORTURE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

enum { SCRIPT_MAX = 80 };

struct script_request {
    char name[80];
    char *bytes; /* of the whole request */
    size_t length;
    bool is_bodiless; /* its reply has no body: HEAD */
    bool is_lines;    /* its reply has a line for each line */
};

struct script {
    struct script_request requests[SCRIPT_MAX];
    size_t count;
};

/* To be freed.  Bodies of more than `inline_bytes` are among those of
 * every form, and shorter ones. */
void script_make(struct script *script, size_t inline_bytes);
void script_free(struct script *script);

#endif
