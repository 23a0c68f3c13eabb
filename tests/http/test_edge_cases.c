/* test_edge_cases.c - the recorded calls of PyTorch, those that JSON can write, sent to the
 * daemon. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loss/evaluation.h"
#include "support/naive.h"
#include "support/numbers.h"
#include "support/records.h"
#include "support/session.h"

enum { RECORDS = 422, RECORDS_SENT = 284, BODY_BYTES = 256 * 1024 };

/* Why a record is not sent.  JSON has numbers without a type: what depends on another type than the
 * request's dtype cannot be written. */
enum reason {
    SENT,
    INPUT_TYPE,
    TARGET_TYPE,
    WEIGHT_TYPE,
    INTEGRAL_PROBABILITIES,
    FLOATING_INDICES,
    EMPTY_SHAPE,
    REASONS
};

static const char *const reasons[REASONS] = {
    [SENT] = "sent",
    [INPUT_TYPE] = "predictions are neither float32 nor float64",
    [TARGET_TYPE] = "targets are floating of another dtype than the predictions, or no numbers",
    [WEIGHT_TYPE] = "weights are of another dtype than the predictions",
    [INTEGRAL_PROBABILITIES] = "integers in the predictions' shape are class probabilities in JSON",
    [FLOATING_INDICES] = "floats in the shape of indices are indices in JSON if they are integral",
    [EMPTY_SHAPE] = "a shape with a 0 that JSON does not tell from another",
};

static bool is_empty(const struct loss_tensor *tensor)
{
    return loss_tensor_elements(tensor) == 0;
}

static bool is_integral(const struct loss_tensor *tensor)
{
    for (size_t i = 0; i < loss_tensor_elements(tensor); i++) {
        double value = number_at(tensor, i);

        if (value != floor(value) || isinf(value))
            return false;
    }
    return true;
}

/* JSON writes (0) and (0,C) as [], which are read as a batch of no rows, or as no classes; whatever
 * has a 0 further back is written in full, up to there: (2,0,4) as [[],[]], which is (2,0). */
static bool has_writable_shapes(const struct record *record)
{
    const struct loss_tensor *input = &record->input.tensor, *target = &record->target.tensor;
    bool no_rows = input->rank == 2 && input->shape[0] == 0 && target->rank == 1;

    if (!is_empty(input) && !is_empty(target))
        return true;
    if (no_rows && target->shape[0] == 0)
        return true;
    return input->rank == 2 && input->shape[0] != 0 && !is_empty(target); /* (N,0): [[],[]] */
}

static enum reason judge(const struct record *record)
{
    const struct loss_tensor *input = &record->input.tensor, *target = &record->target.tensor;
    enum loss_dtype dtype = input->dtype;

    if (!record->input.usable || (dtype != LOSS_FLOAT32 && dtype != LOSS_FLOAT64))
        return INPUT_TYPE;
    if (!record->target.usable || (loss_dtype_is_floating(target->dtype) && target->dtype != dtype))
        return TARGET_TYPE;
    if (record->weight.given && (!record->weight.usable || record->weight.tensor.dtype != dtype))
        return WEIGHT_TYPE;
    if (!loss_dtype_is_floating(target->dtype) && loss_tensor_same_shape(input, target))
        return INTEGRAL_PROBABILITIES;
    if (loss_dtype_is_floating(target->dtype) && !loss_tensor_same_shape(input, target) &&
        is_integral(target))
        return FLOATING_INDICES;
    return has_writable_shapes(record) ? SENT : EMPTY_SHAPE;
}

/* ---- a record as a request ------------------------------------------------------------------- */

static char *put_number(char *at, double value)
{
    if (isnan(value))
        return at + sprintf(at, "NaN");
    if (isinf(value))
        return at + sprintf(at, value > 0 ? "Infinity" : "-Infinity");
    return at + sprintf(at, "%.17g", value);
}

static char *put_tensor(char *at, const struct loss_tensor *tensor, unsigned depth, size_t *index)
{
    if (depth == tensor->rank) {
        size_t i = (*index)++;

        if (tensor->dtype == LOSS_INT64) /* not by way of a double */
            return at + sprintf(at, "%" PRId64, ((const int64_t *)tensor->data)[i]);
        return put_number(at, number_at(tensor, i));
    }
    *at++ = '[';
    for (size_t i = 0; i < tensor->shape[depth]; i++) {
        if (i > 0)
            *at++ = ',';
        at = put_tensor(at, tensor, depth + 1, index);
    }
    *at++ = ']';
    return at;
}

static char *put_field(char *at, const char *name, const struct loss_tensor *tensor)
{
    size_t index = 0;

    return put_tensor(at + sprintf(at, ",\"%s\":", name), tensor, 0, &index);
}

static char *put_flag(char *at, const char *name, enum record_flag flag)
{
    if (flag == RECORD_FLAG_ABSENT)
        return at;
    return at + sprintf(at, ",\"%s\":%s", name, flag == RECORD_FLAG_TRUE ? "true" : "false");
}

static void write_request(const struct record *record, char *body)
{
    char *at = body + sprintf(body, "{\"dtype\":\"%s\"", record->input.dtype_name);

    at = put_field(at, record->op == RECORD_NLL_LOSS ? "log_probabilities" : "logits",
                   &record->input.tensor);
    at = put_field(at, "targets", &record->target.tensor);
    if (record->weight.given)
        at = put_field(at, "weights", &record->weight.tensor);
    if (record->has_reduction && record->reduction == NULL)
        at += sprintf(at, ",\"reduction\":null");
    else if (record->has_reduction)
        at += sprintf(at, ",\"reduction\":\"%s\"", record->reduction);
    at = put_flag(at, "size_average", record->size_average);
    at = put_flag(at, "reduce", record->reduce);
    if (record->has_ignore_index == RECORD_INTEGER_FITS)
        at += sprintf(at, ",\"ignore_index\":%" PRId64, record->ignore_index);
    else if (record->has_ignore_index != RECORD_INTEGER_ABSENT)
        at += sprintf(at, ",\"ignore_index\":%s",
                      record->has_ignore_index == RECORD_INTEGER_FRACTION ? "1.5"
                                                                          : "9223372036854775808");
    if (record->has_label_smoothing)
        at = put_number(at + sprintf(at, ",\"label_smoothing\":"), record->label_smoothing);
    *at++ = '}';
    *at = '\0';
    assert_true(at - body < BODY_BYTES);
}

/* ---- its reply ------------------------------------------------------------------------------- */

static void check_number(const struct record *record, size_t at, double got, double want)
{
    enum loss_dtype dtype = record->input.tensor.dtype;

    if (dtype == LOSS_FLOAT64 ? !number_is_near(got, want, 1e-12, 1e-13)
                              : number_units_apart(dtype, got, want) > 2.0)
        fail_msg("%s: loss[%zu]: got %.17g, want %.17g", record->name, at, got, want);
}

/* The nested arrays `value` have a tensor's shape, and its numbers. */
static void check_value(const struct record *record, const json_t *value,
                        const struct loss_tensor *shape, unsigned depth, const double *want,
                        size_t *index)
{
    if (depth == shape->rank) {
        check_number(record, *index, json_number(value), want[*index]);
        ++*index;
        return;
    }
    if (!json_is_array(value) || json_array_size(value) != shape->shape[depth])
        fail_msg("%s: the loss has another shape", record->name);
    for (size_t i = 0; i < shape->shape[depth]; i++)
        check_value(record, json_array_get(value, i), shape, depth + 1, want, index);
}

static void check_loss(const struct record *record, const json_t *loss)
{
    const struct record_difference *difference = record_find_difference(record);
    struct loss_tensor shape = record->expected.tensor;
    size_t index = 0, count;
    double *want;

    if (difference == NULL) {
        count = loss_tensor_elements(&shape);
        want = calloc(count + 1, sizeof *want);
        assert_non_null(want);
        for (size_t i = 0; i < count; i++)
            want[i] = number_at(&record->expected64.tensor, i);
    } else { /* PyTorch refuses it, or says something else: the formulas tell what is right */
        struct loss_request request;
        struct naive naive;

        assert_true(record_request(record, &request));
        naive_evaluate(&request, &naive);
        shape = request.reduction == LOSS_REDUCTION_NONE && request.predictions.rank > 1
                    ? request.targets
                    : (struct loss_tensor){.rank = 0};
        count = loss_tensor_elements(&shape);
        want = calloc(count + 1, sizeof *want);
        assert_non_null(want);
        for (size_t i = 0; i < count; i++)
            want[i] = naive_loss(&naive, request.reduction, i);
        naive_free(&naive);
    }
    check_value(record, loss, &shape, 0, want, &index);
    free(want);
}

/* Returns whether it was refused, as it should be. */
static bool check_record(const struct record *record, char *body)
{
    const struct record_difference *difference = record_find_difference(record);
    bool refused = difference != NULL ? difference->is_refused : record->error_type != NULL;
    const struct response *response;
    json_t *json;

    write_request(record, body);
    response = client_evaluate(client, body);
    json = response_json(response);
    if (response->status != (refused ? 400 : 200) || json == NULL)
        fail_msg("%s: %.300s: got %ld %s", record->name, body, response->status, response->body);
    if (refused)
        assert_true(json_text(json, "code")[0] != '\0' && json_text(json, "error")[0] != '\0');
    else
        check_loss(record, json_object_get(json, "loss"));
    json_decref(json);
    return refused;
}

static void every_record_that_json_can_write_is_answered(void **state)
{
    size_t count, counts[REASONS] = {0}, refused = 0;
    struct record *records = records_read("tests/data/edge_cases.jsonl.gz", &count);
    char *body = malloc(BODY_BYTES);

    (void)state;
    assert_non_null(records);
    assert_non_null(body);
    assert_int_equal(count, RECORDS);
    for (size_t i = 0; i < count; i++) {
        enum reason reason = judge(&records[i]);

        counts[reason]++;
        if (reason == SENT)
            refused += check_record(&records[i], body);
    }
    (void)printf("%zu of %zu sent: %zu values, %zu errors\n", counts[SENT], count,
                 counts[SENT] - refused, refused);
    for (int reason = SENT + 1; reason < REASONS; reason++)
        (void)printf("%4zu not: %s\n", counts[reason], reasons[reason]);
    assert_int_equal(counts[SENT], RECORDS_SENT);
    free(body);
    records_free(records, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_that_json_can_write_is_answered),
    };

    return cmocka_run_group_tests(tests, session_start_plain, session_stop);
}
