/* tls.c - TLS on the server's connections, by GnuTLS. */
#include "server/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "server/keyfile.h"

/* Older versions are broken; what GnuTLS takes for weak it leaves out by itself. */
const char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct tls_identity {
    gnutls_certificate_credentials_t credentials;
    bool asks_clients; /* for a certificate */
    atomic_uint holders;
};

/* ---- identities ------------------------------------------------------------------------------ */

static gnutls_datum_t datum_of(const struct keyfile *file)
{
    return (gnutls_datum_t){(unsigned char *)file->text, (unsigned)file->length};
}

static void warn_of_time(const char *event, const char *path, time_t time, struct log *log)
{
    char day[32] = "";
    const struct log_field fields[] = {{"file", path, 0}, {"day", day, 0}};
    struct tm utc;

    if (gmtime_r(&time, &utc) != NULL)
        (void)strftime(day, sizeof day, "%Y-%m-%d", &utc);
    log_write(log, LOG_WARNING, event, fields, 2);
}

/* A chain of certificates: the server's own is the first.  *count of them, to be freed. */
static enum loss_status read_chain(const char *path, struct log *log, gnutls_x509_crt_t **chain,
                                   unsigned *count, struct loss_error *error)
{
    time_t now = time(NULL), begin, end;
    struct keyfile file;
    gnutls_datum_t text;
    int result;

    if (keyfile_read_public(&file, path, error) != LOSS_OK)
        return error->status;
    text = datum_of(&file);
    result = gnutls_x509_crt_list_import2(chain, count, &text, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_SORT);
    keyfile_wipe(&file);
    if (result < 0)
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "%.200s: is no certificate in PEM, or chain of them: %s", path,
                         gnutls_strerror(result));
    begin = gnutls_x509_crt_get_activation_time((*chain)[0]);
    end = gnutls_x509_crt_get_expiration_time((*chain)[0]);
    if (now < begin)
        warn_of_time("the certificate is not valid yet", path, begin, log);
    if (now > end)
        warn_of_time("the certificate has expired", path, end, log);
    return LOSS_OK;
}

static enum loss_status read_key(const char *path, struct log *log, gnutls_x509_privkey_t key,
                                 struct loss_error *error)
{
    struct keyfile file;
    gnutls_datum_t text;
    int result;

    if (keyfile_read(&file, path, log, error) != LOSS_OK)
        return error->status;
    text = datum_of(&file);
    result = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    keyfile_wipe(&file);
    if (result < 0)
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "%.200s: is no private key in PEM without a password: %s", path,
                         gnutls_strerror(result));
    return LOSS_OK;
}

static enum loss_status read_pair(struct tls_identity *identity,
                                  const struct server_options *options, struct log *log,
                                  struct loss_error *error)
{
    gnutls_x509_crt_t *chain = NULL;
    gnutls_x509_privkey_t key = NULL;
    unsigned count = 0;
    enum loss_status status;
    int result;

    if (gnutls_x509_privkey_init(&key) < 0)
        return loss_fail_memory(error);
    status = read_chain(options->tls_certificate_file, log, &chain, &count, error);
    if (status == LOSS_OK)
        status = read_key(options->tls_key_file, log, key, error);
    if (status == LOSS_OK) {
        result = gnutls_certificate_set_x509_key(identity->credentials, chain, (int)count, key);
        if (result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
            status = loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                               "%.130s: is not the key of the certificate in %.130s",
                               options->tls_key_file, options->tls_certificate_file);
        else if (result < 0)
            status = loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%.200s: cannot be used: %s",
                               options->tls_certificate_file, gnutls_strerror(result));
    }
    for (unsigned i = 0; i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    gnutls_x509_privkey_deinit(key);
    return status;
}

static enum loss_status read_authorities(struct tls_identity *identity, const char *path,
                                         struct loss_error *error)
{
    struct keyfile file;
    gnutls_datum_t text;
    int result;

    if (keyfile_read_public(&file, path, error) != LOSS_OK)
        return error->status;
    text = datum_of(&file);
    result =
        gnutls_certificate_set_x509_trust_mem(identity->credentials, &text, GNUTLS_X509_FMT_PEM);
    keyfile_wipe(&file);
    if (result <= 0)
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%.200s: has no certificate in PEM%s%s",
                         path, result < 0 ? ": " : "", result < 0 ? gnutls_strerror(result) : "");
    identity->asks_clients = true;
    return LOSS_OK;
}

/* Which settings there must be beside each other. */
static enum loss_status check_settings(const struct server_options *options,
                                       struct loss_error *error)
{
    bool has_certificate = options->tls_certificate_file[0] != '\0';

    if (has_certificate != (options->tls_key_file[0] != '\0'))
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL, "%s is set, so %s must be, too",
                         has_certificate ? "tls_certificate_file" : "tls_key_file",
                         has_certificate ? "tls_key_file" : "tls_certificate_file");
    if (!has_certificate && options->tls_client_ca_file[0] != '\0')
        return loss_fail(error, LOSS_INTERNAL_ERROR, NULL,
                         "tls_client_ca_file is set, so tls_certificate_file and tls_key_file must "
                         "be, too");
    return LOSS_OK;
}

struct tls_identity *tls_identity_read(const struct server_options *options, struct log *log,
                                       struct loss_error *error)
{
    struct tls_identity *identity;

    error->status = check_settings(options, error);
    if (error->status != LOSS_OK || options->tls_certificate_file[0] == '\0')
        return NULL;
    identity = calloc(1, sizeof *identity);
    if (identity == NULL || gnutls_certificate_allocate_credentials(&identity->credentials) < 0) {
        free(identity);
        (void)loss_fail_memory(error);
        return NULL;
    }
    identity->holders = 1;
    if (read_pair(identity, options, log, error) == LOSS_OK &&
        (options->tls_client_ca_file[0] == '\0' ||
         read_authorities(identity, options->tls_client_ca_file, error) == LOSS_OK))
        return identity;
    tls_identity_release(identity);
    return NULL;
}

void tls_identity_hold(struct tls_identity *identity)
{
    identity->holders++;
}

void tls_identity_release(struct tls_identity *identity)
{
    if (identity == NULL || --identity->holders > 0)
        return;
    gnutls_certificate_free_credentials(identity->credentials);
    free(identity);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static ssize_t pull(gnutls_transport_ptr_t transport, void *bytes, size_t size)
{
    const struct tls_link *link = transport;
    ssize_t count = recv(link->fd, bytes, size, 0);

    *link->moved += count > 0;
    return count;
}

static ssize_t push(gnutls_transport_ptr_t transport, const giovec_t *pieces, int count)
{
    const struct tls_link *link = transport;
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, /* the same by design */
                             .msg_iovlen = (size_t)count};
    ssize_t sent = sendmsg(link->fd, &message, MSG_NOSIGNAL);

    *link->moved += sent > 0;
    return sent;
}

static int wait_readable(gnutls_transport_ptr_t transport, unsigned ms)
{
    const struct tls_link *link = transport;
    struct pollfd readable = {.fd = link->fd, .events = POLLIN};

    return poll(&readable, 1, (int)ms);
}

/* A client may show no certificate, which routes then see; but not one that cannot be believed.
 * The library sends no alert for that by itself. */
static int verify(gnutls_session_t session)
{
    static gnutls_typed_vdata_st purpose = {
        GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    struct tls_link *link = gnutls_transport_get_ptr(session);
    unsigned count = 0, faults = 0;

    if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0)
        return 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &faults) == 0 && faults == 0) {
        link->has_certificate = true;
        return 0;
    }
    (void)gnutls_alert_send(session, GNUTLS_AL_FATAL, GNUTLS_A_BAD_CERTIFICATE);
    return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

void tls_attach(struct tls_link *link, void *session, int fd, struct tls_identity *identity,
                uint64_t *moved)
{
    if (identity == NULL)
        return;
    *link = (struct tls_link){identity, session, fd, moved, false};
    /* In the place of libmicrohttpd's own, which has no certificate; a list of one never grows. */
    (void)gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials);
    gnutls_transport_set_ptr(session, link);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, wait_readable);
    gnutls_transport_set_vec_push_function(session, push);
    if (!identity->asks_clients)
        return;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    gnutls_session_set_verify_function(session, verify);
}

void tls_detach(struct tls_link *link)
{
    tls_identity_release(link->identity);
    *link = (struct tls_link){.identity = NULL};
}

void tls_say_last(const struct tls_link *link, const char *text, size_t length)
{
    if (gnutls_record_send(link->session, text, length) > 0)
        (void)gnutls_bye(link->session, GNUTLS_SHUT_WR);
}

/* ---- what libmicrohttpd wants ---------------------------------------------------------------- */

static int decline(gnutls_session_t session, const gnutls_datum_t *authorities, int authority_count,
                   const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
                   gnutls_pcert_st **chain, unsigned *count, gnutls_privkey_t *key)
{
    (void)session;
    (void)authorities;
    (void)authority_count;
    (void)algorithms;
    (void)algorithm_count;
    (void)chain;
    (void)count;
    (void)key;
    return -1;
}

void (*const tls_no_certificate)(void) = (void (*)(void))decline;
