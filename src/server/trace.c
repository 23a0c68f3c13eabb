/* trace.c - which trace a request belongs to. */
#include "server/trace.h"

#include <string.h>

/* 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01: version, trace, parent, flags. */
enum { TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, END = 55 };

static bool is_hexadecimal(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

/* An id of zeros alone stands for none. */
static bool is_id(const char *text, size_t length)
{
    return is_hexadecimal(text, length) && strspn(text, "0") < length;
}

bool trace_parse(const char *traceparent, char trace_id[TRACE_ID_BYTES])
{
    const char *text = traceparent;

    if (text == NULL || strnlen(text, END) < END || text[TRACE_AT - 1] != '-' ||
        text[PARENT_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    if (!is_hexadecimal(text, 2) || strncmp(text, "ff", 2) == 0 ||
        !is_id(text + TRACE_AT, TRACE_ID_BYTES - 1) ||
        !is_id(text + PARENT_AT, FLAGS_AT - 1 - PARENT_AT) || !is_hexadecimal(text + FLAGS_AT, 2))
        return false;
    /* Later versions may go on behind what this one has. */
    if (text[END] != '\0' && (strncmp(text, "00", 2) == 0 || text[END] != '-'))
        return false;
    memcpy(trace_id, text + TRACE_AT, TRACE_ID_BYTES - 1);
    trace_id[TRACE_ID_BYTES - 1] = '\0';
    return true;
}
