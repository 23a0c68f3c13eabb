/* test_negotiate.c - which form and which coding a client gets for what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "server/negotiate.h"

/* Forms of metrics, as a server has them. */
enum { TEXT_0, TEXT_1, OPENMETRICS, NONE = -1 };
static const struct offer metrics[] = {
    {"text/plain", "version=0.0.4"},
    {"text/plain", "version=1.0.0"},
    {"application/openmetrics-text", "version=1.0.0"},
};

static const struct {
    const char *accept;
    int want;
} metrics_rows[] = {
    {NULL, TEXT_0},
    {"", TEXT_0},
    {" \t", TEXT_0},
    {",, ,", TEXT_0},
    /* Prometheus 3, 2 and 2 before it had OpenMetrics; the scrapers of others */
    {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "application/openmetrics-text;version=0.0.1;q=0.4,"
     "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     OPENMETRICS},
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     OPENMETRICS},
    {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     TEXT_0},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.7,text/plain;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
     TEXT_1},
    {"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5", TEXT_1},
    /* curl, a browser, Go and Python, and Java before 19 */
    {"*/*", TEXT_0},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
     TEXT_0},
    {"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TEXT_0},
    /* the offer that is named more closely, and only then the first */
    {"text/plain", TEXT_0},
    {"text/plain;version=1.0.0", TEXT_1},
    {"text/plain;version=1.0.0,text/plain", TEXT_1},
    {"text/plain,text/plain;version=1.0.0", TEXT_1},
    {"text/plain;version=1.0.0;q=0.5,text/plain", TEXT_0},
    {"text/*", TEXT_0},
    {"text/*,application/openmetrics-text", OPENMETRICS},
    {"*/*,text/plain;version=1.0.0", TEXT_1},
    {"*/*,application/*", OPENMETRICS},
    {"application/*;q=0.9,*/*;q=0.8", OPENMETRICS},
    {"application/openmetrics-text;q=0.9,*/*;q=0.8", OPENMETRICS},
    {"application/openmetrics-text", OPENMETRICS},
    /* what is named closely counts, though a wider range has another quality */
    {"text/plain;version=0.0.4;q=0.1,text/plain;version=1.0.0;q=0.2,*/*", OPENMETRICS},
    {"*/*,text/plain;q=0.5,application/*;q=0.6", OPENMETRICS},
    {"text/plain;q=0.5,text/*;q=0.9,application/*;q=0.6", OPENMETRICS},
    {"text/plain;q=0.5,text/plain;q=0.7,application/*;q=0.6", TEXT_0},
    {"text/plain;q=0.7,text/plain;q=0.5,application/*;q=0.6", TEXT_0},
    {"text/plain;version=1.0.0;q=0,text/plain;q=0.5", TEXT_0},
    {"text/plain;version=0.0.4;q=0,text/plain;q=0.5", TEXT_1},
    {"text/plain;q=0,*/*;q=0.001", OPENMETRICS},
    {"text/plain;q=0.0,*/*;q=0.001", OPENMETRICS},
    {"text/*;q=0.000, */*;q=0.1", OPENMETRICS},
    /* nothing */
    {"text/html", NONE},
    {"text/plain;q=0", NONE},
    {"*/*;q=0", NONE},
    {"*/*;q=0,text/plain;version=0.0.5", NONE},
    {"application/json, text/plain;version=2", NONE},
    {"text/plain;version=\"\"", NONE},
    {"text/plai", NONE},
    {"text/plainn", NONE},
    {"tex/plain", NONE},
    {"textt/plain", NONE},
    {"x/*", NONE},
    /* case, blanks, quotes, empty parameters, parameters nobody knows */
    {"TEXT/Plain;VERSION=1.0.0", TEXT_1},
    {"text/plain ; version=1.0.0\t;\tq=1 , text/plain;version=0.0.4 ;q=0.5 ", TEXT_1},
    {"text/plain;version=0.0.4 ;Q=0.5 ,\ttext/plain ; version=1.0.0", TEXT_1},
    {"text/plain;version=\"1.0.0\"", TEXT_1},
    {"text/plain;version=\"1\\.0.\\0\"", TEXT_1},
    {"text/plain;version=\"1.0\"", NONE},
    {"text/plain;version=\"1.0.0.\"", NONE},
    {"text/plain;version=1.0.00", NONE},
    {"text/plain;versio=1.0.1", TEXT_0},
    {"text/plain;versions=1.0.1", TEXT_0},
    {"text/plain;;version=1.0.0;", TEXT_1},
    {"text/plain;,application/*;q=0.6", TEXT_0},
    {"text/plain;; ;q=0.5;,application/*;q=0.6", OPENMETRICS},
    {"text/plain;q=0.1;version=1.0.0,*/*;q=0.05", TEXT_1},
    {"a/b;c=\"x,y;q=0\\\"\";q=1, text/plain;version=1.0.0", TEXT_1},
    {"a/b;c=\"text/plain\", application/*", OPENMETRICS},
    {"text/plain;charset=utf-8", TEXT_0},
    /* qualities */
    {"text/plain;q=1.000,application/*;q=0.999", TEXT_0},
    {"text/plain;q=0.998,application/*;q=0.999", OPENMETRICS},
    {"text/plain;q=0.1,application/*;q=0.11", OPENMETRICS},
    {"text/plain;q=0.09,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=1.,application/*;q=0.9", TEXT_0},
    {"text/plain;q=0.,application/*;q=0.9", OPENMETRICS},
    /* elements that are malformed count for nothing, but what follows them does */
    {"text/plain;q=1.001,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=1.100,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=2,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=-1,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=0.1234,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=0.5x,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=0x5,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=.,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=\"1\",application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=0.9-,application/*;q=0.1", OPENMETRICS},
    {"text/plain;q=0.20a,application/*;q=0.1", OPENMETRICS},
    {"text/plain;a=,application/*;q=0.1", OPENMETRICS},
    {"text/plain;a/1,application/*;q=0.1", OPENMETRICS},
    {"text/plain;=1,application/*;q=0.1", OPENMETRICS},
    {"text/plain;version = 0.0.4,application/*;q=0.1", OPENMETRICS},
    {"text/plain x,application/*;q=0.1", OPENMETRICS},
    {"text/ plain,application/*;q=0.1", OPENMETRICS},
    {"text /plain,application/*;q=0.1", OPENMETRICS},
    {"text/,application/*;q=0.1", OPENMETRICS},
    {"*/,application/*;q=0.1", OPENMETRICS},
    {"/plain,application/*;q=0.1", OPENMETRICS},
    {"text,application/*;q=0.1", OPENMETRICS},
    {"*/plain,application/*;q=0.1", OPENMETRICS},
    {"text/plain/x,application/*;q=0.1", OPENMETRICS},
    {"(\"text/plain,\"),application/*;q=0.1", OPENMETRICS},
    {"text/plain;a=\"b\"c,application/*;q=0.1", OPENMETRICS},
    {"application/*;q=0.1,text/plain;a=\"b,text/plain", OPENMETRICS},
    {"application/*;q=0.1,text/plain;a=\"b\\", OPENMETRICS},
    {"application/*;q=0.1,\"", OPENMETRICS},
    {"text", TEXT_0}, /* as if nothing was said */
    {"/plain", TEXT_0},
    {"text/plain;q=2", TEXT_0},
    {"text/plain;q=.", TEXT_0},
    {"\"application/*", TEXT_0},
};

static const struct {
    const char *accept_encoding;
    enum coding want;
} coding_rows[] = {
    {NULL, CODING_IDENTITY},
    {"", CODING_IDENTITY},
    {"gzip", CODING_GZIP},
    {"GZIP", CODING_GZIP},
    {"x-gzip", CODING_GZIP},
    {"deflate", CODING_DEFLATE},
    {"identity", CODING_IDENTITY},
    {"br", CODING_IDENTITY},
    {"gzip, deflate, br, zstd", CODING_GZIP}, /* a browser */
    {"deflate, gzip, br, zstd", CODING_GZIP}, /* curl --compressed */
    {"deflate,gzip", CODING_GZIP},
    {"deflate, gzip;q=0.9", CODING_DEFLATE},
    {"gzip;q=0.5, deflate;q=0.6", CODING_DEFLATE},
    {"gzip;q=1.0, identity; q=0.5, *;q=0", CODING_GZIP}, /* RFC 9110, section 12.5.3 */
    {"compress;q=0.5, gzip;q=1.0", CODING_GZIP},
    {"compress, gzip", CODING_GZIP},
    {"*", CODING_GZIP},
    {"*;q=0.1", CODING_GZIP},
    {"*;q=0", CODING_IDENTITY},
    {"gzip;q=0", CODING_IDENTITY},
    {"gzip;q=0, *", CODING_DEFLATE},
    {"*, gzip;q=0", CODING_DEFLATE},
    {"gzip;q=0, deflate;q=0, *", CODING_IDENTITY},
    {"identity, *;q=0.5", CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=0.4", CODING_IDENTITY},
    {"identity;q=0.6, x-gzip;q=0.5", CODING_IDENTITY},
    {"identity;q=0.5, gzip;q=0.5", CODING_GZIP},
    {"identity;q=0.5, deflate;q=0.5", CODING_DEFLATE},
    {"identity;q=0", CODING_IDENTITY}, /* nothing is taken */
    {"identity;q=0, deflate;q=0.001", CODING_DEFLATE},
    {"gzip;q=0.001", CODING_GZIP}, /* identity is taken too, but nobody asked for it */
    {"gzip;q=2, deflate;q=0.1", CODING_DEFLATE},
    {"gzip/x, deflate;q=0.1", CODING_DEFLATE},
    {"*/*", CODING_IDENTITY},
    {"gzip deflate", CODING_IDENTITY},
    {"gzipp", CODING_IDENTITY},
    {"gzi", CODING_IDENTITY},
    {"x-deflate", CODING_IDENTITY},
};

/* In blocks of just their size, so that reading on is noticed. */
static char *copy_of(const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    assert_true(copy != NULL || text == NULL);
    return copy;
}

static void the_best_form_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof metrics_rows / sizeof metrics_rows[0]; i++) {
        char *accept = copy_of(metrics_rows[i].accept);
        int got = negotiate_media(accept, metrics, sizeof metrics / sizeof metrics[0]);

        if (got != metrics_rows[i].want)
            fail_msg("%s: got %d, want %d", metrics_rows[i].accept, got, metrics_rows[i].want);
        free(accept);
    }
}

static void offers_may_have_no_parameter(void **state)
{
    static const struct offer json[] = {{"application/json", NULL}, {"text/csv", NULL}};

    (void)state;
    assert_int_equal(negotiate_media("application/json", json, 2), 0);
    assert_int_equal(negotiate_media("application/json;charset=utf-8", json, 2), 0);
    assert_int_equal(negotiate_media("text/csv;header=present, application/json", json, 2), 0);
    assert_int_equal(negotiate_media("text/csv, application/json;q=0.9", json, 2), 1);
    assert_int_equal(negotiate_media("text/csv", json, 1), -1);
    assert_int_equal(negotiate_media("*/*", json, 0), -1);
}

static void the_best_coding_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof coding_rows / sizeof coding_rows[0]; i++) {
        char *accept = copy_of(coding_rows[i].accept_encoding);
        enum coding got = negotiate_coding(accept);

        if (got != coding_rows[i].want)
            fail_msg("%s: got %s, want %s", coding_rows[i].accept_encoding, coding_name(got),
                     coding_name(coding_rows[i].want));
        free(accept);
    }
}

/* Whatever bytes a header has, reading it ends, within it. */
static void any_bytes_end(void **state)
{
    static const char bytes[] = "a*/;,=q\"\\ \t01.\x01\xff";
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t length = (size_t)i % 24;
        char *text = calloc(length + 1, 1);

        assert_non_null(text);
        for (size_t j = 0; j < length; j++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            text[j] = bytes[(seed >> 56) % (sizeof bytes - 1)];
        }
        assert_in_range(negotiate_media(text, metrics, 3) + 1, 0, 3);
        assert_in_range(negotiate_coding(text), 0, CODING_COUNT - 1);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_form_is_chosen),
        cmocka_unit_test(offers_may_have_no_parameter),
        cmocka_unit_test(the_best_coding_is_chosen),
        cmocka_unit_test(any_bytes_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
