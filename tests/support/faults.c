/* faults.c - bodies, most of them bad, and how they are answered. */
#include "support/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/session.h"

/* What is to come back to where it was. */
struct snapshot {
    double in_flight, bytes, queue, errors, of_code, rows;
};

static struct snapshot look(const char *code)
{
    const struct response *response = client_send(client, "GET", "/metrics", NULL, NULL, 0);
    struct snapshot now = {0};
    char series[128];

    assert_int_equal(response->status, 200);
    assert_int_equal(response->connects, 0);
    (void)snprintf(series, sizeof series, "lossd_errors_total{code=\"%s\"}", code);
    now.in_flight = metric_value_in(response->body, "lossd_in_flight_requests");
    now.bytes = metric_value_in(response->body, "lossd_in_flight_bytes");
    now.queue = metric_value_in(response->body, "lossd_queue_jobs");
    now.of_code = metric_value_in(response->body, series);
    now.rows = metric_value_in(response->body, "lossd_rows_evaluated_total");
    for (const char *line = strstr(response->body, "\nlossd_errors_total{"); line != NULL;
         line = strstr(line + 1, "\nlossd_errors_total{"))
        now.errors += strtod(strchr(line, ' '), NULL);
    return now;
}

/* A good request: its loss, log(1 + e^-1), and one row of work.  On the same connection, unless
 * libcurl itself may have ended that: since 8.0 it does if an error comes before it noticed that it
 * had nothing to send. */
static void check_good_request(const char *name, bool on_same_connection)
{
    const struct response *response = client_evaluate(client, "{\"logits\":[2,1],\"targets\":0}");
    json_t *json = response_json(response);
    double loss = json_number(json_object_get(json, "loss"));

    json_decref(json);
    if (response->status != 200 || (on_same_connection && response->connects != 0) ||
        !(fabs(loss - 0.31326169) < 1e-7))
        fail_msg("%s: then a good request gets %ld %s (%ld connects)", name, response->status,
                 response->body, response->connects);
}

static void check_nothing_left(const char *name, const struct snapshot *before,
                               const struct snapshot *after)
{
    if (after->in_flight != 1.0 || after->bytes != before->bytes || after->queue != 0.0)
        fail_msg("%s: left %g requests, %g bytes of %g, %g jobs", name, after->in_flight,
                 after->bytes, before->bytes, after->queue);
}

static void check_fault(const char *name, const struct fault *fault, const char *body,
                        size_t length, const char *where)
{
    struct snapshot before = look(fault->code), after;
    const struct response *response =
        client_send(client, "POST", "/v1/evaluate", NULL, body, length);
    char text[600];

    if (response_fault(response, 400, fault->code, where, text, sizeof text) != NULL)
        fail_msg("%s: %s", name, text);
    if (response->connects != 0 || response_header(response, "Connection", text, sizeof text))
        fail_msg("%s: the connection is not kept", name);
    if (fault->says != NULL) {
        json_t *json = response_json(response);
        const char *sentence = json_text(json, "error");

        if (strstr(sentence, fault->says) == NULL)
            fail_msg("%s: \"%s\" does not say %s", name, sentence, fault->says);
        json_decref(json);
    }
    check_good_request(name, length > 0);
    after = look(fault->code);
    check_nothing_left(name, &before, &after);
    if (after.errors != before.errors + 1.0 || after.of_code != before.of_code + 1.0 ||
        after.rows != before.rows + 1.0)
        fail_msg("%s: counted %g errors, %g %s, %g rows", name, after.errors - before.errors,
                 after.of_code - before.of_code, fault->code, after.rows - before.rows);
}

/* Take the '^' out of a body; `where` becomes its offset in decimal digits, if there is one. */
static char *without_mark(const struct fault *fault, size_t *length, char *where, size_t size)
{
    const char *mark = fault->where == NULL ? memchr(fault->body, '^', fault->length) : NULL;
    size_t at = mark != NULL ? (size_t)(mark - fault->body) : fault->length;
    char *body = calloc(fault->length + 1, 1);

    assert_non_null(body);
    memcpy(body, fault->body, at);
    where[0] = '\0';
    *length = fault->length;
    if (mark != NULL) {
        memcpy(body + at, mark + 1, fault->length - at - 1);
        *length = fault->length - 1;
        (void)snprintf(where, size, "%zu", at);
    }
    return body;
}

void faults_check(const struct fault *faults, size_t count)
{
    char at[24], name[200];

    check_good_request("at first", false);
    for (size_t i = 0; i < count; i++) {
        size_t length;
        char *body = without_mark(&faults[i], &length, at, sizeof at);

        (void)snprintf(name, sizeof name, "row %s, %s", faults[i].row, body);
        check_fault(name, &faults[i], body, length, at[0] != '\0' ? at : faults[i].where);
        free(body);
    }
}

void oddities_check(const struct oddity *oddities, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct snapshot before = look("internal_error"), after;
        const struct response *response = client_evaluate(client, oddities[i].body);
        json_t *json = response_json(response);

        if (response->status != 200 || json == NULL ||
            strstr(response->body, oddities[i].reply) == NULL)
            fail_msg("row %s, %s: want %s, got %ld %s", oddities[i].row, oddities[i].body,
                     oddities[i].reply, response->status, response->body);
        json_decref(json);
        check_good_request(oddities[i].body, true);
        after = look("internal_error");
        check_nothing_left(oddities[i].body, &before, &after);
        if (after.errors != before.errors)
            fail_msg("%s: counted an error", oddities[i].body);
    }
}
