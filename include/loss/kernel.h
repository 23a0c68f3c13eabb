/* kernel.h - which of the compiled kernels an evaluation runs on.  All give the same bits. */
#ifndef LOSS_KERNEL_H
#define LOSS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The levels of this build, lowest first: "v2" "v3" "v4" of x86-64, or "native"
 * elsewhere.  NULL from the last on. */
const char *loss_kernel_name(size_t index);

/* Whether this CPU can run a level. */
bool loss_kernel_runs(size_t index);

/* Use the level of this name from now on, in all threads; "auto" is the highest that
 * runs here, and is what is used unless told otherwise.  False, with nothing changed, if
 * it is unknown or cannot run. */
bool loss_kernel_choose(const char *name);

/* The level in use. */
const char *loss_kernel_current(void);

#ifdef __cplusplus
}
#endif

#endif
