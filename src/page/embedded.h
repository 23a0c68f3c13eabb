/* embedded.h - a file of the tree inside the program: the Makefile makes these of its bytes. */
#ifndef PAGE_EMBEDDED_H
#define PAGE_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const unsigned char *bytes; /* ends in no NUL */
    size_t length;
    /* Another one for other bytes; weak, because the same file is sent compressed too (an
     * entity-tag, RFC 9110, section 8.8.3). */
    const char *tag;
};

#endif
