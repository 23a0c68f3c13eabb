/* test_limits.c - each limit of decoding just below, at and just above it. */
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

static struct daemon small;
static struct client *to_small;

static int start(void **state)
{
    (void)state;
    daemon_start(&small,
                 (const char *const[]){"--elements-max", "6", "--envelope-bytes-max", "100",
                                       "--json-depth-max", "4", NULL},
                 NULL);
    to_small = client_open(small.port);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    client_close(to_small);
    return daemon_stop(&small);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_may_have_so_many_elements),
        cmocka_unit_test(the_options_may_have_so_many_bytes),
        cmocka_unit_test(json_may_be_nested_so_deeply),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
