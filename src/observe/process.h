/* process.h - the process_* metrics that every Prometheus client has, read from /proc. */
#ifndef OBSERVE_PROCESS_H
#define OBSERVE_PROCESS_H

#include <stdbool.h>

#include "observe/metrics.h"

/* Register them; false if memory runs out.  What cannot be read is 0. */
bool process_register(struct metrics *metrics);

#endif
