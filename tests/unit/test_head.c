/* test_head.c - what headers mean, and which of them are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/head.h"

static const struct {
    const char *name;
    struct head head;
    enum loss_status status;
    const char *says;
} guarded[] = {
    {"plain", {.hosts = 1}, LOSS_OK, ""},
    {"a body", {.hosts = 1, .content_lengths = 1, .content_length = "5"}, LOSS_OK, ""},
    {"chunked", {.hosts = 1, .transfer_encodings = 1, .transfer_encoding = "chunked"}, LOSS_OK, ""},
    {"case", {.hosts = 1, .transfer_encodings = 1, .transfer_encoding = "Chunked"}, LOSS_OK, ""},
    {"1.0 needs no host", {.is_http_1_0 = true}, LOSS_OK, ""},
    {"expect", {.hosts = 1, .expect = "100-continue"}, LOSS_OK, ""},
    {"expect in capitals", {.hosts = 1, .expect = "100-Continue"}, LOSS_OK, ""},
    {"two lengths",
     {.hosts = 1, .content_lengths = 2, .content_length = "5"},
     LOSS_BAD_FRAMING,
     "Content-Length is there more than once"},
    {"two codings",
     {.hosts = 1, .transfer_encodings = 2, .transfer_encoding = "chunked"},
     LOSS_BAD_FRAMING,
     "Transfer-Encoding is there more than once"},
    {"both",
     {.hosts = 1,
      .transfer_encodings = 1,
      .transfer_encoding = "chunked",
      .content_lengths = 1,
      .content_length = "5"},
     LOSS_BAD_FRAMING,
     "both there"},
    {"gzip",
     {.hosts = 1, .transfer_encodings = 1, .transfer_encoding = "gzip, chunked"},
     LOSS_BAD_FRAMING,
     "chunked"},
    {"a space",
     {.hosts = 1, .transfer_encodings = 1, .transfer_encoding = "chunked "},
     LOSS_BAD_FRAMING,
     "chunked"},
    {"no value", {.hosts = 1, .transfer_encodings = 1}, LOSS_BAD_FRAMING, "chunked"},
    {"chunked on 1.0",
     {.hosts = 1, .is_http_1_0 = true, .transfer_encodings = 1, .transfer_encoding = "chunked"},
     LOSS_BAD_FRAMING,
     "HTTP/1.0"},
    {"two hosts", {.hosts = 2}, LOSS_BAD_FRAMING, "Host is there more than once"},
    {"two hosts on 1.0", {.hosts = 2, .is_http_1_0 = true}, LOSS_BAD_FRAMING, "Host"},
    {"two types", {.hosts = 1, .content_types = 2}, LOSS_BAD_FRAMING, "Content-Type"},
    {"two encodings", {.hosts = 1, .content_encodings = 2}, LOSS_BAD_FRAMING, "Content-Encoding"},
    {"two expectations",
     {.hosts = 1, .expects = 2, .expect = "100-continue"},
     LOSS_BAD_FRAMING,
     "Expect"},
    {"one of each",
     {.hosts = 1,
      .content_types = 1,
      .content_encodings = 1,
      .expects = 1,
      .expect = "100-continue"},
     LOSS_OK,
     ""},
    {"no host", {.hosts = 0}, LOSS_BAD_FRAMING, "Host is missing"},
    {"a bad name", {.hosts = 1, .has_bad_name = true}, LOSS_BAD_FRAMING, "name"},
    {"another expectation",
     {.hosts = 1, .expect = "200-maybe"},
     LOSS_EXPECTATION_FAILED,
     "100-continue"},
    {"an empty expectation", {.hosts = 1, .expect = ""}, LOSS_EXPECTATION_FAILED, "Expect"},
    {"framing before expectation",
     {.hosts = 2, .expect = "x"},
     LOSS_BAD_FRAMING,
     "Host is there more than once"},
};

static void the_guard_refuses_what_is_ambiguous(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++) {
        struct loss_error error = {.status = LOSS_OK};
        enum loss_status status = head_guard(&guarded[i].head, &error);

        if (status != guarded[i].status || error.status != status ||
            strstr(error.sentence, guarded[i].says) == NULL)
            fail_msg("%s: got %s, \"%s\"", guarded[i].name, loss_status_code(status),
                     error.sentence);
        assert_string_equal(error.where, "");
    }
}

static void the_body_is_announced(void **state)
{
    static const struct {
        struct head head;
        enum head_body body;
        uint64_t length;
    } rows[] = {
        {{.content_length = NULL}, HEAD_BODY_NONE, 0},
        {{.content_length = "0", .content_lengths = 1}, HEAD_BODY_NONE, 0},
        {{.content_length = "000", .content_lengths = 1}, HEAD_BODY_NONE, 0},
        {{.content_length = "1", .content_lengths = 1}, HEAD_BODY_SIZED, 1},
        {{.content_length = "0017", .content_lengths = 1}, HEAD_BODY_SIZED, 17},
        {{.content_length = "4294967296", .content_lengths = 1}, HEAD_BODY_SIZED, 4294967296},
        {{.content_length = "18446744073709551615", .content_lengths = 1},
         HEAD_BODY_SIZED,
         UINT64_MAX},
        {{.content_length = "99999999999999999999999", .content_lengths = 1},
         HEAD_BODY_SIZED,
         UINT64_MAX},
        {{.transfer_encodings = 1, .transfer_encoding = "chunked"}, HEAD_BODY_CHUNKED, 0},
        {{.transfer_encodings = 1, .content_length = "5"}, HEAD_BODY_CHUNKED, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t length = 99;

        assert_int_equal(head_body(&rows[i].head, &length), rows[i].body);
        assert_true(length == rows[i].length);
    }
}

static void media_types_are_compared_without_parameters(void **state)
{
    static const struct {
        const char *type;
        bool is_json;
    } rows[] = {
        {"application/json", true},
        {"Application/JSON", true},
        {"application/json;charset=utf-8", true},
        {"application/json ; x=\"y\"", true},
        {"application/json\t", true},
        {" \tapplication/json", true},
        {"application/json;", true},
        {"application/jsonx", false},
        {"application/json-seq", false},
        {"application/jso", false},
        {"application/x-json", false},
        {"application/json, text/plain", false},
        {"text/json", false},
        {"application/x-www-form-urlencoded", false},
        {"", false},
        {" ", false},
        {";", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (head_is_media_type(rows[i].type, "application/json") != rows[i].is_json)
            fail_msg("\"%s\" is judged wrongly", rows[i].type);
    }
}

/* tchar of RFC 9110: letters, digits and fifteen others. */
static void names_are_tokens(void **state)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    int count = 0;

    (void)state;
    for (int byte = 0; byte < 256; byte++)
        count += head_is_token((unsigned char)byte);
    assert_int_equal(count, 26 + 26 + 10 + 15);
    for (const char *c = others; *c != '\0'; c++)
        assert_true(head_is_token((unsigned char)*c));
    for (const char *c = "azAZ09"; *c != '\0'; c++)
        assert_true(head_is_token((unsigned char)*c));
    for (const char *c = " \t\r\n\"(),/:;<=>?@[\\]{}\x7f\x80\xff"; *c != '\0'; c++)
        assert_false(head_is_token((unsigned char)*c));
    assert_false(head_is_token('\0'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_guard_refuses_what_is_ambiguous),
        cmocka_unit_test(the_body_is_announced),
        cmocka_unit_test(media_types_are_compared_without_parameters),
        cmocka_unit_test(names_are_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
