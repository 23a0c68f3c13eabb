/* access.c - who may call. */
#include "server/access.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "server/keyfile.h"
#include "server/tokens.h"

enum { REPORT_MS = 1000 };

/* What the files say; constant once it is made. */
struct keys {
    struct tokens *tokens;         /* NULL: none are wanted */
    struct tls_identity *identity; /* NULL: no TLS */
};

struct access {
    const struct server_options *options;
    struct log *log;
    pthread_rwlock_t lock; /* guards the keys */
    struct keys keys;
    _Atomic uint64_t refused; /* since the last report */
    uint64_t reported_ns;     /* the last one, by the thread that reports */
};

static void free_keys(struct keys *keys)
{
    tokens_free(keys->tokens);
    tls_identity_release(keys->identity);
}

static enum loss_status read_tokens(const char *path, struct log *log, struct keys *keys,
                                    struct loss_error *error)
{
    struct keyfile file;
    enum loss_status status;

    if (path[0] == '\0')
        return LOSS_OK;
    if ((status = keyfile_read(&file, path, log, error)) != LOSS_OK)
        return status;
    keys->tokens = tokens_parse(path, file.text, file.length, error);
    keyfile_wipe(&file);
    return keys->tokens != NULL ? LOSS_OK : error->status;
}

static enum loss_status read_keys(const struct server_options *options, struct log *log,
                                  struct keys *keys, struct loss_error *error)
{
    enum loss_status status;

    *keys = (struct keys){.tokens = NULL};
    status = read_tokens(options->tokens_file, log, keys, error);
    if (status == LOSS_OK) {
        keys->identity = tls_identity_read(options, log, error);
        status = keys->identity != NULL ? LOSS_OK : error->status;
    }
    if (status != LOSS_OK)
        free_keys(keys);
    return status;
}

struct access *access_new(const struct server_options *options, struct log *log,
                          struct loss_error *error)
{
    struct access *access = calloc(1, sizeof *access);

    if (access == NULL || pthread_rwlock_init(&access->lock, NULL) != 0) {
        (void)loss_fail_memory(error);
        free(access);
        return NULL;
    }
    access->options = options;
    access->log = log;
    if (read_keys(options, log, &access->keys, error) == LOSS_OK)
        return access;
    access_free(access);
    return NULL;
}

void access_free(struct access *access)
{
    if (access == NULL)
        return;
    free_keys(&access->keys);
    (void)pthread_rwlock_destroy(&access->lock);
    free(access);
}

enum access_reload access_reload(struct access *access)
{
    struct loss_error error;
    struct keys fresh, old;

    if (access->options->tokens_file[0] == '\0' && !access_uses_tls(access)) {
        log_write(access->log, LOG_INFO, "nothing to reload: no setting names a file of keys", NULL,
                  0);
        return ACCESS_NOTHING_TO_READ;
    }
    if (read_keys(access->options, access->log, &fresh, &error) != LOSS_OK) {
        const struct log_field why = {"reason", error.sentence, 0};

        log_write(access->log, LOG_ERROR, "not reloaded: the old keys stay", &why, 1);
        return ACCESS_KEPT;
    }
    (void)pthread_rwlock_wrlock(&access->lock);
    old = access->keys;
    access->keys = fresh;
    (void)pthread_rwlock_unlock(&access->lock);
    free_keys(&old);
    const struct log_field count = {"tokens", NULL,
                                    fresh.tokens != NULL ? (double)tokens_count(fresh.tokens) : 0};
    log_write(access->log, LOG_INFO, "reloaded", &count, 1);
    return ACCESS_RELOADED;
}

bool access_uses_tls(const struct access *access)
{
    return access != NULL && access->options->tls_certificate_file[0] != '\0';
}

struct tls_identity *access_identity(struct access *access)
{
    struct tls_identity *identity;

    if (!access_uses_tls(access))
        return NULL;
    (void)pthread_rwlock_rdlock(&access->lock);
    identity = access->keys.identity;
    tls_identity_hold(identity);
    (void)pthread_rwlock_unlock(&access->lock);
    return identity;
}

/* Whether the value of a header Authorization is right. */
static bool shows_token(struct access *access, const char *authorization)
{
    size_t length;
    const char *token = tokens_bearer(authorization, &length);
    bool found;

    if (token == NULL)
        return false;
    (void)pthread_rwlock_rdlock(&access->lock);
    found = tokens_include(access->keys.tokens, token, length);
    (void)pthread_rwlock_unlock(&access->lock);
    return found;
}

static bool is_open(const struct access *access, const struct route *route)
{
    if (route == NULL || route->access == ROUTE_WANTS_TOKEN)
        return false;
    return route->access != ROUTE_IS_METRICS || access->options->metrics_access == METRICS_ARE_OPEN;
}

enum loss_status access_check(struct access *access, const struct route *route,
                              const struct head *head, struct loss_error *error)
{
    const char *fault = NULL;

    if (access == NULL || is_open(access, route))
        return LOSS_OK;
    if (access->options->tls_client_ca_file[0] != '\0' && !head->has_certificate)
        fault = "a certificate is needed, of an authority that is known here";
    else if (access->options->tokens_file[0] == '\0')
        return LOSS_OK;
    else if (head->authorizations == 0)
        fault = "a token is needed: the header Authorization, with Bearer and the token";
    else if (head->authorizations > 1 || !shows_token(access, head->authorization))
        fault = "the header Authorization is not Bearer and one of the tokens";
    if (fault == NULL)
        return LOSS_OK;
    access->refused++;
    return loss_fail(error, LOSS_UNAUTHORIZED, NULL, "%s", fault);
}

void access_report(struct access *access, uint64_t now_ns)
{
    struct log_field count = {"requests", NULL, 0};
    uint64_t refused;

    if (access == NULL || access->refused == 0 ||
        now_ns - access->reported_ns < REPORT_MS * (uint64_t)1000000)
        return;
    refused = atomic_exchange(&access->refused, 0);
    access->reported_ns = now_ns;
    count.number = (double)refused;
    log_write(access->log, LOG_WARNING, "refused: unauthorized", &count, 1);
}

/* Whether what listens there can be reached from this machine alone, as paths can. */
static bool is_local(const char *host)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    return inet_pton(AF_INET6, host, &v6) != 1 || IN6_IS_ADDR_LOOPBACK(&v6) ||
           (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == IN_LOOPBACKNET);
}

void access_warn(const struct access *access, const char *host)
{
    const struct server_options *options = access->options;
    const struct log_field address = {"address", host, 0};

    if (is_local(host))
        return;
    if (options->tokens_file[0] == '\0' && options->tls_client_ca_file[0] == '\0')
        log_write(access->log, LOG_WARNING,
                  "anyone who can reach this address may use it: there is neither tokens_file nor "
                  "tls_client_ca_file",
                  &address, 1);
    if (options->tokens_file[0] != '\0' && !access_uses_tls(access))
        log_write(access->log, LOG_INFO,
                  "tokens and data are not encrypted here: there is no tls_certificate_file",
                  &address, 1);
}
