/* version.c - which lossd this is; the Makefile says so. */
#include "version.h"

const char version_number[] = LOSSD_VERSION;
const char version_revision[] = LOSSD_REVISION;
