/* headers.h - headers of a reply as they should be. */
#ifndef SUPPORT_HEADERS_H
#define SUPPORT_HEADERS_H

#include "support/response.h"

/* Fails the test, naming what was asked, unless the header has this value; NULL: is not there. */
void check_header(const char *name, const struct response *response, const char *header,
                  const char *want);

#endif
