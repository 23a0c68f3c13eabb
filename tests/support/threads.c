/* threads.c - the threads of a process. */
#include "support/threads.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

size_t threads_of(pid_t process, pid_t *threads, size_t room)
{
    size_t count = 0;
    char path[64];
    DIR *directory;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    directory = opendir(path);
    if (directory == NULL)
        return 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        if (count < room)
            threads[count] = atoi(entry->d_name);
        count++;
    }
    (void)closedir(directory);
    return count;
}
