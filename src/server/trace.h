/* trace.h - which trace a request belongs to: the header traceparent of W3C Trace Context. */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include <stdbool.h>

enum { TRACE_ID_BYTES = 33 }; /* with its NUL */

/* Read the header's value, which may be NULL: a trace and a parent, lower-case hexadecimal, and
 * flags.  False, with nothing written, if it is not all as it must be. */
bool trace_parse(const char *traceparent, char trace_id[TRACE_ID_BYTES]);

#endif
