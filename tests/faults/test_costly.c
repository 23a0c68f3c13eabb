/* test_costly.c - bodies made to cost more than they are worth: rows 14, 17, 18 and 22. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/lines.h"
#include "support/session.h"
#include "support/texts.h"

enum { MEGABYTES_10 = 10 * 1000 * 1000, MILLION = 1000 * 1000, COST_S = 5, KEYS = 100000 };

#define BUDGET "67108864" /* bytes */

static void check(const char *name, const struct response *response, long status, const char *code,
                  const char *where)
{
    char text[600];

    if (status == 200 && response->status != 200)
        fail_msg("%s: got %ld %s", name, response->status, response->body);
    if (status != 200 && response_fault(response, status, code, where, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
}

/* Bodies of megabytes.  Each is refused, or answered, in time that grows with its length alone. */
static const struct {
    const char *row, *name, *before, *part;
    size_t count;
    const char *after;
    long status;
    const char *code, *where;
} costly[] = {
    {"14", "10^6 digits, huge", "{\"logits\":[[1,1", "0", MILLION, "]],\"targets\":[0]}", 400,
     "number_out_of_range", "/logits/0/1"},
    {"14", "10^6 digits, small", "{\"logits\":[[1,0.", "3", MILLION, "]],\"targets\":[0]}", 200,
     NULL, NULL},
    {"14", "10^6 digits and an exponent", "{\"logits\":[[1,1", "0", MILLION,
     "e-1000000]],\"targets\":[0]}", 200, NULL, NULL},
    {"17", "10 MB of [", "{\"logits\":", "[", MEGABYTES_10, "", 400, "too_deep", "41"},
    {"17", "10 MB of [ in an option", "{\"id\":", "[", MEGABYTES_10, "", 400, "too_deep", "37"},
    {"18", "10 MB of [],", "{\"logits\":[", "[],", MEGABYTES_10 / 3, "[]],\"targets\":[0]}", 400,
     "shape_mismatch", "/targets"},
    {"18", "10 MB of {},", "{\"logits\":[", "{},", MEGABYTES_10 / 3, "{}],\"targets\":[0]}", 400,
     "wrong_type", "/logits/0"},
    {"18", "10 MB of {}, in an option", "{\"return\":[", "{},", MEGABYTES_10 / 3, "{}]}", 413,
     "body_too_large", "/return"},
    {"18", "10 MB of a string", "{\"id\":\"", "x", MEGABYTES_10, "\"}", 413, "body_too_large",
     "/id"},
    {"22", "10 MB of unknown fields", "{\"n\":0,", "\"n\":0,", MEGABYTES_10 / 6, "\"n\":0}", 400,
     "unknown_field", "/n"},
    {"18", "10 MB of space", "{\"logits\":[0,0],\"targets\":0}", " ", MEGABYTES_10, "", 200, NULL,
     NULL},
    {"24", "a long name", "{\"", "x", MILLION, "\":0}", 400, "unknown_field",
     "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"39", "a long word", "{\"dtype\":\"", "x", 60000, "\"}", 400, "unknown_dtype", "/dtype"},
};

static void costly_bodies_cost_little(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof costly / sizeof costly[0]; i++) {
        char *body =
            text_repeated(costly[i].before, costly[i].part, costly[i].count, costly[i].after);
        double before_s = daemon_cpu_s(&lossd);

        check(costly[i].name, client_evaluate(client, body), costly[i].status, costly[i].code,
              costly[i].where);
        if (!(daemon_cpu_s(&lossd) - before_s < COST_S))
            fail_msg("%s: took %g s", costly[i].name, daemon_cpu_s(&lossd) - before_s);
        free(body);
        check(costly[i].name, client_evaluate(client, "{\"logits\":[0,0],\"targets\":0}"), 200,
              NULL, NULL);
    }
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    if (!(daemon_peak_bytes(&lossd) <= 1.1 * strtod(BUDGET, NULL)))
        fail_msg("%g bytes, with a budget of " BUDGET, daemon_peak_bytes(&lossd));
#endif
}

/* Row 22: members that nobody knows, all different; the Open Inference Protocol steps over them. */
static void many_names_cost_little(void **state)
{
    struct lines body = {0};
    double before_s;

    (void)state;
    lines_word(&body,
               "{\"inputs\":[{\"name\":\"logits\",\"shape\":[2],\"datatype\":\"FP32\",\"data\":"
               "[1,2]},{\"name\":\"targets\",\"shape\":[],\"datatype\":\"INT32\",\"data\":[0]}]");
    for (int i = 0; i < KEYS; i++)
        lines_print(&body, ",\"k%d\":%d", i, i);
    lines_word(&body, "}");
    before_s = daemon_cpu_s(&lossd);
    check(
        "many names",
        client_send(client, "POST", "/v2/models/cross_entropy/infer", NULL, body.text, body.length),
        200, NULL, NULL);
    assert_true(daemon_cpu_s(&lossd) - before_s < COST_S);
    lines_free(&body);
}

static int start(void **state)
{
    (void)state;
    return session_start((const char *const[]){"--memory-budget-bytes", BUDGET, NULL}, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costly_bodies_cost_little),
        cmocka_unit_test(many_names_cost_little),
    };

    return cmocka_run_group_tests(tests, start, session_stop);
}
