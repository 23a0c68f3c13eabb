/* scan_string.c - JSON strings: their escapes and their UTF-8. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "codec/scan.h"

/* The length of the well-formed UTF-8 sequence at `at` (RFC 3629: no overlong forms, no surrogates,
 * nothing above U+10FFFF), or 0. */
static int utf8_length(const unsigned char *at)
{
    unsigned char low = 0x80, high = 0xbf;
    int length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (int i = 2; i < length; i++) { /* a NUL ends this before the text does */
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

/* The four hexadecimal digits at `at`, or -1. */
static int32_t four_hex(const char *at)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Step over the escape at `at`; *code is the character it stands for. */
static enum loss_status scan_escape(struct scanner *scanner, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *at = scanner->at + 1, *letter = *at != '\0' ? strchr(letters, *at) : NULL;
    int32_t unit, low;

    if (letter != NULL) {
        *code = (uint32_t)meanings[letter - letters];
        scanner->at += 2;
        return LOSS_OK;
    }
    unit = *at == 'u' ? four_hex(at + 1) : -1;
    if (unit < 0)
        return scan_fail_expected(scanner, "an escape such as \\n or \\u00e9", scanner->at);
    if (unit == 0)
        return scan_fail(scanner, LOSS_INVALID_JSON, scanner->at,
                         "the escape \\u0000 at byte %td is not supported",
                         scanner->at - scanner->text);
    *code = (uint32_t)unit;
    scanner->at += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return LOSS_OK;
    low = unit < 0xdc00 && scanner->at[0] == '\\' && scanner->at[1] == 'u'
              ? four_hex(scanner->at + 2)
              : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return scan_fail(scanner, LOSS_INVALID_UTF8, scanner->at - 6,
                         "the escape at byte %td is one half of a surrogate pair",
                         scanner->at - 6 - scanner->text);
    *code = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
    scanner->at += 6;
    return LOSS_OK;
}

/* Where a string's decoded form goes. */
struct decoded {
    char *text;
    size_t size, length; /* what does not fit is left out; a NUL comes after it */
    bool is_ascii;       /* all else becomes '?' */
};

/* Add a character: the code of an escape, or the bytes of one that stands in the text. */
static void add(struct decoded *decoded, uint32_t code, const char *bytes, int count)
{
    static const struct {
        uint32_t end;
        unsigned char lead;
    } forms[] = {{0x80, 0}, {0x800, 0xc0}, {0x10000, 0xe0}, {0x110000, 0xf0}};
    char utf8[4];

    if (decoded->is_ascii) {
        utf8[0] = code >= 0x20 && code < 0x7f ? (char)code : '?';
        bytes = utf8;
        count = 1;
    } else if (bytes == NULL) {
        for (count = 1; code >= forms[count - 1].end;)
            count++;
        for (int i = count; i-- > 1; code >>= 6)
            utf8[i] = (char)(0x80 | (code & 0x3f));
        utf8[0] = (char)(forms[count - 1].lead | code);
        bytes = utf8;
    }
    if (decoded->length + (size_t)count >= decoded->size)
        return;
    memmove(decoded->text + decoded->length, bytes, (size_t)count);
    decoded->length += (size_t)count;
}

/* Step over the string at `at`. */
static enum loss_status scan_characters(struct scanner *scanner, struct decoded *decoded)
{
    const char *start = scanner->at++;

    for (;;) {
        unsigned char byte = (unsigned char)*scanner->at;
        const char *bytes = scanner->at;
        uint32_t code = byte;
        int count = 1;

        if (byte == '"')
            break;
        if (byte == '\\') {
            enum loss_status status = scan_escape(scanner, &code);

            if (status != LOSS_OK)
                return status;
            bytes = NULL;
        } else if (byte < 0x20) {
            if (scanner->at >= scanner->end)
                return scan_fail(scanner, LOSS_INVALID_JSON, scanner->at,
                                 "%s ends inside the string that begins at byte %td",
                                 scan_whole(scanner), start - scanner->text);
            return scan_fail(scanner, LOSS_INVALID_JSON, scanner->at,
                             "the string at byte %td has an unescaped control character 0x%02x",
                             start - scanner->text, byte);
        } else if (byte >= 0x80) {
            count = utf8_length((const unsigned char *)scanner->at);
            if (count == 0)
                return scan_fail(scanner, LOSS_INVALID_UTF8, scanner->at,
                                 "the byte 0x%02x at offset %td begins no valid UTF-8 sequence",
                                 byte, scanner->at - scanner->text);
        }
        if (bytes != NULL)
            scanner->at += count;
        add(decoded, code, bytes, count);
    }
    scanner->at++;
    if (decoded->size > 0)
        decoded->text[decoded->length] = '\0';
    return LOSS_OK;
}

enum loss_status scan_string(struct scanner *scanner)
{
    return scan_characters(scanner, &(struct decoded){NULL, 0, 0, true});
}

/* An escape above U+007F is kept as '?': no known key has one. */
enum loss_status scan_key(struct scanner *scanner)
{
    return scan_characters(scanner, &(struct decoded){scanner->key, sizeof scanner->key, 0, true});
}

enum loss_status scan_text(struct scanner *scanner, char *text)
{
    return scan_characters(scanner, &(struct decoded){text, SIZE_MAX, 0, false});
}
