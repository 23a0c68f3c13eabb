/* zipped.h - bodies in gzip and deflate, by zlib itself. */
#ifndef SUPPORT_ZIPPED_H
#define SUPPORT_ZIPPED_H

#include <stddef.h>

enum zip { ZIP_GZIP, ZIP_DEFLATE, ZIP_RAW /* the latter without header and checksum */ };

/* Bytes, to be freed, with a NUL after them. */
struct zipped {
    char *bytes;
    size_t length;
};

/* `times` copies of some bytes as one stream; memory, or the end. */
struct zipped zip(const char *bytes, size_t length, enum zip kind, size_t times);

/* What a whole stream holds; bytes NULL if it is none. */
struct zipped unzip(const char *bytes, size_t length, enum zip kind);

#endif
