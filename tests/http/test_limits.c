/* test_limits.c - each limit of decoding just below, at and just above it; and bodies made to
 * cost more than they are worth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/client.h"
#include "support/daemon.h"

enum { MEGABYTES_10 = 10 * 1000 * 1000, MILLION = 1000 * 1000, COST_MS = 5000 };

static struct daemon small, large;
static struct client *to_small, *to_large;

static int start(void **state)
{
    (void)state;
    daemon_start(&small,
                 (const char *const[]){"--elements-max", "6", "--envelope-bytes-max", "100",
                                       "--json-depth-max", "4", NULL},
                 NULL);
    daemon_start(&large, NULL, NULL);
    to_small = client_open(small.port);
    to_large = client_open(large.port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_close(to_small);
    client_close(to_large);
    return daemon_stop(&small) + daemon_stop(&large);
}

static void check(const char *name, const struct response *response, long status, const char *code,
                  const char *where)
{
    char text[600];

    if (status == 200 && response->status != 200)
        fail_msg("%s: got %ld %s", name, response->status, response->body);
    if (status != 200 && response_fault(response, status, code, where, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
}

static void a_tensor_may_have_so_many_elements(void **state)
{
    static const struct {
        const char *body;
        const char *where; /* NULL: it fits */
    } bodies[] = {
        {"{\"logits\":[[1,2,3,4,5]],\"targets\":[0]}", NULL},
        {"{\"logits\":[[1,2,3,4,5,6]],\"targets\":[0]}", NULL},
        {"{\"logits\":[[1,2,3,4,5,6,7]],\"targets\":[0]}", "/logits"},
        {"{\"log_probabilities\":[[1],[2],[3],[4],[5],[6],[7]],\"targets\":[0]}",
         "/log_probabilities"},
        {"{\"logits\":[[1],[1],[1],[1],[1],[1]],\"targets\":[0,0,0,0,0,0]}", NULL},
        {"{\"logits\":[[1]],\"targets\":[0,0,0,0,0,0,0]}", "/targets"},
        {"{\"logits\":[[1]],\"targets\":[0],\"weights\":[1,1,1,1,1,1,1]}", "/weights"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        check(bodies[i].body, client_evaluate(to_small, bodies[i].body),
              bodies[i].where == NULL ? 200 : 413, "too_many_elements", bodies[i].where);
}

/* Every option counts with its name and its value. */
static void the_options_may_have_so_many_bytes(void **state)
{
    char body[512];

    (void)state;
    for (int length = 95; length <= 97; length++) { /* and 4 for id and its quotes */
        (void)snprintf(body, sizeof body, "{\"id\":\"%0*d\",\"logits\":[1,2],\"targets\":0}",
                       length, 1);
        check(body, client_evaluate(to_small, body), length <= 96 ? 200 : 413, "body_too_large",
              "/id");
    }
    (void)snprintf(body, sizeof body,
                   "{\"logits\":[1,2],\"targets\":0,\"reduction\":\"sum\",\"id\":\"%083d\"}", 1);
    check(body, client_evaluate(to_small, body), 413, "body_too_large", "/id");
    (void)snprintf(body, sizeof body, "{\"logits\":[1,2],\"targets\":0,\"id\":%*s\"\"}", 200, "");
    check("space before a value", client_evaluate(to_small, body), 200, NULL, NULL);
}

static void json_may_be_nested_so_deeply(void **state)
{
    static const struct {
        const char *body;
        const char *where;
    } bodies[] = {
        {"{\"logits\":[[1,2]],\"targets\":[0]}", NULL},
        {"{\"logits\":[[[1],[2]]],\"targets\":[[0]]}", NULL},
        {"{\"logits\":[[[[1]]]],\"targets\":[[[0]]]}", "13"},
        {"{\"id\":[[[[1]]]],\"logits\":[1,2]}", "9"},
        {"{\"id\":{\"a\":[{\"b\":[]}]},\"logits\":[1,2]}", "17"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        check(bodies[i].body, client_evaluate(to_small, bodies[i].body),
              bodies[i].where == NULL ? 200 : 400, "too_deep", bodies[i].where);
}

/* before, part times count, after. */
static char *repeated(const char *before, const char *part, size_t count, const char *after)
{
    size_t length = strlen(before), step = strlen(part);
    char *text = malloc(length + step * count + strlen(after) + 1);

    assert_non_null(text);
    strcpy(text, before);
    for (size_t i = 0; i < count; i++)
        memcpy(text + length + i * step, part, step);
    strcpy(text + length + step * count, after);
    return text;
}

/* Bodies of megabytes.  Each is refused, or answered, in time that grows with its length alone. */
static const struct {
    const char *name, *before, *part;
    size_t count;
    const char *after;
    long status;
    const char *code, *where;
} costly[] = {
    {"10^6 digits, huge", "{\"logits\":[[1,1", "0", MILLION, "]],\"targets\":[0]}", 400,
     "number_out_of_range", "/logits/0/1"},
    {"10^6 digits, small", "{\"logits\":[[1,0.", "3", MILLION, "]],\"targets\":[0]}", 200, NULL,
     NULL},
    {"10^6 digits and an exponent", "{\"logits\":[[1,1", "0", MILLION,
     "e-1000000]],\"targets\":[0]}", 200, NULL, NULL},
    {"10 MB of [", "{\"logits\":", "[", MEGABYTES_10, "", 400, "too_deep", "41"},
    {"10 MB of [ in an option", "{\"id\":", "[", MEGABYTES_10, "", 400, "too_deep", "37"},
    {"10 MB of [],", "{\"logits\":[", "[],", MEGABYTES_10 / 3, "[]],\"targets\":[0]}", 400,
     "shape_mismatch", "/targets"},
    {"10 MB of {},", "{\"logits\":[", "{},", MEGABYTES_10 / 3, "{}],\"targets\":[0]}", 400,
     "wrong_type", "/logits/0"},
    {"10 MB of {}, in an option", "{\"return\":[", "{},", MEGABYTES_10 / 3, "{}]}", 413,
     "body_too_large", "/return"},
    {"10 MB of a string", "{\"id\":\"", "x", MEGABYTES_10, "\"}", 413, "body_too_large", "/id"},
    {"10 MB of unknown fields", "{\"n\":0,", "\"n\":0,", MEGABYTES_10 / 6, "\"n\":0}", 400,
     "unknown_field", "/n"},
    {"10 MB of space", "{\"logits\":[0,0],\"targets\":0}", " ", MEGABYTES_10, "", 200, NULL, NULL},
    {"a long name", "{\"", "x", MILLION, "\":0}", 400, "unknown_field",
     "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"a long word", "{\"dtype\":\"", "x", 60000, "\"}", 400, "unknown_dtype", "/dtype"},
};

static void costly_bodies_cost_little(void **state)
{
    double memory, peak;

    (void)state;
    memory = client_metric(to_large, "lossd_memory_budget_bytes");
    for (size_t i = 0; i < sizeof costly / sizeof costly[0]; i++) {
        char *body = repeated(costly[i].before, costly[i].part, costly[i].count, costly[i].after);
        double since = clock_ms();

        check(costly[i].name, client_evaluate(to_large, body), costly[i].status, costly[i].code,
              costly[i].where);
        if (clock_ms() - since > COST_MS)
            fail_msg("%s: took %g ms", costly[i].name, clock_ms() - since);
        free(body);
        check(costly[i].name, client_evaluate(to_large, "{\"logits\":[0,0],\"targets\":0}"), 200,
              NULL, NULL);
    }
    peak = client_metric(to_large, "process_resident_memory_bytes");
    assert_true(peak < memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_may_have_so_many_elements),
        cmocka_unit_test(the_options_may_have_so_many_bytes),
        cmocka_unit_test(json_may_be_nested_so_deeply),
        cmocka_unit_test(costly_bodies_cost_little),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
