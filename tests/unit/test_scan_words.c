/* test_scan_words.c - keys and their JSON pointers, NaN and the infinities, and what a message
 * calls the thing that stands there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "codec/scan.h"
#include "support/scanners.h"

static void keys_are_decoded(void **state)
{
    static const struct {
        const char *text, *key;
    } rows[] = {
        {"\"\"", ""},
        {"\"logits\"", "logits"},
        {"\"lo\\u0067its\"", "logits"},
        {"\"\\u006C\\u006f\"", "lo"},
        {"\"a\\/b~\\\\\\\"\"", "a/b~\\\""},
        {"\"a\\nb\\u0001\"", "a?b?"},
        {"\"\xc3\xa9t\xc3\xa9\"", "?t?"},
        {"\"\\u00e9\\ud83d\\ude00x\"", "??x"},
    };
    struct loss_error error;
    char longest[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scanner scanner = scanner_open(rows[i].text, strlen(rows[i].text), &error);

        assert_int_equal(scan_key(&scanner), LOSS_OK);
        assert_string_equal(scanner.key, rows[i].key);
        assert_ptr_equal(scanner.at, scanner.end);
        scanner_close(&scanner);
    }
    for (size_t length = SCAN_KEY_BYTES - 2; length <= SCAN_KEY_BYTES + 1; length++) {
        struct scanner scanner;

        memset(longest, 'k', sizeof longest);
        longest[0] = longest[length + 1] = '"';
        scanner = scanner_open(longest, length + 2, &error);
        assert_int_equal(scan_key(&scanner), LOSS_OK);
        assert_int_equal(strlen(scanner.key),
                         length < SCAN_KEY_BYTES ? length : SCAN_KEY_BYTES - 1);
        assert_ptr_equal(scanner.at, scanner.end);
        scanner_close(&scanner);
    }
}

static void pointers_are_escaped(void **state)
{
    struct loss_error error;
    struct scanner scanner = scanner_open("1", 1, &error);

    (void)state;
    strcpy(scanner.key, "a/b~c");
    assert_int_equal(scan_fail_member(&scanner, LOSS_WRONG_TYPE, "%d", 5), LOSS_WRONG_TYPE);
    assert_string_equal(error.where, "/a~1b~0c");
    assert_string_equal(error.sentence, "5");
    memset(scanner.key, '~', SCAN_KEY_BYTES - 1); /* the longest */
    scanner.key[SCAN_KEY_BYTES - 1] = '\0';
    (void)scan_fail_member(&scanner, LOSS_WRONG_TYPE, "%s", "");
    assert_int_equal(strlen(error.where), 1 + 2 * (SCAN_KEY_BYTES - 1));
    scanner_close(&scanner);
}

static void what_is_not_finite_is_recognised(void **state)
{
    static const struct {
        const char *text;
        double value; /* 0: not one of the words */
        int length;
    } rows[] = {
        {"NaN", NAN, 3},
        {"\"NaN\"", NAN, 5},
        {"Infinity", INFINITY, 8},
        {"-Infinity", -INFINITY, 9},
        {"\"Infinity\"", INFINITY, 10},
        {"\"-Infinity\"", -INFINITY, 11},
        {"NaN,", NAN, 3},
        {"nan", 0, 0},
        {"Na", 0, 0},
        {"\"NaN", 0, 0},
        {"\"NaNs\"", 0, 0},
        {"\"nan\"", 0, 0},
        {"-NaN", 0, 0},
        {"+Infinity", 0, 0},
        {"\"Inf\"", 0, 0},
        {"\" NaN\"", 0, 0},
        {"", 0, 0},
        {"\"", 0, 0},
        {"-", 0, 0},
        {"1", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 0;
        const char *after = scan_non_finite(rows[i].text, &value);

        if (rows[i].length == 0)
            assert_null(after);
        else
            assert_ptr_equal(after, rows[i].text + rows[i].length);
        assert_true(value == rows[i].value || (isnan(value) && isnan(rows[i].value)));
    }
}

static void what_stands_there_is_described(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "the end of the body"},
        {"[1]", "an array"},
        {"{", "an object"},
        {"\"x", "a string"},
        {"\"NaN\"", "a string"},
        {"NaN", "NaN"},
        {"Infinity", "Infinity"},
        {"-Infinity", "-Infinity"},
        {"-1", "a number"},
        {"0", "a number"},
        {"true", "a boolean"},
        {"false", "a boolean"},
        {"null", "null"},
        {"nan", "'n'"},
        {"}", "'}'"},
        {"\x01", "the byte 0x01"},
        {"\xff", "the byte 0xff"},
        {" ", "the byte 0x20"},
        {"\x7f", "the byte 0x7f"},
    };
    char words[32];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_error error;
        struct scanner scanner = scanner_open(rows[i].text, strlen(rows[i].text), &error);

        assert_string_equal(scan_describe(&scanner, scanner.at, words, sizeof words),
                            rows[i].words);
        scanner_close(&scanner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_decoded),
        cmocka_unit_test(pointers_are_escaped),
        cmocka_unit_test(what_is_not_finite_is_recognised),
        cmocka_unit_test(what_stands_there_is_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
