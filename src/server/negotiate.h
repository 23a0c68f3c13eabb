/* negotiate.h - what a client would rather have: Accept and
 * Accept-Encoding, RFC 9110, section 12.5.
 *
 * Several lines of a header are one list, joined by commas.  Elements that are malformed are left
 * out, and a list of none is as no header. */
#ifndef SERVER_NEGOTIATE_H
#define SERVER_NEGOTIATE_H

#include <stddef.h>

#include "codec/coding.h"

/* A form that a reply can have. */
struct offer {
    const char *type;      /* like "text/plain" */
    const char *parameter; /* like "version=0.0.4", a value without quotes; or NULL */
};

/* Which offer an Accept, or NULL, likes best; of equals the one that it names more
 * closely, then the first.  -1: none is taken.  A parameter of the offer's name must have
 * its value; others do not matter. */
int negotiate_media(const char *accept, const struct offer *offers, size_t count);

/* The coding that an Accept-Encoding, or NULL, likes best, of equals gzip before deflate before
 * identity.  If it takes none at all it is identity. */
enum coding negotiate_coding(const char *accept_encoding);

#endif
