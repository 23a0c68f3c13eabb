/* test_access.c - who may call, by route and token, and what a reload changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/access.h"
#include "server/keyfile.h"
#include "support/certificates.h"
#include "support/folder.h"

#define OLD "old-token-0123456789"
#define NEW "new-token-0123456789"

#define NO_TLS .tls_certificate_file = "", .tls_key_file = "", .tls_client_ca_file = ""

static struct log silent = {.level = LOG_ERROR + 1};

/* What a request for this path with this header, or none, comes to. */
static enum loss_status judge(struct access *access, const char *path, const char *authorization,
                              struct loss_error *error)
{
    const struct head head = {.authorization = authorization,
                              .authorizations = authorization != NULL};
    struct route_names names;

    error->status = LOSS_OK;
    return access_check(access, route_row(route_find(path, &names)), &head, error);
}

static enum loss_status ask(struct access *access, const char *path, const char *authorization)
{
    struct loss_error error = {.sentence = ""};
    enum loss_status status = judge(access, path, authorization, &error);

    assert_int_equal(status, error.status);
    assert_null(strstr(error.sentence, "token-0"));
    return status;
}

static int make(void **state)
{
    (void)state;
    folder_make();
    return 0;
}

static int clean(void **state)
{
    (void)state;
    folder_remove();
    return 0;
}

static void without_tokens_everybody_may_call(void **state)
{
    const struct server_options options = {.tokens_file = "", NO_TLS};
    struct loss_error error;
    struct access *access = access_new(&options, &silent, &error);

    (void)state;
    assert_int_equal(ask(access, "/v1/evaluate", NULL), LOSS_OK);
    assert_int_equal(ask(access, "/v1/evaluate", "Basic x"), LOSS_OK);
    assert_int_equal(ask(NULL, "/v1/evaluate", NULL), LOSS_OK);
    assert_int_equal(access_reload(access), ACCESS_NOTHING_TO_READ);
    access_free(access);
    access_free(NULL);
}

static void tokens_open_what_is_closed(void **state)
{
    static const struct {
        const char *path;
        bool open, open_if_set;
    } rows[] = {
        {"/livez", true, true},          {"/readyz", true, true},
        {"/v2/health/live", true, true}, {"/v2/health/ready", true, true},
        {"/metrics", false, true},       {"/v1/evaluate", false, false},
        {"/openapi.json", false, false}, {"/v1/version", false, false},
        {"/v2", false, false},           {"/v2/models/nll_loss/infer", false, false},
        {"/nothing", false, false},      {"/v2/models/nll_loss/ready", false, false},
        {"/livez/", false, false},       {"/v2/models/livez", false, false},
    };
    static const char *const wrong[] = {NULL, "", "Bearer", OLD, "Bearer " NEW, "Basic " OLD};
    char path[FOLDER_PATH_BYTES];
    struct server_options options = {.tokens_file = folder_write("tokens", OLD "\n", path), NO_TLS};
    struct loss_error error;

    (void)state;
    for (int open = 0; open < 2; open++) {
        struct access *access;

        options.metrics_access = open == 0 ? METRICS_WANT_TOKEN : METRICS_ARE_OPEN;
        access = access_new(&options, &silent, &error);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            bool want = open == 0 ? rows[i].open : rows[i].open_if_set;

            assert_int_equal(ask(access, rows[i].path, "Bearer " OLD), LOSS_OK);
            for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
                if ((ask(access, rows[i].path, wrong[w]) == LOSS_OK) != want)
                    fail_msg("%s with %s", rows[i].path, wrong[w] != NULL ? wrong[w] : "none");
            }
        }
        access_free(access);
    }
}

/* Two headers may be read differently by a proxy: not even twice the right one is taken. */
static void one_header_counts_and_no_more(void **state)
{
    char path[FOLDER_PATH_BYTES];
    const struct server_options options = {.tokens_file = folder_write("tokens", OLD, path),
                                           NO_TLS};
    struct head head = {.authorization = NULL};
    struct loss_error error;
    struct access *access = access_new(&options, &silent, &error);

    (void)state;
    head_note(&head, "authorization", 13, "Bearer " OLD);
    assert_int_equal(access_check(access, NULL, &head, &error), LOSS_OK);
    head_note(&head, "Authorization", 13, "Bearer " OLD);
    assert_int_equal(access_check(access, NULL, &head, &error), LOSS_UNAUTHORIZED);
    access_free(access);
}

static void a_reload_takes_all_or_nothing(void **state)
{
    static const char *const broken[] = {"", "short", NEW "\nnot a token\n"};
    char path[FOLDER_PATH_BYTES];
    const struct server_options options = {.tokens_file = folder_write("tokens", OLD, path),
                                           NO_TLS};
    struct loss_error error;
    struct access *access = access_new(&options, &silent, &error);

    (void)state;
    (void)folder_write("tokens", OLD "\n" NEW "\n", path);
    assert_int_equal(ask(access, "/v2", "Bearer " NEW), LOSS_UNAUTHORIZED); /* not yet */
    assert_int_equal(access_reload(access), ACCESS_RELOADED);
    assert_int_equal(ask(access, "/v2", "Bearer " OLD), LOSS_OK);
    assert_int_equal(ask(access, "/v2", "Bearer " NEW), LOSS_OK);
    (void)folder_write("tokens", NEW "\n", path);
    assert_int_equal(access_reload(access), ACCESS_RELOADED);
    assert_int_equal(ask(access, "/v2", "Bearer " OLD), LOSS_UNAUTHORIZED);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        (void)folder_write("tokens", broken[i], path);
        assert_int_equal(access_reload(access), ACCESS_KEPT);
        assert_int_equal(ask(access, "/v2", "Bearer " NEW), LOSS_OK);
    }
    assert_int_equal(remove(path), 0);
    assert_int_equal(access_reload(access), ACCESS_KEPT);
    assert_int_equal(ask(access, "/v2", "Bearer " NEW), LOSS_OK);
    assert_int_equal(ask(access, "/v2", NULL), LOSS_UNAUTHORIZED);
    access_free(access);
}

struct asker {
    pthread_t thread;
    struct access *access;
    atomic_bool *stopping;
    size_t refused;
};

static void *keep_asking(void *argument)
{
    struct asker *asker = argument;
    struct loss_error error;

    while (!*asker->stopping) {
        asker->refused += judge(asker->access, "/v2", "Bearer " OLD, &error) != LOSS_OK;
        asker->refused += judge(asker->access, "/v2", "Bearer " NEW, &error) == LOSS_OK;
        tls_identity_release(access_identity(asker->access));
    }
    return NULL;
}

/* Several threads ask, and begin connections, while another one reloads. */
static void reloads_do_not_disturb_who_asks(void **state)
{
    enum { ASKERS = 3, RELOADS = 100 };
    char path[FOLDER_PATH_BYTES], pem[FOLDER_PATH_BYTES], key[FOLDER_PATH_BYTES];
    char same[FOLDER_PATH_BYTES]; /* path itself is being looked at by others */
    struct server_options options = {.tokens_file = folder_write("tokens", OLD, path), NO_TLS};
    struct asker askers[ASKERS];
    atomic_bool stopping = false;
    struct loss_error error;
    struct access *access;

    (void)state;
    certificate_make("server", FOR_SERVERS, NULL, -1, 1);
    options.tls_certificate_file = folder_path("server.pem", pem);
    options.tls_key_file = folder_path("server.key", key);
    access = access_new(&options, &silent, &error);
    assert_non_null(access);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.access = access, .stopping = &stopping};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, keep_asking, &askers[i]), 0);
    }
    for (int i = 0; i < RELOADS; i++) {
        (void)folder_write("tokens", i % 2 == 0 ? "short" : OLD "\nyet-" OLD, same);
        assert_int_equal(access_reload(access), i % 2 == 0 ? ACCESS_KEPT : ACCESS_RELOADED);
    }
    stopping = true;
    for (int i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].refused, 0);
    }
    access_free(access);
    certificates_forget();
}

static void files_that_cannot_be_read_are_named(void **state)
{
    static const struct {
        const char *path, *says;
    } rows[] = {
        {"/nowhere/tokens", "/nowhere/tokens: cannot be read: No such file or directory"},
        {"/", "/: cannot be read: Is a directory"},
    };
    struct loss_error error;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct server_options options = {.tokens_file = rows[i].path, NO_TLS};

        assert_null(access_new(&options, &silent, &error));
        assert_string_equal(error.sentence, rows[i].says);
    }
}

/* The largest file, and one byte more. */
static void files_have_a_limit(void **state)
{
    char *text = malloc(KEYFILE_BYTES_MAX + 2), path[FOLDER_PATH_BYTES];
    struct loss_error error;
    struct keyfile file;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', KEYFILE_BYTES_MAX + 1);
    text[KEYFILE_BYTES_MAX] = '\0';
    (void)folder_write("large", text, path);
    assert_int_equal(keyfile_read(&file, path, &silent, &error), LOSS_OK);
    assert_int_equal(file.length, KEYFILE_BYTES_MAX);
    assert_int_equal(file.text[file.length], '\0');
    keyfile_wipe(&file);
    assert_null(file.text);
    memcpy(text + KEYFILE_BYTES_MAX, "x", 2);
    (void)folder_write("large", text, path);
    assert_int_equal(keyfile_read_public(&file, path, &error), LOSS_INTERNAL_ERROR);
    assert_non_null(strstr(error.sentence, "has more than 1048576 bytes"));
    assert_null(file.text);
    keyfile_wipe(&file);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tokens_everybody_may_call),
        cmocka_unit_test(tokens_open_what_is_closed),
        cmocka_unit_test(one_header_counts_and_no_more),
        cmocka_unit_test(a_reload_takes_all_or_nothing),
        cmocka_unit_test(reloads_do_not_disturb_who_asks),
        cmocka_unit_test(files_that_cannot_be_read_are_named),
        cmocka_unit_test(files_have_a_limit),
    };

    return cmocka_run_group_tests(tests, make, clean);
}
