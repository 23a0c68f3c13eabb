/* log.c - one line per event on standard error. */
#include "observe/log.h"

#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 2048, /* below PIPE_BUF, so that a pipe takes a line whole or not at all */
    END_BYTES = 3,     /* for what ends every line: a quote, a brace, a newline */
};

struct line {
    size_t length;
    bool is_full; /* something did not fit */
    char bytes[LINE_BYTES];
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
    size_t room = sizeof line->bytes - line->length - END_BYTES;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->bytes + line->length, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room)
        line->is_full = true; /* and what did not fit is not there, not even in part */
    else
        line->length += (size_t)length;
}

/* A text in quotes.  What is not printable ASCII is escaped, so that no text can forge a line. */
static void append_quoted(struct line *line, const char *text)
{
    append(line, "\"");
    if (line->is_full)
        return;
    for (; *text != '\0' && !line->is_full; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\')
            append(line, "\\%c", byte);
        else if (byte < 0x20 || byte >= 0x7f)
            append(line, "\\u%04x", byte);
        else
            append(line, "%c", byte);
    }
    line->bytes[line->length++] = '"'; /* a text that is cut ends in its quote all the same */
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
    for (size_t i = 0; i < count && !line.is_full; i++) {
        size_t before = line.length, after_key;

        append(&line, json ? ",\"%s\":" : " %s=", fields[i].key);
        after_key = line.length;
        if (!line.is_full)
            append_field(&line, &fields[i]);
        if (line.length == after_key)
            line.length = before; /* a key without a value would not be JSON */
    }
    if (json)
        line.bytes[line.length++] = '}';
    line.bytes[line.length++] = '\n';
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0 &&
        write(STDERR_FILENO, line.bytes, line.length) == (ssize_t)line.length)
        return;
    log->dropped++;
}
