/* turns.h - threads that have much to do let others run in between.
 *
 * On few CPUs a thread that does not wait for anything keeps whoever else wants its CPU waiting,
 * until the kernel looks at its clock again: every 4 ms with a timer of 250 Hz.  A worker that
 * computes keeps event loops waiting so, and a loop that reads large bodies keeps other loops, the
 * workers, and clients on the same machine.  So they give way by themselves.  To yield costs a
 * thread what is left of its slice (Linux 6.18), milliseconds by default: beside other busy
 * processes it would hardly run.  So it first asks for the shortest slice there is, 0.1 ms
 * (Linux 6.12, sched_setattr(2)); who does not get it never yields.
 *
 * Times are those of clock.h. */
#ifndef SERVER_TURNS_H
#define SERVER_TURNS_H

#include <stdint.h>

/* This thread takes turns of this length from now on. */
void turns_join(uint64_t length_ns);

/* It has waited for something until now, and its turn begins. */
void turns_begin(uint64_t now_ns);

/* Between pieces of work: let others run if the turn was long enough, and begin another.  What time
 * it is after that.  Nothing on threads that have not joined. */
uint64_t turns_give_way(uint64_t now_ns);

#endif
