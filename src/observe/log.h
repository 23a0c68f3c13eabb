/* log.h - one line per event on standard error, as JSON or as text.
 *
 * Writing never blocks: a line that standard error will not take at once is dropped and counted.
 * Any thread may log; a line is one write(). */
#ifndef OBSERVE_LOG_H
#define OBSERVE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log {
    enum log_level level; /* the least important one that is written */
    enum log_format format;
    _Atomic uint64_t dropped; /* lines so far */
};

/* A fact of an event: a text, or if that is NULL a number. */
struct log_field {
    const char *key;
    const char *text;
    double number;
};

bool log_takes(const struct log *log, enum log_level level);

/* Write an event with `count` facts, as far as they fit a line of 2 KiB.  Texts may hold anything,
 * they are escaped. */
void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t count);

#endif
