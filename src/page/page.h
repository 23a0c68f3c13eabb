/* page.h - the files of the web page. */
#ifndef PAGE_PAGE_H
#define PAGE_PAGE_H

#include "page/embedded.h"

struct page_file {
    const char *name; /* as the page calls it; "" is the page itself */
    const char *media_type;
    const struct embedded *content;
};

/* NULL if there is none. */
const struct page_file *page_find(const char *name);

#endif
