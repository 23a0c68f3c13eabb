/* keyfile.c - files that hold secrets or belong to them. */
#include "server/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read to the end, or until there is one byte too many.  False with errno if that fails. */
static bool read_all(int fd, struct keyfile *file)
{
    ssize_t count = 1;

    while (count > 0 && file->length <= KEYFILE_BYTES_MAX) {
        count = read(fd, file->text + file->length, KEYFILE_BYTES_MAX + 1 - file->length);
        if (count < 0 && errno != EINTR)
            return false;
        file->length += count > 0 ? (size_t)count : 0;
        if (count < 0)
            count = 1; /* interrupted: once more */
    }
    return true;
}

static enum loss_status read_file(struct keyfile *file, const char *path, mode_t *mode,
                                  struct loss_error *error)
{
    struct stat about = {.st_mode = 0};
    enum loss_status status = LOSS_OK;
    int fd;

    *file = (struct keyfile){.text = calloc(1, KEYFILE_BYTES_MAX + 2)};
    if (file->text == NULL)
        return loss_fail_memory(error);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make it wait */
    if (fd < 0 || fstat(fd, &about) != 0 || !read_all(fd, file))
        status = loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%.200s: cannot be read: %s", path,
                           strerror(errno));
    else if (file->length > KEYFILE_BYTES_MAX)
        status = loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%.200s: has more than %d bytes", path,
                           KEYFILE_BYTES_MAX);
    *mode = about.st_mode;
    if (fd >= 0)
        (void)close(fd);
    if (status != LOSS_OK)
        keyfile_wipe(file);
    return status;
}

enum loss_status keyfile_read(struct keyfile *file, const char *path, struct log *log,
                              struct loss_error *error)
{
    const struct log_field field = {"file", path, 0};
    mode_t mode;
    enum loss_status status = read_file(file, path, &mode, error);

    if (status == LOSS_OK && (mode & S_IROTH) != 0)
        log_write(log, LOG_WARNING, "everybody on this machine can read a secret", &field, 1);
    return status;
}

enum loss_status keyfile_read_public(struct keyfile *file, const char *path,
                                     struct loss_error *error)
{
    mode_t mode;

    return read_file(file, path, &mode, error);
}

void keyfile_wipe(struct keyfile *file)
{
    if (file->text != NULL)
        explicit_bzero(file->text, file->length);
    free(file->text);
    *file = (struct keyfile){.text = NULL};
}
