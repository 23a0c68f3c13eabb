/* test_scan.c - walking over JSON: what passes, and the byte where a fault is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "codec/scan.h"
#include "support/scanners.h"

/* `where` is a byte offset, or a pointer; NULL if the value is well-formed up to its end. */
static void check_value(const char *bytes, size_t length, enum loss_status want, const char *where)
{
    struct loss_error error;
    struct scanner scanner = scanner_open(bytes, length, &error);
    enum loss_status status = scan_value(&scanner);

    if (status != want || (status != LOSS_OK && status != error.status))
        fail_msg("%.80s: got %s (%s), want %s", bytes, loss_status_code(status), error.sentence,
                 loss_status_code(want));
    if (status == LOSS_OK && scanner.at != scanner.end)
        fail_msg("%.80s: stopped at %td", bytes, scanner.at - scanner.text);
    if (status == LOSS_OK && scanner.depth != 0)
        fail_msg("%.80s: depth %u", bytes, scanner.depth);
    if (where != NULL && strcmp(error.where, where) != 0)
        fail_msg("%.80s: got %s (%s), want %s", bytes, error.where, error.sentence, where);
    scanner_close(&scanner);
}

static void well_formed_values_pass(void **state)
{
    static const char *const rows[] = {
        "0",
        "-0",
        "17",
        "-1.5e-7",
        "1E+2",
        "1e-999",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        "\"\"",
        "\"a b\"",
        "\"NaN\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0001\\u00e9\\uFFff\\uD83D\\uDE00\"",
        "\"\x7f\"",
        "\"\xc2\x80\xdf\xbf\"",
        "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"",
        "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
        "[]",
        "{}",
        " \t\r\n[ \t\r\n]",
        "[1,2 , 3]",
        "[[],{},[[]]]",
        "{\"a\":1}",
        " {\"a\" : [1, {\"b\":null}] , \"\\u0062\":\"\"}",
        "{\"a\":1,\"a\":2}", /* who copies it looks at that */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_value(rows[i], strlen(rows[i]), LOSS_OK, NULL);
}

static const struct {
    const char *text;
    const char *where;
} syntax_faults[] = {
    {"", "0"},
    {"  ", "2"},
    {"[", "1"},
    {"[1", "2"},
    {"[1,", "3"},
    {"[1,]", "3"},
    {"[,1]", "1"},
    {"[1 2]", "3"},
    {"[1}", "2"},
    {"]", "0"},
    {"}", "0"},
    {"{", "1"},
    {"{\"a\"", "4"},
    {"{\"a\":", "5"},
    {"{\"a\":1", "6"},
    {"{\"a\":1,", "7"},
    {"{\"a\":1,}", "7"},
    {"{a:1}", "1"},
    {"{'a':1}", "1"},
    {"{\"a\" 1}", "5"},
    {"{\"a\":}", "5"},
    {"{\"a\":1]", "6"},
    {"{1:1}", "1"},
    {"{,}", "1"},
    {"'a'", "0"},
    {"/* */1", "0"},
    {"[1,//\n2]", "3"},
    {"tru", "0"},
    {"True", "0"},
    {"nul", "0"},
    {"fals", "0"},
    {"nan", "0"},
    {"inf", "0"},
    {"+1", "0"},
    {"[01]", "2"},
    {"[.5]", "1"},
    {"[1.]", "3"},
    {"[0x1]", "2"},
    {"[1e]", "3"},
    {"[--1]", "2"},
    {"[-]", "2"},
    {"[1.5e+]", "6"},
    {"[truex]", "5"},
    {"[nulll]", "5"},
    {"+Infinity", "0"},
    {"-infinity", "1"},
    {"\xef\xbb\xbf{}", "0"},
    {"\xff\xfe", "0"},
    {"[\"a\" \"b\"]", "5"},
    {"\v1", "0"},
    {"[1,\f2]", "3"},
    {"undefined", "0"},
};

static void faults_of_syntax_are_found_at_their_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof syntax_faults / sizeof syntax_faults[0]; i++)
        check_value(syntax_faults[i].text, strlen(syntax_faults[i].text), LOSS_INVALID_JSON,
                    syntax_faults[i].where);
    check_value("[1,\0]", 5, LOSS_INVALID_JSON, "3"); /* a NUL is a stray byte */
    check_value("\0", 1, LOSS_INVALID_JSON, "0");
    check_value("\"a\0b\"", 5, LOSS_INVALID_JSON, "2");
}

static const struct {
    const char *text;
    enum loss_status status;
    const char *where;
} string_faults[] = {
    {"\"", LOSS_INVALID_JSON, "1"},
    {"\"abc", LOSS_INVALID_JSON, "4"},
    {"[\"abc]", LOSS_INVALID_JSON, "6"},
    {"\"a\nb\"", LOSS_INVALID_JSON, "2"},
    {"\"a\tb\"", LOSS_INVALID_JSON, "2"},
    {"\"\x1f\"", LOSS_INVALID_JSON, "1"},
    {"\"\\", LOSS_INVALID_JSON, "1"},
    {"\"ab\\x\"", LOSS_INVALID_JSON, "3"},
    {"\"\\'\"", LOSS_INVALID_JSON, "1"},
    {"\"\\U0041\"", LOSS_INVALID_JSON, "1"},
    {"\"\\u\"", LOSS_INVALID_JSON, "1"},
    {"\"\\u12", LOSS_INVALID_JSON, "1"},
    {"\"\\u123\"", LOSS_INVALID_JSON, "1"},
    {"\"\\u123g\"", LOSS_INVALID_JSON, "1"},
    {"\"\\u 123\"", LOSS_INVALID_JSON, "1"},
    {"\"\\u0000\"", LOSS_INVALID_JSON, "1"},
    {"\"a\\ud800\"", LOSS_INVALID_UTF8, "2"},
    {"\"\\udbff\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\udc00\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\udc00\\udc00\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\udfff\\ud800\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800x\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\n\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\u0041\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\ud800\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\ue000\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\udbff\"", LOSS_INVALID_UTF8, "1"},
    {"\"\\ud800\\udc0", LOSS_INVALID_UTF8, "1"},
    {"\"ab\x80\"", LOSS_INVALID_UTF8, "3"},
    {"\"\xbf\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xc0\x80\"", LOSS_INVALID_UTF8, "1"}, /* overlong */
    {"\"\xc1\xbf\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xe0\x9f\xbf\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0\x8f\xbf\xbf\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xed\xa0\x80\"", LOSS_INVALID_UTF8, "1"}, /* surrogates */
    {"\"\xed\xbf\xbf\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xf4\x90\x80\x80\"", LOSS_INVALID_UTF8, "1"}, /* above U+10FFFF */
    {"\"\xf5\x80\x80\x80\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xff\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xc2", LOSS_INVALID_UTF8, "1"}, /* cut off */
    {"\"\xc2\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xe2\x82\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xe2\x82", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0\x9f\x98\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0\x9f\x98", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0\x9f", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0", LOSS_INVALID_UTF8, "1"},
    {"\"\xe2\x28\xa1\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xe2\x82\xc0\"", LOSS_INVALID_UTF8, "1"},
    {"\"\xf0\x9f\x98\xc0\"", LOSS_INVALID_UTF8, "1"},
    {"{\"a\xff\":1}", LOSS_INVALID_UTF8, "3"},
};

static void faults_of_strings_are_found_at_their_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof string_faults / sizeof string_faults[0]; i++)
        check_value(string_faults[i].text, strlen(string_faults[i].text), string_faults[i].status,
                    string_faults[i].where);
}

static void faults_of_values_name_the_member(void **state)
{
    static const struct {
        const char *text;
        enum loss_status status;
    } rows[] = {
        {"NaN", LOSS_NON_FINITE},
        {"Infinity", LOSS_NON_FINITE},
        {"-Infinity", LOSS_NON_FINITE},
        {"[1,{\"a\":NaN}]", LOSS_NON_FINITE},
        {"1e999", LOSS_NUMBER_OUT_OF_RANGE},
        {"-1e999", LOSS_NUMBER_OUT_OF_RANGE},
        {"[1.7976931348623159e308]", LOSS_NUMBER_OUT_OF_RANGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_value(rows[i].text, strlen(rows[i].text), rows[i].status, "/id");
}

static void nesting_ends_at_the_limit(void **state)
{
    char text[256];

    (void)state;
    for (size_t depth = 31; depth <= 33; depth++) {
        enum loss_status want = depth <= 32 ? LOSS_OK : LOSS_TOO_DEEP;

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        check_value(text, 2 * depth, want, depth <= 32 ? NULL : "32");
        for (size_t i = 0; i < depth; i++)
            memcpy(text + 4 * i, "{\"\":", 4);
        text[4 * depth] = '1';
        memset(text + 4 * depth + 1, '}', depth);
        check_value(text, 5 * depth + 1, want, depth <= 32 ? NULL : "128");
    }
    memset(text, '[', sizeof text); /* never closed */
    check_value(text, sizeof text, LOSS_TOO_DEEP, "32");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_values_pass),
        cmocka_unit_test(faults_of_syntax_are_found_at_their_byte),
        cmocka_unit_test(faults_of_strings_are_found_at_their_byte),
        cmocka_unit_test(faults_of_values_name_the_member),
        cmocka_unit_test(nesting_ends_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
