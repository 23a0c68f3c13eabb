/* test_coding.c - gzip and deflate: their names, what others made, and what nobody should take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/coding.h"
#include "support/source.h"
#include "support/zipped.h"

static struct source memory;
static struct loss_arena arena;

static int start(void **state)
{
    (void)state;
    memory = (struct source){.fails_at = 0};
    source_init(&arena, &memory);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    loss_arena_reset(&arena);
    return memory.out == 0 ? 0 : -1;
}

/* Decode, from and to blocks of just the size; the arena is empty afterwards if it fails. */
static enum loss_status decoded(const char *bytes, size_t length, enum coding coding, size_t most,
                                char **body, size_t *body_length, struct loss_error *error)
{
    char *exact = malloc(length != 0 ? length : 1);
    enum loss_status status;

    assert_non_null(exact);
    memcpy(exact, bytes, length);
    status = coding_inflate(exact, length, coding, most, NULL, &arena, body, body_length, error);
    free(exact);
    if (status != LOSS_OK) {
        assert_int_equal(error->status, status);
        loss_arena_reset(&arena);
    }
    return status;
}

static void check_decoded(const char *bytes, size_t length, enum coding coding, size_t most,
                          const char *want, size_t want_length)
{
    static const char zeros[CODEC_PADDING];
    struct loss_error error = {.sentence = ""};
    size_t got_length = SIZE_MAX;
    char *got = NULL;

    if (decoded(bytes, length, coding, most, &got, &got_length, &error) != LOSS_OK)
        fail_msg("%zu bytes of %s: %s", length, coding_name(coding), error.sentence);
    assert_int_equal(got_length, want_length);
    assert_memory_equal(got, want, want_length);
    assert_memory_equal(got + got_length, zeros, sizeof zeros);
    loss_arena_reset(&arena);
}

static void check_refused(const char *bytes, size_t length, enum coding coding, const char *says)
{
    struct loss_error error;
    size_t got_length;
    char *got;

    assert_int_equal(decoded(bytes, length, coding, 1000000, &got, &got_length, &error),
                     LOSS_INVALID_CODING);
    if (strstr(error.sentence, says) == NULL)
        fail_msg("got: %s; want: %s", error.sentence, says);
}

static void codings_have_names(void **state)
{
    static const struct {
        const char *value;
        enum coding coding; /* CODING_COUNT: none */
    } rows[] = {
        {NULL, CODING_IDENTITY},
        {"", CODING_IDENTITY},
        {"identity", CODING_IDENTITY},
        {"Identity", CODING_IDENTITY},
        {"gzip", CODING_GZIP},
        {"GZip", CODING_GZIP},
        {"x-gzip", CODING_GZIP},
        {"X-GZIP", CODING_GZIP},
        {"deflate", CODING_DEFLATE},
        {"DEFLATE", CODING_DEFLATE},
        {"x-deflate", CODING_COUNT},
        {"br", CODING_COUNT},
        {"gzip, identity", CODING_COUNT},
        {"gzip ", CODING_COUNT},
        {"gzi", CODING_COUNT},
        {"compress", CODING_COUNT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum coding found = CODING_COUNT; /* untouched if there is none */

        assert_int_equal(coding_find(rows[i].value, &found), rows[i].coding != CODING_COUNT);
        assert_int_equal(found, rows[i].coding);
    }
    assert_string_equal(coding_name(CODING_IDENTITY), "identity");
    assert_string_equal(coding_name(CODING_GZIP), "gzip");
    assert_string_equal(coding_name(CODING_DEFLATE), "deflate");
}

/* What Python 3.11 made of one text. */
#define LITERAL(text) text, sizeof text - 1
#define TEXT          "{\"logits\": [1.0, 2.0], \"targets\": 1}\n"
#define RAW                                                                            \
    "\xab\x56\xca\xc9\x4f\xcf\x2c\x29\x56\xb2\x52\x88\x36\xd4\x33\xd0\x51\x30\xd2\x33" \
    "\x88\xd5\x51\x50\x2a\x49\x2c\x4a\x4f\x05\x0b\x1b\xd6\x72\x01\x00"
#define GZIP "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03" RAW "\x80\x4a\x2c\x1d\x25\x00\x00\x00"
#define GZIP_EMPTY \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"
#define GZIP_FIELDS /* an extra field, a name, a comment and a checksum of the header */ \
    "\x1f\x8b\x08\x1e\x00\x21\x43\x65\x02\x03\x04\x00\x41\x42\x00\x00\x61\x2e\x6a\x73"   \
    "\x6f\x6e\x00\x77\x68\x79\x00\xbd\xe0" RAW "\x80\x4a\x2c\x1d\x25\x00\x00\x00"
#define ZLIB        "\x78\x9c" RAW "\xcd\xd2\x0a\x6b"
#define ZLIB_STORED "\x78\x01\x01\x25\x00\xda\xff" TEXT "\xcd\xd2\x0a\x6b"
#define ZLIB_DICTIONARY                                                                \
    "\x78\xbb\x2a\x55\x05\xad\xab\x56\xca\x01\xf3\x95\xac\x14\xa2\x0d\xf5\x0c\x74\x14" \
    "\x8c\xf4\x0c\x62\x75\x14\x94\xa0\xd2\x40\x61\xc3\x5a\x2e\x00\xcd\xd2\x0a\x6b"
static const char squares_deflated[] = /* with Huffman codes of its own */
    "\x78\xda\x15\x8d\xc1\x11\xc0\x30\x08\xc3\x16\xf2\x23\xa6\x0e\x09\xfb\x2f\x56\xe5"
    "\xe5\x03\x84\xbc\x64\x45\x23\xb7\x6a\xeb\x6b\x65\xd4\xd1\xb5\xbc\x96\x5c\x64\xc2"
    "\x15\x62\x40\x60\x6a\x93\x77\xf4\x55\xe0\xf9\x86\x4b\xc8\x1b\xed\x1a\xed\xd3\x6a"
    "\xb8\x26\x0f\xf3\x61\x7f\xb9\x0f\xdc\xf4\xf3\xf2\xe8\x85\xc1\x46\xe5\xe7\x74\x21"
    "\xf7\xf7\x5a\xf2\xea\x36\xbd\x3f\x0e\x0a\x1e\x05";

static void what_others_made_is_read(void **state)
{
    char squares[200];
    size_t length = 0;

    (void)state;
    for (int i = 0; i < 40; i++)
        length += (size_t)sprintf(squares + length, "%d,", i * i);
    check_decoded(LITERAL(GZIP), CODING_GZIP, 1000, LITERAL(TEXT));
    check_decoded(LITERAL(GZIP_FIELDS), CODING_GZIP, 1000, LITERAL(TEXT));
    check_decoded(LITERAL(GZIP_EMPTY), CODING_GZIP, 0, "", 0);
    check_decoded(LITERAL(ZLIB), CODING_DEFLATE, 1000, LITERAL(TEXT));
    check_decoded(LITERAL(ZLIB_STORED), CODING_DEFLATE, 1000, LITERAL(TEXT));
    check_decoded(LITERAL(squares_deflated), CODING_DEFLATE, 1000, squares, length);
    /* members follow each other, empty ones as well */
    check_decoded(LITERAL(GZIP GZIP_EMPTY GZIP_FIELDS GZIP_EMPTY), CODING_GZIP, 1000,
                  LITERAL(TEXT TEXT));
}

/* A gzip takes hardly more than what comes out of it, however much it was packed; and one that lies
 * of its length is no other than one that is damaged. */
static void a_gzip_tells_how_much_it_takes(void **state)
{
    enum { COPIES = 1000, TEXT_BYTES = 1000, ZLIB_BYTES = 100000 };
    char text[TEXT_BYTES];

    (void)state;
    for (unsigned digits = 0; digits <= TEXT_BYTES; digits += TEXT_BYTES / 4) {
        struct loss_error error;
        struct zipped zipped;
        uint64_t random = 1;
        size_t length;
        char *body;

        memset(text, ' ', sizeof text);
        for (unsigned i = 0; i < digits; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            text[i] = (char)('0' + random % 1000003 % 10);
        }
        zipped = zip(text, sizeof text, ZIP_GZIP, COPIES);
        assert_int_equal(coding_inflate(zipped.bytes, zipped.length, CODING_GZIP, 10000000, NULL,
                                        &arena, &body, &length, &error),
                         LOSS_OK);
        assert_int_equal(length, COPIES * TEXT_BYTES);
        if (memory.bytes_out > COPIES * TEXT_BYTES + ZLIB_BYTES)
            fail_msg("%u digits: %zu bytes for %zu", digits, memory.bytes_out, zipped.length);
        loss_arena_reset(&arena);
        for (size_t i = 1; i <= 4; i++) { /* of its length, least significant byte first */
            zipped.bytes[zipped.length - i] ^= 0x41;
            check_refused(zipped.bytes, zipped.length, CODING_GZIP, "has a fault");
            zipped.bytes[zipped.length - i] ^= 0x41;
        }
        free(zipped.bytes);
    }
}

static void what_is_not_the_coding_is_refused(void **state)
{
    (void)state;
    check_refused("", 0, CODING_GZIP, "the gzip that its Content-Encoding says: it ends too early");
    check_refused("", 0, CODING_DEFLATE, "the deflate that its Content-Encoding says: it ends too");
    check_refused(LITERAL(TEXT), CODING_GZIP, "fault");
    check_refused(LITERAL(TEXT), CODING_DEFLATE, "fault");
    check_refused(LITERAL(ZLIB), CODING_GZIP, "fault");
    check_refused(LITERAL(GZIP), CODING_DEFLATE, "fault");
    check_refused(LITERAL(RAW), CODING_DEFLATE, "fault");
    check_refused(LITERAL(ZLIB_DICTIONARY), CODING_DEFLATE, "fault");
    check_refused(LITERAL(ZLIB "x"), CODING_DEFLATE, "goes on after its end");
    check_refused(LITERAL(ZLIB ZLIB), CODING_DEFLATE, "goes on after its end");
    check_refused(LITERAL(GZIP "xy"), CODING_GZIP, "fault");
    check_refused(LITERAL(GZIP "\0\0\0"), CODING_GZIP, "fault");
    check_refused(LITERAL(GZIP "\x1f"), CODING_GZIP, "ends too early");
    check_refused(LITERAL(GZIP ZLIB), CODING_GZIP, "fault");
    for (size_t length = 0; length < sizeof GZIP_FIELDS - 1; length++)
        check_refused(GZIP_FIELDS, length, CODING_GZIP, "ends too early");
    for (size_t length = 0; length < sizeof ZLIB - 1; length++)
        check_refused(ZLIB, length, CODING_DEFLATE, "ends too early");
}

/* Every other value of every byte: it is noticed, or it does not matter,
 * as in the time of a gzip. */
static void check_flips(const char *bytes, size_t length, enum coding coding, size_t harmless_max)
{
    struct loss_error error;
    char flipped[100];
    size_t got_length, harmless = 0;
    char *got;

    memcpy(flipped, bytes, length);
    for (size_t i = 0; i < length; i++) {
        for (int change = 1; change < 256; change++) {
            flipped[i] = (char)(bytes[i] ^ change);
            if (decoded(flipped, length, coding, 1000000, &got, &got_length, &error) == LOSS_OK) {
                assert_int_equal(got_length, sizeof TEXT - 1);
                assert_memory_equal(got, TEXT, sizeof TEXT - 1);
                harmless++;
            } else {
                assert_int_equal(error.status, LOSS_INVALID_CODING);
            }
            loss_arena_reset(&arena);
        }
        flipped[i] = bytes[i];
    }
    assert_in_range(harmless, 1, harmless_max);
}

static void no_flipped_byte_makes_another_body(void **state)
{
    (void)state;
    /* time, flags and system of the header, its flag of text, and bits after the last code */
    check_flips(LITERAL(GZIP), CODING_GZIP, 6 * 255 + 1 + 127);
    check_flips(LITERAL(ZLIB), CODING_DEFLATE, 15 + 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(codings_have_names, start, stop),
        cmocka_unit_test_setup_teardown(what_others_made_is_read, start, stop),
        cmocka_unit_test_setup_teardown(a_gzip_tells_how_much_it_takes, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_the_coding_is_refused, start, stop),
        cmocka_unit_test_setup_teardown(no_flipped_byte_makes_another_body, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
