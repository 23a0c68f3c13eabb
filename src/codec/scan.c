/* scan.c - walking over JSON text, strictly by RFC 8259. */
#include "codec/scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/decimal.h"

static enum loss_status fail(struct scanner *scanner, enum loss_status status, const char *where,
                             const char *format, va_list arguments)
{
    char sentence[sizeof scanner->error->sentence];

    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    return loss_fail(scanner->error, status, where, "%s", sentence);
}

enum loss_status scan_fail(struct scanner *scanner, enum loss_status status, const char *at,
                           const char *format, ...)
{
    char where[24];
    va_list arguments;

    (void)snprintf(where, sizeof where, "%td", at - scanner->text);
    va_start(arguments, format);
    (void)fail(scanner, status, where, format, arguments);
    va_end(arguments);
    return status;
}

enum loss_status scan_fail_member(struct scanner *scanner, enum loss_status status,
                                  const char *format, ...)
{
    char where[2 * SCAN_KEY_BYTES + 2];
    size_t length = 0;
    va_list arguments;

    where[length++] = '/';
    for (const char *c = scanner->key; *c != '\0'; c++) { /* RFC 6901: ~0 is '~', ~1 is '/' */
        if (*c == '~' || *c == '/') {
            where[length++] = '~';
            where[length++] = *c == '~' ? '0' : '1';
        } else {
            where[length++] = *c;
        }
    }
    where[length] = '\0';
    va_start(arguments, format);
    (void)fail(scanner, status, where, format, arguments);
    va_end(arguments);
    return status;
}

const char *scan_whole(const struct scanner *scanner)
{
    return scanner->whole != NULL ? scanner->whole : "the body";
}

const char *scan_describe(const struct scanner *scanner, const char *at, char *text, size_t size)
{
    unsigned char byte = (unsigned char)*at;
    double value;

    if (at >= scanner->end)
        (void)snprintf(text, size, "the end of %s", scan_whole(scanner));
    else if (byte == '[')
        (void)snprintf(text, size, "an array");
    else if (byte == '{')
        (void)snprintf(text, size, "an object");
    else if (byte == '"')
        (void)snprintf(text, size, "a string");
    else if (scan_non_finite(at, &value) != NULL)
        (void)snprintf(text, size, "%s",
                       isnan(value) ? "NaN"
                       : value > 0  ? "Infinity"
                                    : "-Infinity");
    else if (byte == '-' || (byte >= '0' && byte <= '9'))
        (void)snprintf(text, size, "a number");
    else if (strncmp(at, "true", 4) == 0 || strncmp(at, "false", 5) == 0)
        (void)snprintf(text, size, "a boolean");
    else if (strncmp(at, "null", 4) == 0)
        (void)snprintf(text, size, "null");
    else if (byte > ' ' && byte < 0x7f)
        (void)snprintf(text, size, "'%c'", byte);
    else
        (void)snprintf(text, size, "the byte 0x%02x", byte);
    return text;
}

enum loss_status scan_fail_expected(struct scanner *scanner, const char *expected, const char *at)
{
    char found[32];

    return scan_fail(scanner, LOSS_INVALID_JSON, at, "expected %s at byte %td, but found %s",
                     expected, at - scanner->text, scan_describe(scanner, at, found, sizeof found));
}

enum loss_status scan_open(struct scanner *scanner)
{
    if (scanner->depth == scanner->depth_max)
        return scan_fail(scanner, LOSS_TOO_DEEP, scanner->at,
                         "the JSON is nested more than %u deep at byte %td (json_depth_max)",
                         scanner->depth_max, scanner->at - scanner->text);
    scanner->depth++;
    scanner->at++;
    return LOSS_OK;
}

const char *scan_non_finite(const char *at, double *value)
{
    static const struct {
        const char *word;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    bool quoted = *at == '"';

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i].word);

        if (strncmp(at + quoted, words[i].word, length) != 0)
            continue;
        if (quoted && at[1 + length] != '"')
            continue;
        *value = words[i].value;
        return at + length + (quoted ? 2 : 0);
    }
    return NULL;
}

static enum loss_status scan_literal(struct scanner *scanner)
{
    static const char *const literals[] = {"true", "false", "null"};

    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        size_t length = strlen(literals[i]);

        if (strncmp(scanner->at, literals[i], length) == 0) {
            scanner->at += length;
            return LOSS_OK;
        }
    }
    return scan_fail_expected(scanner, "a value", scanner->at);
}

static enum loss_status scan_number(struct scanner *scanner)
{
    struct decimal decimal;
    const char *stop, *after = decimal_scan(scanner->at, &decimal, &stop);

    if (after == NULL)
        return scan_fail_expected(scanner, "a digit of a number", stop);
    if (isinf(decimal_to_double(&decimal)))
        return scan_fail_member(scanner, LOSS_NUMBER_OUT_OF_RANGE,
                                "a number of %s is too large for float64", scanner->key);
    scanner->at = after;
    return LOSS_OK;
}

/* The members of an object or the elements of an array, after its opening bracket, up to
 * `close`. */
static enum loss_status scan_members(struct scanner *scanner, char close)
{
    enum loss_status status;

    scan_space(scanner);
    if (*scanner->at == close) {
        scanner->at++;
        return LOSS_OK;
    }
    for (;;) {
        scan_space(scanner);
        if (close == '}') {
            if (*scanner->at != '"')
                return scan_fail_expected(scanner, "a member name in quotes", scanner->at);
            if ((status = scan_string(scanner)) != LOSS_OK)
                return status;
            scan_space(scanner);
            if (*scanner->at != ':')
                return scan_fail_expected(scanner, "':'", scanner->at);
            scanner->at++;
        }
        if ((status = scan_value(scanner)) != LOSS_OK)
            return status;
        scan_space(scanner);
        if (*scanner->at == close) {
            scanner->at++;
            return LOSS_OK;
        }
        if (*scanner->at != ',')
            return scan_fail_expected(scanner, close == '}' ? "',' or '}'" : "',' or ']'",
                                      scanner->at);
        scanner->at++;
    }
}

enum loss_status scan_value(struct scanner *scanner)
{
    enum loss_status status;
    const char *after;
    double value;
    char open;

    scan_space(scanner);
    open = *scanner->at;
    if (open == '"')
        return scan_string(scanner);
    after = scan_non_finite(scanner->at, &value);
    if (after != NULL && scanner->takes_non_finite) {
        scanner->at = after;
        return LOSS_OK;
    }
    if (after != NULL)
        return scan_fail_member(scanner, LOSS_NON_FINITE,
                                "%s holds a NaN or infinity, which only tensors may", scanner->key);
    if (open == '-' || (open >= '0' && open <= '9'))
        return scan_number(scanner);
    if (open != '{' && open != '[')
        return scan_literal(scanner);
    if ((status = scan_open(scanner)) != LOSS_OK)
        return status;
    status = scan_members(scanner, open == '{' ? '}' : ']'); /* depth_max bounds the recursion */
    scanner->depth--;
    return status;
}
