/* test_words.c - words in messages: quoted safely, listed, and guessed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "codec/words.h"

static void words_are_quoted_safely(void **state)
{
    static const struct {
        const char *word, *quoted;
    } rows[] = {
        {"", "\"\""},
        {"mean", "\"mean\""},
        {"a b\\'", "\"a b\\'\""},
        {"a\"b", "\"a?b\""},
        {"\n\x01\x7f\xc3\xa9", "\"?????\""},
        {"0123456789012345678901234567890123456789",
         "\"0123456789012345678901234567890123456789\""},
        {"0123456789012345678901234567890123456789X",
         "\"0123456789012345678901234567890123456789...\""},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(words_quote(rows[i].word, text, sizeof text), rows[i].quoted);
    for (size_t size = 1; size <= 8; size++) { /* cut, never overrun */
        char *room = malloc(size);

        assert_non_null(room);
        assert_ptr_equal(words_quote("mean", room, size), room);
        assert_int_equal(strlen(room), size < 7 ? size - 1 : 6);
        free(room);
    }
}

static void words_are_listed(void **state)
{
    static const char *const words[] = {"a", "bc", "d"};
    static const char *const lists[] = {"", "\"a\"", "\"a\" or \"bc\"", "\"a\", \"bc\" or \"d\""};
    char text[64];

    (void)state;
    for (size_t count = 0; count <= 3; count++)
        assert_string_equal(words_list(words, count, text, sizeof text), lists[count]);
    for (size_t size = 1; size <= 20; size++) {
        char *room = malloc(size);

        assert_non_null(room);
        (void)words_list(words, 3, room, size);
        assert_int_equal(strlen(room), size <= strlen(lists[3]) ? size - 1 : strlen(lists[3]));
        assert_memory_equal(room, lists[3], strlen(room));
        free(room);
    }
}

static void the_nearest_word_is_found(void **state)
{
    static const char *const words[] = {"logits",  "probabilities", "log_probabilities", "targets",
                                        "weights", "reduction",     "ignore_index",      "dtype",
                                        "id",      "reduce"};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"logits", "logits"},
        {"logit", "logits"},
        {"lables", NULL},     /* 4 edits from logits and from targets */
        {"lojjtz", "logits"}, /* 3 edits of 6 letters */
        {"lojjjz", NULL},
        {"target", "targets"},
        {"tragets", "targets"},
        {"Targets", "targets"},
        {"weight", "weights"},
        {"reductoin", "reduction"},
        {"reduc", "reduce"},
        {"log_probs", NULL}, /* 5 edits from logits; log_probabilities has 8 more letters */
        {"ignoreindex", "ignore_index"},
        {"", NULL},
        {"i", "id"},
        {"xyzzyxyzzyxyzzyxyzzy", NULL},
        {"zzzzzzzz", NULL},
        {"dtyp\xc3\xa9", "dtype"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = words_nearest(rows[i].word, words, sizeof words / sizeof words[0]);

        if (got != rows[i].nearest &&
            (got == NULL || rows[i].nearest == NULL || strcmp(got, rows[i].nearest) != 0))
            fail_msg("%s: got %s, want %s", rows[i].word, got != NULL ? got : "none",
                     rows[i].nearest != NULL ? rows[i].nearest : "none");
    }
    assert_null(words_nearest("logits", words, 0));
}

/* What is longer than the room for comparing is no slip of the pen. */
static void long_words_are_not_compared(void **state)
{
    char longest[66], other[66];
    const char *const words[] = {other};

    (void)state;
    for (size_t length = 62; length <= 64; length++) {
        memset(longest, 'x', length);
        memset(other, 'x', length);
        longest[length] = other[length] = '\0';
        longest[5] = 'y';
        if (length <= 63)
            assert_ptr_equal(words_nearest(longest, words, 1), other);
        else
            assert_null(words_nearest(longest, words, 1));
        longest[60] = '\0';
        assert_true((words_nearest(longest, words, 1) == other) == (length <= 63));
    }
}

static void unknown_words_are_told_with_the_nearest(void **state)
{
    static const char all_of_it[] =
        "there is no parameter "
        "\"0123456789012345678901234567890123456789...\"; did you mean "
        "\"012345678901234567890123456789012345678901234567890123456789012\"?";
    char text[WORDS_UNKNOWN_BYTES], longest[64];

    (void)state;
    assert_string_equal(words_unknown("field", "logit", "logits", text, sizeof text),
                        "there is no field \"logit\"; did you mean \"logits\"?");
    assert_string_equal(words_unknown("tensor", "a\"b", NULL, text, sizeof text),
                        "there is no tensor \"a?b\"");
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = (char)('0' + i % 10);
    longest[63] = '\0';
    assert_string_equal(words_unknown("parameter", longest, longest, text, sizeof text), all_of_it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_quoted_safely),
        cmocka_unit_test(words_are_listed),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(long_words_are_not_compared),
        cmocka_unit_test(unknown_words_are_told_with_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
