/* commands.h - what lossd does when it is not the daemon.  Each returns the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "config.h"

/* Evaluate one body, from a file or, for NULL or "-", from standard input, and print the reply; or
 * a line about the error on standard error, and 1. */
int command_evaluate(const struct config *config, const char *path);

/* Ask the daemon of this configuration whether it is ready: 0 if so, else 1 and a line why not. */
int command_healthcheck(const struct config *config);

/* The end of a command whose output is what was wanted of it: 0 if all of it could be written, else
 * 1 and a line why not. */
int command_finish_output(void);

#endif
