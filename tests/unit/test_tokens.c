/* test_tokens.c - files of bearer tokens, and what is taken for one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/tokens.h"

#define A "abcdefghijklmnop" /* as short as a token may be */
#define B "0123456789-._~+/=="

static struct tokens *parse(const char *text, struct loss_error *error)
{
    return tokens_parse("keys/tokens", text, strlen(text), error);
}

static bool includes(const struct tokens *tokens, const char *token)
{
    return tokens_include(tokens, token, strlen(token));
}

static void files_are_read_line_by_line(void **state)
{
    static const struct {
        const char *text;
        size_t count;
        const char *has, *has_not;
    } rows[] = {
        {A, 1, A, B},
        {A "\n", 1, A, B},
        {"\n\n" A "\n\n" B "\n", 2, B, "x"},
        {"# " A "\n" B, 1, B, A},
        {"  # a remark\n\t" A " \r\n", 1, A, B},
        {A "\n" A "\n", 2, A, B},
        {A "x\n", 1, A "x", A},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_error error;
        struct tokens *tokens = parse(rows[i].text, &error);

        if (tokens == NULL || tokens_count(tokens) != rows[i].count ||
            !includes(tokens, rows[i].has) || includes(tokens, rows[i].has_not))
            fail_msg("row %zu", i);
        tokens_free(tokens);
    }
    tokens_free(NULL);
}

static void what_is_wrong_has_its_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"", "keys/tokens: there is no token"},
        {"# none\n\n", "keys/tokens: there is no token"},
        {"abcdefghijklmno", "keys/tokens:1: the token has 15 characters, not 16 to 256"},
        {A "\n\nshort\n", "keys/tokens:3: the token has 5 characters"},
        {A "\nsecret word secret word\n", "keys/tokens:2: a token has letters"},
        {A "\n" A "=x\n", "keys/tokens:2: a token has"},
        {"================\n", "keys/tokens:1: a token has"},
        {A "\xc3\xa9\n", "keys/tokens:1: a token has"},
        {A ":x\n", "keys/tokens:1: a token has"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct loss_error error = {.sentence = ""};

        assert_null(parse(rows[i].text, &error));
        assert_int_equal(error.status, LOSS_INTERNAL_ERROR);
        if (strncmp(error.sentence, rows[i].says, strlen(rows[i].says)) != 0)
            fail_msg("row %zu: %s", i, error.sentence);
        assert_null(strstr(error.sentence, "secret"));
        assert_null(strstr(error.sentence, A));
    }
    assert_null(tokens_parse("p", A "\0" A, 2 * sizeof A, &(struct loss_error){.status = LOSS_OK}));
}

/* Lengths and counts: at the limit, and one above. */
static void limits_have_two_sides(void **state)
{
    static char text[(TOKENS_MAX + 1) * 32 + 1];
    char longest[TOKEN_BYTES_MAX + 2];
    struct loss_error error;
    struct tokens *tokens;

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[TOKEN_BYTES_MAX + 1] = '\0';
    assert_null(parse(longest, &error));
    assert_non_null(strstr(error.sentence, ":1: the token has 257 characters"));
    longest[TOKEN_BYTES_MAX] = '\0';
    tokens = parse(longest, &error);
    assert_true(includes(tokens, longest));
    longest[TOKEN_BYTES_MAX - 1] = '\0';
    assert_false(includes(tokens, longest));
    tokens_free(tokens);
    for (int i = 0; i < TOKENS_MAX; i++)
        (void)snprintf(text + strlen(text), 32, "token-number-%03d\n", i);
    tokens = parse(text, &error);
    assert_int_equal(tokens_count(tokens), 64);
    assert_true(includes(tokens, "token-number-000") && includes(tokens, "token-number-063"));
    assert_false(includes(tokens, "token-number-064"));
    tokens_free(tokens);
    (void)snprintf(text + strlen(text), 32, "token-number-064\n");
    assert_null(parse(text, &error));
    assert_non_null(strstr(error.sentence, ":65: this is one token more than the 64"));
}

/* Every byte and the length count: nothing that differs in one place is taken. */
static void only_the_whole_token_is_taken(void **state)
{
    struct loss_error error;
    struct tokens *tokens = parse(B "\n" A "\n", &error);
    char other[sizeof A];

    (void)state;
    for (size_t i = 0; i < sizeof A - 1; i++) {
        memcpy(other, A, sizeof A);
        other[i] ^= 1;
        assert_false(tokens_include(tokens, other, sizeof A - 1));
        assert_false(tokens_include(tokens, A, i));
    }
    assert_false(tokens_include(tokens, A "\0", sizeof A + 1 + 300)); /* too long to be looked at */
    assert_false(includes(tokens, A "a"));
    assert_false(includes(tokens, ""));
    assert_true(includes(tokens, A));
    tokens_free(tokens);
}

static void headers_are_understood(void **state)
{
    static const struct {
        const char *header, *token; /* NULL: none */
    } rows[] = {
        {"Bearer " A, A},
        {"bearer " A, A},
        {"BEARER   " A "  ", A},
        {"Bearer x", "x"},
        {"Bearer", NULL},
        {"Bearer ", NULL},
        {"Bearer" A, NULL},
        {"Bearer\t" A, NULL},
        {"Basic " A, NULL},
        {A, NULL},
        {"", NULL},
        {"Bearer a b", NULL},
        {"Bearer a, Bearer b", NULL},
        {"Bearer \"" A "\"", NULL},
        {"Bearer =", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = 0;
        const char *token = tokens_bearer(rows[i].header, &length);

        if ((token == NULL) != (rows[i].token == NULL) ||
            (token != NULL &&
             (length != strlen(rows[i].token) || memcmp(token, rows[i].token, length) != 0)))
            fail_msg("%s", rows[i].header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_read_line_by_line),
        cmocka_unit_test(what_is_wrong_has_its_line),
        cmocka_unit_test(limits_have_two_sides),
        cmocka_unit_test(headers_are_understood),
        cmocka_unit_test(only_the_whole_token_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
