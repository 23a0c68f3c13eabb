/* confine.h - the running daemon may do no more to the machine than serving takes.
 *
 * Two steps.  Before any thread starts: no new privileges by executing anything, no core files and
 * no debugger of the same user (what is in memory is requests, tokens and keys), and no io_uring,
 * by whose rings libuv could pass around the second step.  After all threads have started: a filter
 * on the system calls of all of them.  It lets through what libmicrohttpd, libuv, GnuTLS and the C
 * library were seen to call while serving, reloading and stopping.  The rest by these rules:
 *
 * - What serving never does and no library tries by way of experiment kills the process: executing
 *   and forking, new sockets and connections, other processes' memory, mounting and the like.  Who
 *   gets there has taken over the process; a second try is not given.
 * - Files open for reading only, and memory is never made executable: otherwise EPERM.  A library
 *   may try that because of a variable in the environment (GnuTLS writes a log of keys), and copes
 *   when it is told no.
 * - One more thread is refused as if there were too many of them, EAGAIN.
 * - Everything else, limits that are set and signals to others among it, is ENOSYS: to a C library
 *   newer than this list that means an old kernel, and it takes the call it had used before.
 *
 * Neither step can be taken back.  The header says nothing of paths: what may be read is up to the
 * user that the daemon runs as, and to the mounts around it. */
#ifndef SERVER_CONFINE_H
#define SERVER_CONFINE_H

#include <stdbool.h>

#include "loss/status.h"

/* The words of the setting. */
enum confine { CONFINE_ON, CONFINE_OFF, CONFINE_REQUIRED };

/* The first step and the second.  False, with a sentence, where the kernel, a container or an
 * emulator refuses it, or the build has a sanitizer. */
bool confine_begin(struct loss_error *error);
bool confine_complete(struct loss_error *error);

#endif
