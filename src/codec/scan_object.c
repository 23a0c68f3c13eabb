/* scan_object.c - walking over the members of an object and the elements of an array, with somebody
 * else reading each. */
#include "codec/scan.h"

#include <string.h>

/* From the opening bracket to the byte after the closing one; `open` is what stands before
 * each value and may be NULL. */
static enum loss_status walk(struct scanner *scanner, char close, scan_reader *open,
                             scan_reader *read, void *context)
{
    enum loss_status status = scan_open(scanner);
    bool is_last;

    if (status != LOSS_OK)
        return status;
    scan_space(scanner);
    for (is_last = *scanner->at == close; !is_last;) {
        if (open != NULL && (status = open(scanner)) != LOSS_OK)
            return status;
        scan_space(scanner);
        if ((status = read(context)) != LOSS_OK)
            return status;
        scan_space(scanner);
        is_last = *scanner->at == close;
        if (!is_last && *scanner->at != ',')
            return scan_fail_expected(scanner, close == '}' ? "',' or '}'" : "',' or ']'",
                                      scanner->at);
        scanner->at += !is_last;
    }
    scanner->at++;
    scanner->depth--;
    return LOSS_OK;
}

/* A member's name and the colon after it. */
static enum loss_status open_member(void *context)
{
    struct scanner *scanner = context;
    enum loss_status status;

    scan_space(scanner);
    if (*scanner->at != '"')
        return scan_fail_expected(
            scanner, scanner->name != NULL ? scanner->name : "a field name in quotes", scanner->at);
    if ((status = scan_key(scanner)) != LOSS_OK)
        return status;
    scan_space(scanner);
    if (*scanner->at != ':')
        return scan_fail_expected(scanner, "':'", scanner->at);
    scanner->at++;
    return LOSS_OK;
}

enum loss_status scan_object(struct scanner *scanner, scan_reader *read, void *context)
{
    return walk(scanner, '}', open_member, read, context);
}

enum loss_status scan_array(struct scanner *scanner, scan_reader *read, void *context)
{
    return walk(scanner, ']', NULL, read, context);
}

enum loss_status scan_document(struct scanner *scanner, scan_reader *read, void *context)
{
    enum loss_status status;

    scan_space(scanner);
    if (scanner->at == scanner->end)
        return loss_fail(scanner->error, LOSS_EMPTY_BODY, NULL,
                         "the body is empty, but must be a JSON object");
    if (*scanner->at != '{') {
        char found[32];

        if (strchr("[\"-0123456789tfn", *scanner->at) == NULL || *scanner->at == '\0')
            return scan_fail_expected(scanner, "a JSON object", scanner->at);
        (void)scan_describe(scanner, scanner->at, found, sizeof found);
        status = scan_value(scanner);
        if (status != LOSS_OK && status != LOSS_NON_FINITE && status != LOSS_NUMBER_OUT_OF_RANGE)
            return status;
        return loss_fail(scanner->error, LOSS_EXPECTED_OBJECT, "0",
                         "the body is %s, but must be a JSON object", found);
    }
    if ((status = scan_object(scanner, read, context)) != LOSS_OK)
        return status;
    scan_space(scanner);
    if (scanner->at != scanner->end)
        return scan_fail(scanner, LOSS_TRAILING_DATA, scanner->at,
                         "the JSON object ends, but more follows at byte %td",
                         scanner->at - scanner->text);
    return LOSS_OK;
}
