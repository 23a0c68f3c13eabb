/* infer_members.c - the objects of a message: their known members, and
 * values of the simple kinds. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/decimal.h"
#include "codec/infer_internal.h"
#include "codec/words.h"

enum loss_status infer_fail(struct infer_decoding *decoding, enum loss_status status,
                            const char *member, const char *format, ...)
{
    struct loss_error *error = decoding->scanner.error;
    char sentence[sizeof error->sentence], where[sizeof error->where];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    (void)snprintf(where, sizeof where, "%s%s%s", decoding->place, member != NULL ? "/" : "",
                   member != NULL ? member : "");
    return loss_fail(error, status, where, "%s", sentence);
}

enum loss_status infer_fail_unknown(struct infer_decoding *decoding, const char *member,
                                    const char *what, const char *name, const char *nearest)
{
    char text[WORDS_UNKNOWN_BYTES];

    return infer_fail(decoding, LOSS_UNKNOWN_FIELD, member, "%s",
                      words_unknown(what, name, nearest, text, sizeof text));
}

enum loss_status infer_refuse_shared_memory(struct infer_decoding *decoding)
{
    return infer_fail(decoding, LOSS_UNKNOWN_FIELD, decoding->scanner.key,
                      "%s: shared memory is not offered here; tensors travel in the body",
                      decoding->scanner.key);
}

enum loss_status infer_fail_type(struct infer_decoding *decoding, const char *expected)
{
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;
    char found[32];

    (void)scan_describe(scanner, scanner->at, found, sizeof found);
    if ((status = scan_value(scanner)) != LOSS_OK)
        return status;
    return infer_fail(decoding, LOSS_WRONG_TYPE, scanner->key, "%s is %s, but must be %s",
                      scanner->key, found, expected);
}

struct walk {
    struct infer_decoding *decoding;
    const struct infer_member *members;
    size_t count;
    unsigned seen; /* a bit for each member */
    enum loss_status (*other)(struct infer_decoding *decoding);
};

static enum loss_status read_member(void *context)
{
    struct walk *walk = context;
    struct infer_decoding *decoding = walk->decoding;
    struct scanner *scanner = &decoding->scanner;

    if (strncmp(scanner->at, "null", 4) == 0) {
        scanner->at += 4;
        return LOSS_OK;
    }
    for (size_t i = 0; i < walk->count; i++) {
        if (strcmp(scanner->key, walk->members[i].name) != 0)
            continue;
        if (walk->seen & 1u << i)
            return infer_fail(decoding, LOSS_DUPLICATE_KEY, scanner->key,
                              "the field \"%s\" is there twice", scanner->key);
        walk->seen |= 1u << i;
        return walk->members[i].read(decoding);
    }
    return walk->other != NULL ? walk->other(decoding) : scan_value(scanner);
}

enum loss_status infer_read_object(struct infer_decoding *decoding, const char *place,
                                   const struct infer_member *members, size_t count,
                                   enum loss_status (*other)(struct infer_decoding *decoding))
{
    struct walk walk = {decoding, members, count, 0, other};
    struct scanner *scanner = &decoding->scanner;
    const char *outer = decoding->place;
    enum loss_status status;
    char found[32];

    decoding->place = place;
    if (*scanner->at == '{') {
        status = scan_object(scanner, read_member, &walk);
    } else {
        (void)scan_describe(scanner, scanner->at, found, sizeof found);
        status = scan_value(scanner);
        if (status == LOSS_OK)
            status = infer_fail(decoding, LOSS_WRONG_TYPE, NULL, "%s is %s, but must be an object",
                                place + 1, found);
    }
    decoding->place = outer;
    return status;
}

enum loss_status infer_read_document(struct infer_decoding *decoding,
                                     const struct infer_member *members, size_t count)
{
    struct walk walk = {decoding, members, count, 0, NULL};

    return scan_document(&decoding->scanner, read_member, &walk);
}

enum loss_status infer_read_list(struct infer_decoding *decoding, scan_reader *read)
{
    if (*decoding->scanner.at != '[')
        return infer_fail_type(decoding, "an array of objects");
    decoding->index = 0;
    return scan_array(&decoding->scanner, read, decoding);
}

enum loss_status infer_read_word(struct infer_decoding *decoding, char word[SCAN_KEY_BYTES])
{
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;

    if (*scanner->at != '"')
        return infer_fail_type(decoding, "a string");
    if ((status = scan_key(scanner)) == LOSS_OK)
        memcpy(word, scanner->key, SCAN_KEY_BYTES);
    return status;
}

enum loss_status infer_read_flag(struct infer_decoding *decoding, bool *flag)
{
    struct scanner *scanner = &decoding->scanner;

    *flag = strncmp(scanner->at, "true", 4) == 0;
    if (!*flag && strncmp(scanner->at, "false", 5) != 0)
        return infer_fail_type(decoding, "a boolean");
    scanner->at += *flag ? 4 : 5;
    return LOSS_OK;
}

enum loss_status infer_read_count(struct infer_decoding *decoding, uint64_t *count)
{
    struct scanner *scanner = &decoding->scanner;
    const char *start = scanner->at, *after, *stop;
    struct decimal decimal;
    int64_t integer = 0;

    if (*start != '-' && (*start < '0' || *start > '9'))
        return infer_fail_type(decoding, "a whole number");
    after = decimal_scan(start, &decimal, &stop);
    if (after == NULL)
        return scan_fail_expected(scanner, "a digit of a number", stop);
    switch (decimal_to_int64(&decimal, &integer)) {
    case DECIMAL_FRACTION: return infer_fail_type(decoding, "a whole number");
    case DECIMAL_INTEGER:
        if (integer >= 0)
            break;
        /* fall through */
    case DECIMAL_HUGE:
        return infer_fail(decoding, LOSS_VALUE_OUT_OF_RANGE, scanner->key,
                          "%s is %.*s, but must lie between 0 and %" PRId64, scanner->key,
                          (int)(after - start < 24 ? after - start : 24), start, INT64_MAX);
    }
    *count = (uint64_t)integer;
    scanner->at = after;
    return LOSS_OK;
}
