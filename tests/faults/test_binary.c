/* test_binary.c - faults of binary bodies, as safetensors and in the Open Inference Protocol:
 * rows 36, 39 and 41 to 47. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/alive.h"
#include "support/session.h"

enum { BODY_BYTES = 8192 };

/* A body: a JSON head, written with ' for ", and bytes; how it is answered. */
struct row {
    const char *row, *head;
    const char *bytes;
    size_t count;
    long status;
    const char *code; /* or, of status 200, what is in the reply */
    const char *where;
};

/* clang-format off */
#define BYTES(text) text, sizeof(text) - 1
#define ONE_TWO     "\0\0\x80\x3f\0\0\0\x40" /* in float32 */
#define LOGITS(type, shape, offsets) \
    "'logits':{'dtype':'" type "','shape':" shape ",'data_offsets':" offsets "}"
#define TARGETS(shape, offsets) "'targets':{'dtype':'U8','shape':" shape ",'data_offsets':" offsets "}"
#define FINE_LOGITS LOGITS("F32", "[1,2]", "[0,8]")
#define FINE        "{" FINE_LOGITS "," TARGETS("[1]", "[8,9]") "}"
#define ONES_10     "1,1,1,1,1,1,1,1,1,1,"
#define BROKEN      400, "invalid_safetensors"

static const struct row files[] = {
    {"36", FINE, BYTES("\0\0\x80\x7f\0\0\0\x40\1"), 200, "\"loss\":\"NaN\"", NULL},
    {"36", FINE, BYTES("\0\0\0\x40\0\0\x80\xff\0"), 200, "\"loss\":\"0\"", NULL},
    {"36", FINE, BYTES("\0\0\0\x40\0\0\x80\xff\1"), 200, "\"loss\":\"Infinity\"", NULL},
    {"36", FINE, BYTES("\0\0\xc0\x7f\0\0\0\x40\1"), 200, "\"loss\":\"NaN\"", NULL},
    {"39", "{" LOGITS("F12", "[1,2]", "[0,8]") "," TARGETS("[1]", "[8,9]") "}",
     BYTES(ONE_TWO "\0"), 400, "unknown_dtype", "/logits"},
    {"39", "{" LOGITS("F32", "[1,2]", "[0,4]") "," TARGETS("[1]", "[4,5]") "}",
     BYTES("1234\0"), BROKEN, "/logits"},
    {"41", "[]", BYTES(""), BROKEN, "8"},
    {"42", FINE, BYTES(ONE_TWO), BROKEN, "/targets"},
    {"43", "{" LOGITS("F32", "[4294967296,4294967296,16]", "[0,8]") "," TARGETS("[1]", "[8,9]") "}",
     BYTES(ONE_TWO "\0"), BROKEN, "/logits"},
    {"43", "{" LOGITS("F32", "[1,1001]", "[0,8]") "," TARGETS("[1]", "[8,9]") "}",
     BYTES(ONE_TWO "\0"), BROKEN, "/logits"},
    {"44", "{" LOGITS("F32", "[-1,2]", "[0,8]") "," TARGETS("[1]", "[8,9]") "}",
     BYTES(ONE_TWO "\0"), BROKEN, "42"},
    {"44", "{" LOGITS("F32", "[]", "[0,4]") "," TARGETS("[]", "[4,5]") "}",
     BYTES("1234\0"), 400, "invalid_shape", "/logits"},
    {"44", "{" LOGITS("F32", "[" ONES_10 ONES_10 ONES_10 "1,1,1]", "[0,4]") ","
     TARGETS("[]", "[4,5]") "}", BYTES("1234\0"), 400, "invalid_shape", "/logits"},
    {"44", "{" LOGITS("F32", "[0,2]", "[0,0]") "," TARGETS("[0]", "[0,0]") "}", BYTES(""),
     200, "\"loss\":\"NaN\",\"loss_sum\":\"0\"", NULL},
    {"45", "{" FINE_LOGITS "," TARGETS("[1]", "[7,8]") "}", BYTES(ONE_TWO), BROKEN, "/targets"},
    {"45", "{" FINE_LOGITS "," TARGETS("[1]", "[9,10]") "}", BYTES(ONE_TWO "\0\0"), BROKEN,
     "/targets"},
    {"45", "{" FINE_LOGITS "," TARGETS("[1]", "[8,99]") "}", BYTES(ONE_TWO "\0"), BROKEN,
     "/targets"},
    {"45", "{" TARGETS("[1]", "[0,1]") "," LOGITS("F32", "[1,2]", "[1,9]") "}",
     BYTES("\0" ONE_TWO), 200, "\"loss\":\"1.3132616\"", NULL}, /* unaligned */
    {"47", FINE, BYTES(ONE_TWO "\0x"), BROKEN, "136"},
};

#define INPUT(name, type, shape, size) "{'name':'" name "','shape':" shape ",'datatype':'" type \
    "','parameters':{'binary_data_size':" size "}}"
#define INFER(type, shape, size) \
    "{'inputs':[" INPUT("logits", type, shape, size) "," INPUT("targets", "UINT8", "[1]", "1") "]}"
#define INFER_FINE INFER("FP32", "[1,2]", "8")
#define SIZE(n)    "/inputs/" n "/parameters/binary_data_size"

static const struct row inferences[] = {
    {"36", INFER_FINE, BYTES("\0\0\x80\x7f\0\0\0\x40\1"), 200, "\"data\":[\"NaN\"]", NULL},
    {"39", INFER("FP31", "[1,2]", "8"), BYTES(ONE_TWO "\0"), 400, "unknown_dtype",
     "/inputs/0/datatype"},
    {"39", INFER("FP32", "[1,2]", "4"), BYTES("1234\0"), 400, "shape_mismatch", SIZE("0")},
    {"42", INFER_FINE, BYTES(ONE_TWO), 400, "bad_framing", SIZE("1")},
    {"42", INFER("FP32", "[1,2]", "7"), BYTES(ONE_TWO), 400, "shape_mismatch", SIZE("0")},
    {"43", INFER("FP32", "[4294967296,4294967296,16]", "8"), BYTES(ONE_TWO "\0"),
     413, "too_many_elements", "/inputs/0/shape"},
    {"43", INFER("FP32", "[1,1001]", "8"), BYTES(ONE_TWO "\0"), 413, "too_many_elements",
     "/inputs/0/shape"},
    {"44", INFER("FP32", "[-1,2]", "8"), BYTES(ONE_TWO "\0"), 400, "invalid_shape",
     "/inputs/0/shape"},
    {"44", INFER("FP32", "[]", "4"), BYTES("1234\0"), 400, "invalid_shape", "/logits"},
    {"44", INFER("FP32", "[" ONES_10 ONES_10 ONES_10 "1,1,1]", "4"), BYTES("1234\0"),
     400, "invalid_shape", "/inputs/0/shape"},
    {"47", INFER_FINE, BYTES(ONE_TWO "\0x"), 400, "trailing_data", NULL},
};
/* clang-format on */

/* The head with " for ', at `body`; returns its length. */
static size_t put_head(char *body, const char *head)
{
    size_t length = strlen(head);

    assert_true(length < BODY_BYTES / 2);
    for (size_t i = 0; i < length; i++)
        body[i] = head[i] == '\'' ? '"' : head[i];
    return length;
}

static void check(const struct row *row, const char *path, const char *header, const char *body,
                  size_t length)
{
    const char *headers[] = {header, NULL};
    double bytes = client_resting_bytes(client);
    const struct response *response = client_send(client, "POST", path, headers, body, length);
    char text[600], name[400];

    (void)snprintf(name, sizeof name, "row %s, %s", row->row, row->head);
    if (row->status == 200
            ? response->status != 200 || memmem(response->body, response->body_length, row->code,
                                                strlen(row->code)) == NULL
            : response_fault(response, row->status, row->code, row->where, text, sizeof text) !=
                  NULL)
        fail_msg("%s: %s", name, row->status == 200 ? response->body : text);
    /* Nothing of the body can be trusted if its frame is wrong, but where it ends is known. */
    if (response->connects != 0)
        fail_msg("%s: the connection was not kept before it", name);
    check_alive(lossd.port, name);
    if (strcmp(row->code, "bad_framing") == 0)
        (void)client_send(client, "GET", "/livez", NULL, NULL, 0);
    if (client_resting_bytes(client) != bytes)
        fail_msg("%s: bytes are left", name);
}

static void faults_of_files(void **state)
{
    static char body[BODY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        uint64_t head = put_head(body + 8, files[i].head);

        memcpy(body, &head, 8);
        memcpy(body + 8 + head, files[i].bytes, files[i].count);
        check(&files[i], "/v1/evaluate", "Content-Type: application/x-safetensors", body,
              8 + head + files[i].count);
    }
}

/* What is shorter than its own header. */
static void faults_of_the_length(void **state)
{
    static const struct row rows[] = {
        {"41", "7 bytes", BYTES("\2\0\0\0\0\0\0"), BROKEN, "0"},
        {"41", "a header past the end", BYTES("\x64\0\0\0\0\0\0\0{}"), BROKEN, "0"},
        {"42", "half a header", BYTES("\x28\0\0\0\0\0\0\0{\"logits\""), BROKEN, "0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check(&rows[i], "/v1/evaluate", "Content-Type: application/x-safetensors", rows[i].bytes,
              rows[i].count);
}

static void faults_of_inferences(void **state)
{
    static char body[BODY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof inferences / sizeof inferences[0]; i++) {
        size_t head = put_head(body, inferences[i].head);
        char header[80];

        (void)snprintf(header, sizeof header, "Inference-Header-Content-Length: %zu", head);
        memcpy(body + head, inferences[i].bytes, inferences[i].count);
        check(&inferences[i], "/v2/models/cross_entropy/infer", header, body,
              head + inferences[i].count);
    }
}

/* Lengths of the JSON that are none, or not of this body. */
static void faults_of_the_inference_header(void **state)
{
    static const char *const values[] = {"x", "-1", "1e3", "99999", "2147483648", "0"};
    static char body[BODY_BYTES];
    size_t head = put_head(body, INFER_FINE);

    (void)state;
    memcpy(body + head, ONE_TWO, 9);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const struct row row = {"41", values[i], NULL, 0, 400, "bad_framing", NULL};
        char header[80];

        (void)snprintf(header, sizeof header, "Inference-Header-Content-Length: %s", values[i]);
        check(&row, "/v2/models/cross_entropy/infer", header, body, head + 9);
    }
}

static int start(void **state)
{
    (void)state;
    (void)session_start((const char *const[]){"--elements-max", "1000", NULL}, NULL);
    return client_send(client, "GET", "/livez", NULL, NULL, 0)->status == 200 ? 0 : 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_files),
        cmocka_unit_test(faults_of_the_length),
        cmocka_unit_test(faults_of_inferences),
        cmocka_unit_test(faults_of_the_inference_header),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
