/* folder.h - a folder of a test's own, for files that a program reads by their paths. */
#ifndef SUPPORT_FOLDER_H
#define SUPPORT_FOLDER_H

enum { FOLDER_PATH_BYTES = 512 };

/* Make one where temporary files go; fails the test if that is impossible. */
void folder_make(void);

/* The path of a file in it, or of itself by "."; copied to path[FOLDER_PATH_BYTES]. */
const char *folder_path(const char *name, char *path);

/* Put a file there that only its owner can read, or put it in the place of the one that was there,
 * at once; its path as above. */
const char *folder_write(const char *name, const char *text, char *path);

/* Remove it, and what was written to it. */
void folder_remove(void);

/* Remove it; fails the test if something is left there. */
void folder_remove_empty(void);

#endif
