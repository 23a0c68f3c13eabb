/* trace.h - which trace a request belongs to: the header traceparent of W3C Trace Context. */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include <stdbool.h>

enum { TRACE_ID_BYTES = 33, TRACE_PARENT_BYTES = 17 }; /* with their NUL */

/* Read the header's value, which may be NULL: lower-case hexadecimal ids, and whether the caller
 * keeps the trace.  False, with nothing written, if it is not one that may be passed on. */
bool trace_parse(const char *traceparent, char trace_id[TRACE_ID_BYTES],
                 char parent_id[TRACE_PARENT_BYTES], bool *sampled);

#endif
