/* alive.h - whether a daemon is still well after what a test did to it. */
#ifndef SUPPORT_ALIVE_H
#define SUPPORT_ALIVE_H

/* Fails the test, naming what was done, unless the daemon answers and nothing is left in flight. */
void check_alive(unsigned port, const char *name);

#endif
