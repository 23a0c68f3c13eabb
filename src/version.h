/* version.h - which lossd this is. */
#ifndef VERSION_H
#define VERSION_H

extern const char version_number[];   /* "1.2.3" */
extern const char version_revision[]; /* of the sources, as git names it, or "unknown" */

#endif
