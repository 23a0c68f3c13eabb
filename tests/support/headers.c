/* headers.c - headers of a reply as they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "support/headers.h"

void check_header(const char *name, const struct response *response, const char *header,
                  const char *want)
{
    char text[256];
    const char *got = response_header(response, header, text, sizeof text);

    if (want == NULL ? got != NULL : got == NULL || strcmp(got, want) != 0)
        fail_msg("%s: %s is %s, want %s", name, header, got != NULL ? got : "missing",
                 want != NULL ? want : "none");
}
