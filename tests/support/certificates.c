/* certificates.c - keys and certificates of a test's own. */
#include "support/certificates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "support/folder.h"

enum { PAIRS_MAX = 16, NAME_BYTES = 32, DAY_S = 24 * 60 * 60 };

static struct pair {
    char name[NAME_BYTES];
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
} pairs[PAIRS_MAX];
static size_t pair_count;

static const struct pair *find(const char *name)
{
    for (size_t i = pair_count; i > 0; i--) { /* the newest of a name */
        if (strcmp(pairs[i - 1].name, name) == 0)
            return &pairs[i - 1];
    }
    fail_msg("%s was not made", name);
    return NULL;
}

static void set_use(gnutls_x509_crt_t certificate, enum certificate_use use)
{
    static const unsigned char loopback[] = {127, 0, 0, 1};

    assert_int_equal(gnutls_x509_crt_set_basic_constraints(certificate, use == FOR_SIGNING, -1), 0);
    assert_int_equal(gnutls_x509_crt_set_key_usage(certificate, use == FOR_SIGNING
                                                                    ? GNUTLS_KEY_KEY_CERT_SIGN
                                                                    : GNUTLS_KEY_DIGITAL_SIGNATURE),
                     0);
    if (use == FOR_SERVERS)
        assert_int_equal(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
                                                              loopback, sizeof loopback, 0),
                         0);
    if (use != FOR_SIGNING)
        assert_int_equal(
            gnutls_x509_crt_set_key_purpose_oid(
                certificate,
                use == FOR_SERVERS ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 0),
            0);
}

static void write_pair(const struct pair *pair)
{
    char name[NAME_BYTES + 8], path[FOLDER_PATH_BYTES];
    gnutls_datum_t text;

    assert_int_equal(gnutls_x509_crt_export2(pair->certificate, GNUTLS_X509_FMT_PEM, &text), 0);
    (void)snprintf(name, sizeof name, "%s.pem", pair->name);
    (void)folder_write(name, (const char *)text.data, path);
    gnutls_free(text.data);
    assert_int_equal(gnutls_x509_privkey_export2(pair->key, GNUTLS_X509_FMT_PEM, &text), 0);
    (void)snprintf(name, sizeof name, "%s.key", pair->name);
    (void)folder_write(name, (const char *)text.data, path);
    gnutls_free(text.data);
}

void certificate_make(const char *name, enum certificate_use use, const char *signer, int from_days,
                      int until_days)
{
    struct pair *pair = &pairs[pair_count];
    unsigned char serial = (unsigned char)(pair_count + 1);
    const struct pair *by = signer != NULL ? find(signer) : pair;
    time_t now = time(NULL);

    assert_true(pair_count < PAIRS_MAX);
    (void)snprintf(pair->name, sizeof pair->name, "%s", name);
    assert_int_equal(gnutls_x509_privkey_init(&pair->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(pair->key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                                  0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&pair->certificate), 0);
    assert_int_equal(gnutls_x509_crt_set_version(pair->certificate, 3), 0);
    assert_int_equal(gnutls_x509_crt_set_serial(pair->certificate, &serial, 1), 0);
    assert_int_equal(gnutls_x509_crt_set_dn_by_oid(pair->certificate, GNUTLS_OID_X520_COMMON_NAME,
                                                   0, name, (unsigned)strlen(name)),
                     0);
    assert_int_equal(
        gnutls_x509_crt_set_activation_time(pair->certificate, now + (time_t)from_days * DAY_S), 0);
    assert_int_equal(
        gnutls_x509_crt_set_expiration_time(pair->certificate, now + (time_t)until_days * DAY_S),
        0);
    set_use(pair->certificate, use);
    assert_int_equal(gnutls_x509_crt_set_key(pair->certificate, pair->key), 0);
    assert_int_equal(
        gnutls_x509_crt_sign2(pair->certificate, by->certificate, by->key, GNUTLS_DIG_SHA256, 0),
        0);
    pair_count++;
    write_pair(pair);
}

void certificates_forget(void)
{
    while (pair_count > 0) {
        pair_count--;
        gnutls_x509_crt_deinit(pairs[pair_count].certificate);
        gnutls_x509_privkey_deinit(pairs[pair_count].key);
    }
}
