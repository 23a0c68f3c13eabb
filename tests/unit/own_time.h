/* own_time.h - in the programs that the Makefile links it into, time is what they say it is. */
#ifndef UNIT_OWN_TIME_H
#define UNIT_OWN_TIME_H

#include <stdatomic.h>
#include <stdint.h>

/* What all clocks show. */
extern _Atomic uint64_t now_ns;

/* How often somebody gave way: sched_yield only counts. */
extern atomic_int yields;

#endif
