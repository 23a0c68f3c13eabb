/* test_framing.c - requests that two parsers might read differently, and what is no request at
 * all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "support/alive.h"
#include "support/client.h"
#include "support/daemon.h"
#include "support/raw.h"
#include "support/texts.h"

#define HOST  "Host: a\r\n"
#define POST  "POST /v1/evaluate HTTP/1.1\r\n" HOST
#define BODY  "{\"logits\":[1,2],\"targets\":1}" /* 28 bytes */
#define GET   "GET /livez HTTP/1.1\r\n" HOST "\r\n"
#define CHUNK "1c\r\n" BODY "\r\n0\r\n\r\n"

static struct daemon lossd;

static int start(void **state)
{
    (void)state;
    daemon_start(&lossd, (const char *const[]){"--json-bytes-max", "2000", NULL}, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return daemon_stop(&lossd);
}

/* Headers that two parsers could read differently; GET follows, and must not be
 * answered.  Refused by us, with a code, or by libmicrohttpd, with one status or another and no
 * more is promised. */
static const struct {
    const char *name, *request;
    const char *code;
    long status, other_status;
} ambiguous[] = {
    {"a length twice", POST "Content-Length: 28\r\nContent-Length: 28\r\n\r\n" BODY, "bad_framing",
     400, 400},
    {"two lengths", POST "Content-Length: 28\r\nContent-Length: 0\r\n\r\n" BODY, "bad_framing", 400,
     400},
    {"two lengths, 0 first", POST "Content-Length: 0\r\nContent-Length: 28\r\n\r\n" BODY,
     "bad_framing", 400, 400},
    {"a negative length", POST "Content-Length: -1\r\n\r\n" BODY, NULL, 400, 413},
    {"a list of lengths", POST "Content-Length: 28, 28\r\n\r\n" BODY, NULL, 400, 413},
    {"a signed length", POST "Content-Length: +28\r\n\r\n" BODY, NULL, 400, 413},
    {"a hexadecimal length", POST "Content-Length: 0x1c\r\n\r\n" BODY, NULL, 400, 413},
    {"10^23 bytes", POST "Content-Length: 100000000000000000000000\r\n\r\n" BODY, NULL, 400, 413},
    {"2^64 - 2 bytes", POST "Content-Length: 18446744073709551614\r\n\r\n" BODY, "body_too_large",
     413, 413},
    {"2^64 - 1 bytes", POST "Content-Length: 18446744073709551615\r\n\r\n" BODY, "body_too_large",
     413, 413},
    {"chunked and a length", POST "Transfer-Encoding: chunked\r\nContent-Length: 28\r\n\r\n" CHUNK,
     "bad_framing", 400, 400},
    {"a length and chunked", POST "Content-Length: 28\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK,
     "bad_framing", 400, 400},
    {"chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNK,
     "bad_framing", 400, 400},
    {"gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNK, "bad_framing", 400,
     501},
    {"identity", POST "Transfer-Encoding: identity\r\n\r\n" CHUNK, "bad_framing", 400, 501},
    {"an unknown coding", POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNK, "bad_framing", 400,
     501},
    {"a coding in quotes", POST "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNK, "bad_framing", 400,
     501},
    {"a space before the colon", POST "Transfer-Encoding : chunked\r\n\r\n" CHUNK, "bad_framing",
     400, 400},
    {"chunked on HTTP/1.0",
     "POST /v1/evaluate HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" CHUNK,
     "bad_framing", 400, 400},
    {"a type twice",
     POST "Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: "
          "28\r\n\r\n" BODY,
     "bad_framing", 400, 400},
    {"a coding twice",
     POST "Content-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: "
          "28\r\n\r\n" BODY,
     "bad_framing", 400, 400},
    {"two expectations",
     POST "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 28\r\n\r\n" BODY, "bad_framing",
     400, 400},
    {"no host", "GET /livez HTTP/1.1\r\n\r\n", "bad_framing", 400, 400},
    {"two hosts", "GET /livez HTTP/1.1\r\n" HOST "Host: b\r\n\r\n", "bad_framing", 400, 400},
    {"a name in parentheses", "GET /livez HTTP/1.1\r\n" HOST "(x): b\r\n\r\n", "bad_framing", 400,
     400},
    {"an unknown expectation", POST "Expect: 200\r\nContent-Length: 28\r\n\r\n" BODY,
     "expectation_failed", 417, 417},
    {"a bad chunk size", POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n" BODY "\r\n0\r\n\r\n",
     NULL, 400, 413},
    {"a chunk size of 2^70",
     POST "Transfer-Encoding: chunked\r\n\r\n400000000000000000\r\n" BODY "\r\n0\r\n\r\n", NULL,
     400, 413},
    {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NULL, 505, 400},
    {"HTTP/3.0", "GET / HTTP/3.0\r\n" HOST "\r\n", NULL, 505, 400},
};

/* 0 for what is no reply. */
static long status_of(const char *text)
{
    return strncmp(text, "HTTP/1.", 7) == 0 ? strtol(text + 9, NULL, 10) : 0;
}

/* Rows 55, 56, 60 and 62 of tests/faults/rows.txt. */
static void nothing_after_ambiguous_headers_is_read(void **state)
{
    char code[64];

    (void)state;
    for (size_t i = 0; i < sizeof ambiguous / sizeof ambiguous[0]; i++) {
        const char *name = ambiguous[i].name, *text;
        struct raw raw;
        bool closed, is_ours;
        long status;

        raw_open(&raw, lossd.port);
        (void)raw_say(&raw, ambiguous[i].request); /* it may be cut off in the middle */
        (void)raw_say(&raw, GET);
        text = raw_read_all(&raw, 3000, &closed);
        if (!closed)
            fail_msg("%s: not closed after %s", name, text);
        status = status_of(text);
        if (status != ambiguous[i].status && status != ambiguous[i].other_status)
            fail_msg("%s: want %ld, got %s", name, ambiguous[i].status, text);
        (void)snprintf(code, sizeof code, "\"code\": \"%s\"",
                       ambiguous[i].code != NULL ? ambiguous[i].code : "");
        is_ours = text_count(text, "<html>") == 0; /* libmicrohttpd 1.0 refuses more by itself */
        if (status == ambiguous[i].status && ambiguous[i].code != NULL && is_ours &&
            (text_count(text, code) != 1 || text_count(text, "Connection: close") != 1))
            fail_msg("%s: want %s, got %s", name, ambiguous[i].code, text);
        if (text_count(text, " 200 OK") != 0 || text_count(text, "\"live\"") != 0)
            fail_msg("%s: what follows is answered: %s", name, text);
        raw_close(&raw);
        check_alive(lossd.port, name);
    }
}

/* Row 61 of tests/faults/rows.txt.  What was sent and not read resets the connection, but Linux
 * hands over what came before the reset. */
static void heads_that_are_too_large_are_refused(void **state)
{
    static const struct {
        const char *before, *part;
        size_t count;
        const char *after;
        long status;
    } heads[] = {
        {"GET /livez HTTP/1.1\r\n" HOST "X: ", "xxxxxxxxxx", 7000, "\r\n\r\n", 431},
        {"GET /livez HTTP/1.1\r\n" HOST "X-Request-Id: ", "xxxxxxxxxx", 100000, "\r\n\r\n", 431},
        {"GET /livez HTTP/1.1\r\n" HOST, "X: 0123456789012345678901234567\r\n", 2000, "\r\n", 431},
        {"GET /", "xxxxxxxxxx", 7000, " HTTP/1.1\r\n" HOST "\r\n", 414},
    };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        char *head = text_repeated(heads[i].before, heads[i].part, heads[i].count, heads[i].after);
        struct raw raw;
        bool closed;
        const char *text;

        raw_open(&raw, lossd.port);
        (void)raw_say(&raw, head);
        text = raw_read_all(&raw, RAW_MS, &closed);
        if (!closed || status_of(text) != heads[i].status)
            fail_msg("head %zu: want %ld, got %s", i, heads[i].status, text);
        raw_close(&raw);
        free(head);
        check_alive(lossd.port, "a large head");
    }
}

/* TLS and noise are closed without a word, noise that might still become a request when the client
 * says no more; a bare LF does no harm.  libmicrohttpd 1.0 refuses more of it, and redirects.
 * Rows 57 and 62. */
static void what_is_not_http_does_no_harm(void **state)
{
#define BYTES(text) text, sizeof text - 1
#define LAST        HOST "Connection: close\r\n"
    static const struct {
        const char *name, *bytes;
        size_t length;
        long status, other_status; /* 0: not a byte */
    } noises[] = {
        {"TLS", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"), 0, 400},
        {"control characters", BYTES("\x00\x01\x02\x03\r\n\r\n"), 0, 400},
        {"empty lines", BYTES("\r\n\r\n\r\n\r\n"), 0, 400},
        {"a method alone", BYTES("GET\r\n\r\n"), 0, 400},
        {"bare line feeds", BYTES("GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n"), 200, 400},
        {"two spaces", BYTES("GET  /livez  HTTP/1.1\r\n" LAST "\r\n"), 404, 301},
        {"a NUL", BYTES("GET /livez HTTP/1.1\r\n" LAST "X: a\0b\r\n\r\n"), 200, 400},
    };

    (void)state;
    for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
        const char *name = noises[i].name, *text;
        struct raw raw;
        bool closed;
        long status;

        raw_open(&raw, lossd.port);
        assert_true(raw_send(&raw, noises[i].bytes, noises[i].length));
        if (noises[i].status == 0)
            (void)shutdown(raw.fd, SHUT_WR); /* fails if it is closed already */
        text = raw_read_all(&raw, RAW_MS, &closed);
        status = status_of(text);
        if (!closed || (status == 0 && raw.length > 0) ||
            (status != noises[i].status && status != noises[i].other_status))
            fail_msg("%s: want %ld, got %s", name, noises[i].status, text);
        raw_close(&raw);
        check_alive(lossd.port, name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_after_ambiguous_headers_is_read),
        cmocka_unit_test(heads_that_are_too_large_are_refused),
        cmocka_unit_test(what_is_not_http_does_no_harm),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
