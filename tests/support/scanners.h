/* scanners.h - scanners of texts that end where their memory ends. */
#ifndef SUPPORT_SCANNERS_H
#define SUPPORT_SCANNERS_H

#include <stddef.h>

#include "codec/scan.h"

/* A scanner over a copy of `bytes`, in a block that ends with its padding, at 32 levels at most and
 * in the member "id".  *error is cleared. */
struct scanner scanner_open(const char *bytes, size_t length, struct loss_error *error);
void scanner_close(struct scanner *scanner);

#endif
