/* keyfile.h - files that hold secrets or belong to them: read whole, and wiped afterwards. */
#ifndef SERVER_KEYFILE_H
#define SERVER_KEYFILE_H

#include <stddef.h>

#include "loss/status.h"
#include "observe/log.h"

enum { KEYFILE_BYTES_MAX = 1024 * 1024 };

struct keyfile {
    char *text; /* ends in a NUL, which does not count */
    size_t length;
};

/* Read a file of at most KEYFILE_BYTES_MAX bytes; LOSS_INTERNAL_ERROR, with the path and the
 * reason, if that fails.  If it is a secret that the rest of the machine can read, a warning is
 * logged.  To be given to keyfile_wipe. */
enum loss_status keyfile_read(struct keyfile *file, const char *path, struct log *log,
                              struct loss_error *error);

/* The same for what is no secret. */
enum loss_status keyfile_read_public(struct keyfile *file, const char *path,
                                     struct loss_error *error);

/* Overwrite and free; nothing for one that was not read and is all zeros. */
void keyfile_wipe(struct keyfile *file);

#endif
