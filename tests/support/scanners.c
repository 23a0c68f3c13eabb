/* scanners.c - scanners of texts that end where their memory ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/decimal.h"
#include "support/scanners.h"

struct scanner scanner_open(const char *bytes, size_t length, struct loss_error *error)
{
    char *text = calloc(length + DECIMAL_PADDING, 1);

    assert_non_null(text);
    memcpy(text, bytes, length);
    memset(error, 0, sizeof *error);
    return (struct scanner){.text = text,
                            .at = text,
                            .end = text + length,
                            .depth_max = 32,
                            .key = "id",
                            .error = error};
}

void scanner_close(struct scanner *scanner)
{
    free((char *)scanner->text);
}
