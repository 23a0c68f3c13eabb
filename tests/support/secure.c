/* secure.c - TLS on a raw socket. */
#include "support/secure.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "support/daemon.h"
#include "support/texts.h"

/* Reads give up after so long; for what sets no other time. */
static void be_patient(int fd, unsigned ms)
{
    const struct timeval patience = {.tv_sec = ms / 1000,
                                     .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

void secure_open(struct secure *secure, unsigned port, const char *priorities)
{
    gnutls_certificate_credentials_t nobody;
    gnutls_session_t session;
    int result;

    *secure = (struct secure){.alert = -1};
    raw_open(&secure->raw, port);
    be_patient(secure->raw.fd, RAW_MS);
    if (gnutls_certificate_allocate_credentials(&nobody) != 0 ||
        gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL) != 0)
        abort();
    secure->session = session;
    secure->credentials = nobody;
    if (gnutls_priority_set_direct(session, priorities, NULL) != 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, nobody) != 0)
        abort();
    gnutls_transport_set_int(session, secure->raw.fd);
    do {
        result = gnutls_handshake(session);
    } while (result == GNUTLS_E_INTERRUPTED);
    secure->is_open = result == GNUTLS_E_SUCCESS;
    if (result == GNUTLS_E_FATAL_ALERT_RECEIVED)
        secure->alert = (int)gnutls_alert_get(session);
}

void secure_close(struct secure *secure)
{
    if (secure->session != NULL)
        gnutls_deinit(secure->session);
    if (secure->credentials != NULL)
        gnutls_certificate_free_credentials(secure->credentials);
    raw_close(&secure->raw);
    *secure = (struct secure){.raw.fd = -1};
}

bool secure_say(struct secure *secure, const char *text)
{
    return gnutls_record_send(secure->session, text, strlen(text)) == (ssize_t)strlen(text);
}

const char *secure_read_all(struct secure *secure, unsigned timeout_ms, bool *closed)
{
    struct raw *raw = &secure->raw;
    double deadline = clock_ms() + timeout_ms;
    ssize_t count = 1;

    be_patient(raw->fd, timeout_ms);
    while ((count > 0 || count == GNUTLS_E_INTERRUPTED) && clock_ms() < deadline) {
        char bytes[16 * 1024];

        count = gnutls_record_recv(secure->session, bytes, sizeof bytes);
        if (count > 0)
            text_append(&raw->bytes, &raw->length, &raw->room, bytes, (size_t)count);
    }
    *closed = count == 0;
    return raw->bytes;
}
