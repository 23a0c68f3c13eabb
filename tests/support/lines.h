/* lines.h - bodies and replies of many lines (NDJSON). */
#ifndef SUPPORT_LINES_H
#define SUPPORT_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "support/client.h"
#include "support/raw.h"

#define LINES_GOOD "{\"logits\":[2,1],\"targets\":0}"

/* A text that grows; zeros are an empty one.  It ends in a NUL that is not counted. */
struct lines {
    char *text;
    size_t length, room;
};

void lines_add(struct lines *lines, const char *bytes, size_t count);
void lines_word(struct lines *lines, const char *text);
__attribute__((format(printf, 2, 3))) void lines_print(struct lines *lines, const char *format,
                                                       ...);
void lines_free(struct lines *lines);

/* One request: {"logits":[0,0,...],"targets":0OPTIONS} of `count` zeros, without a newline. */
void lines_zeros(struct lines *lines, size_t count, const char *options);

/* `bytes` or a few thousand more of requests of all kinds, some of them wrong, some lines
 * blank; the last one ends. */
void lines_mix(struct lines *lines, size_t bytes);

/* POST them to /v1/evaluate, with this "?query" or "", as application/x-ndjson. */
const struct response *lines_post(struct client *client, const char *query,
                                  const struct lines *lines, bool chunked);

/* Send a head with their Content-Length, which is all it lacks, and the first `count` bytes of them;
 * false if the connection is gone. */
bool lines_begin(struct raw *raw, const char *head, const struct lines *lines, size_t count);

/* Add what the reply must be: those to each line, blank ones left out, posted alone as JSON; an
 * error without its request id.  Lines that occur again are not asked for again. */
void lines_want(struct client *client, const char *query, const struct lines *lines,
                struct lines *want);

/* What is wrong with a reply that should be 200 and this: a sentence in text[size], or NULL. */
const char *lines_fault(const struct response *response, const struct lines *want, char *text,
                        size_t size);

#endif
