/* folder.c - a folder of a test's own. */
#include "support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[FOLDER_PATH_BYTES / 4];

void folder_make(void)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folder, sizeof folder, "%s/lossd-test-XXXXXX",
                   parent != NULL && strlen(parent) < sizeof folder / 2 ? parent : "/tmp");
    if (mkdtemp(folder) == NULL)
        fail_msg("%s cannot be made", folder);
}

const char *folder_path(const char *name, char *path)
{
    (void)snprintf(path, FOLDER_PATH_BYTES, "%s/%s", folder, name);
    return path;
}

const char *folder_write(const char *name, const char *text, char *path)
{
    char fresh[FOLDER_PATH_BYTES];
    size_t length = strlen(text);
    int fd = open(folder_path("fresh", fresh), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(fresh, folder_path(name, path)), 0);
    return path;
}

void folder_remove(void)
{
    DIR *files = opendir(folder);
    char path[FOLDER_PATH_BYTES];

    for (struct dirent *file = files != NULL ? readdir(files) : NULL; file != NULL;
         file = readdir(files)) {
        if (file->d_type == DT_REG)
            (void)unlink(folder_path(file->d_name, path));
    }
    if (files != NULL)
        (void)closedir(files);
    (void)rmdir(folder);
}

void folder_remove_empty(void)
{
    assert_int_equal(rmdir(folder), 0);
}
