/* access.h - who may call: what the files named by the settings say, from the start or since they
 * were read again.  Any thread may ask, while another reads them again. */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "loss/status.h"
#include "observe/log.h"
#include "server/head.h"
#include "server/options.h"
#include "server/routes.h"
#include "server/tls.h"

struct access;

/* Read the files.  *options and *log must outlive it.  NULL, with a sentence, if one is not as it
 * should be; what is merely doubtful is logged. */
struct access *access_new(const struct server_options *options, struct log *log,
                          struct loss_error *error);
void access_free(struct access *access); /* NULL is allowed */

/* Read the files again: from then on what they say, or, if anything is wrong with one of them, what
 * was said before.  Logs which, and why. */
enum access_reload { ACCESS_RELOADED, ACCESS_KEPT, ACCESS_RELOAD_COUNT, ACCESS_NOTHING_TO_READ };
enum access_reload access_reload(struct access *access);

/* Whether connections use TLS; false without an access, NULL. */
bool access_uses_tls(const struct access *access);

/* What the next connection is to be given, with one holder more for the
 * caller; NULL without TLS. */
struct tls_identity *access_identity(struct access *access);

/* LOSS_OK, or LOSS_UNAUTHORIZED: the request shows no token, or its client no certificate, and
 * the route, which may be NULL for a path that is none, wants what is set.  Without an access,
 * NULL, everybody may call. */
enum loss_status access_check(struct access *access, const struct route *route,
                              const struct head *head, struct loss_error *error);

/* Log how many were refused, at most once a second; to be called every 100
 * ms or so, by one thread. */
void access_report(struct access *access, uint64_t now_ns);

/* Log what others can do where the daemon listens, if they can reach it: `host` is as in struct
 * listening. */
void access_warn(const struct access *access, const char *host);

#endif
