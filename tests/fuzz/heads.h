/* heads.h - the head of a request from text: "POST /v1/evaluate?k=1", and
 * headers, each on its line. */
#ifndef FUZZ_HEADS_H
#define FUZZ_HEADS_H

#include "server/head.h"

/* Fill a head from a text, which is changed and must live as long, up to an empty line or its end;
 * returns what follows, or NULL. */
char *heads_read(struct head *head, char *text);

#endif
