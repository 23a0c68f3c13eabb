/* tls.h - TLS 1.2 and 1.3 on the server's connections.
 *
 * libmicrohttpd runs the sessions, GnuTLS's; here is what each is given when it begins: the
 * server's certificate, whom to believe, and how to reach the socket.  tls.c and
 * tls_client.c alone know GnuTLS. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loss/status.h"
#include "observe/log.h"
#include "server/options.h"

/* A certificate with its key, and perhaps the authorities that sign those of clients.  It never
 * changes: when the files are read again there is a new one, and connections that have begun go on
 * with the old one.  So its holders are counted; any thread may hold and release. */
struct tls_identity;

/* From the files of the settings, with one holder; doubts are logged.  NULL, with a sentence, if
 * anything is wrong, and for no certificate at all, with error->status LOSS_OK. */
struct tls_identity *tls_identity_read(const struct server_options *options, struct log *log,
                                       struct loss_error *error);
void tls_identity_hold(struct tls_identity *identity);
void tls_identity_release(struct tls_identity *identity); /* NULL is allowed */

/* The TLS side of a connection; all zeros if there is none.  It must stay where it is. */
struct tls_link {
    struct tls_identity *identity;
    void *session;
    int fd;
    uint64_t *moved;      /* counts what is read from the socket or written to it */
    bool has_certificate; /* the client showed one that an authority of ours has signed */
};

/* Take a session that has not begun.  Without an identity, NULL, its handshake fails. */
void tls_attach(struct tls_link *link, void *session, int fd, struct tls_identity *identity,
                uint64_t *moved);

/* The session is gone. */
void tls_detach(struct tls_link *link);

/* Send a last message past libmicrohttpd, as far as the socket takes it, and close the TLS side.
 * Nothing is sent before the handshake is complete. */
void tls_say_last(const struct tls_link *link, const char *text, size_t length);

/* For libmicrohttpd: which versions and ciphers sessions take, and the certificate, a
 * gnutls_certificate_retrieve_function2, of those that were not attached: none. */
extern const char tls_priorities[];
extern void (*const tls_no_certificate)(void);

/* Send a request over a connected socket that blocks, and read the beginning of the reply, a string
 * of at most size - 1 characters; "" if there is none.  Whose certificate it is does not matter:
 * this asks the program's own host how it is. */
void tls_ask(int fd, const char *request, char *reply, size_t size);

#endif
