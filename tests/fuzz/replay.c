/* replay.c - feed every file of a directory to a fuzz target: `make check` needs no libFuzzer.
 *
 * Each input is a piece of the heap of just its size, so that
 * AddressSanitizer sees a byte too many. */
#include <dirent.h>
#include <string.h>

#include "fuzz/fuzz.h"

/* A target need not have it. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *count, char ***arguments);

static _Noreturn void fail(const char *path)
{
    perror(path);
    exit(1);
}

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    long size = -1;
    uint8_t *data;

    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0)
        fail(path);
    data = malloc((size_t)size);
    if (data == NULL || fread(data, 1, (size_t)size, file) != (size_t)size)
        fail(path);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
}

int main(int count, char **arguments)
{
    DIR *directory;
    const struct dirent *entry;
    unsigned files = 0;
    char path[1024];

    if (count != 2) {
        (void)fprintf(stderr, "usage: %s DIRECTORY\n", arguments[0]);
        return 2;
    }
    directory = opendir(arguments[1]);
    if (directory == NULL)
        fail(arguments[1]);
    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&count, &arguments);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", arguments[1], entry->d_name);
        /* Which file it was, should it be the last. */
        (void)printf("%s\n", path);
        (void)fflush(stdout);
        replay(path);
        files++;
    }
    (void)closedir(directory);
    (void)printf("%u files\n", files);
    return files == 0; /* a directory without any is the wrong one */
}
