/* log.c - one line per event on standard error. */
#include "observe/log.h"

#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 }; /* below PIPE_BUF, so that a pipe takes a line whole or not at all */

struct line {
    size_t length;
    char bytes[LINE_BYTES];
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->bytes - line->length - 1; /* for the newline */
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->bytes + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* A text in quotes.  What is not printable ASCII is escaped, so that no text can forge a line. */
static void append_quoted(struct line *line, const char *text)
{
    append(line, "\"");
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            append(line, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            append(line, "\\u%04x", byte);
        else
            append(line, "%c", byte);
    }
    append(line, "\"");
}

static void append_time(struct line *line)
{
    struct timespec now;
    struct tm utc;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &utc);
    append(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1,
           utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000);
}

static void append_field(struct line *line, const struct log_field *field)
{
    if (field->text != NULL)
        append_quoted(line, field->text);
    else if (field->number == floor(field->number))
        append(line, "%.0f", field->number);
    else
        append(line, "%.6f", field->number);
}

bool log_takes(const struct log *log, enum log_level level)
{
    return level >= log->level;
}

void log_write(struct log *log, enum log_level level, const char *event,
               const struct log_field *fields, size_t count)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool json = log->format == LOG_JSON;
    struct line line = {0};

    if (!log_takes(log, level))
        return;
    append(&line, json ? "{\"time\":\"" : "");
    append_time(&line);
    append(&line, json ? "\",\"level\":\"%s\",\"event\":" : " %s ", names[level]);
    if (json)
        append_quoted(&line, event);
    else
        append(&line, "%s", event);
    for (size_t i = 0; i < count; i++) {
        append(&line, json ? ",\"%s\":" : " %s=", fields[i].key);
        append_field(&line, &fields[i]);
    }
    append(&line, json ? "}" : "");
    line.bytes[line.length++] = '\n';
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0 &&
        write(STDERR_FILENO, line.bytes, line.length) == (ssize_t)line.length)
        return;
    log->dropped++;
}
