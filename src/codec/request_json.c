/* request_json.c - the JSON form of a request: one object, whose tensors are read where they stand and
 * whose other members are copied to an envelope. */
#include "codec/request_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "codec/envelope.h"
#include "codec/scan.h"
#include "codec/tensor_json.h"
#include "codec/words.h"

/* The first three in the order of enum loss_stage. */
enum field { LOGITS, PROBABILITIES, LOG_PROBABILITIES, TARGETS, WEIGHTS, FIELDS };

static const char *const field_names[FIELDS] = {"logits", "probabilities", "log_probabilities",
                                                "targets", "weights"};

struct decoding {
    struct scanner scanner;
    const struct codec_limits *limits;
    struct loss_arena *arena;
    struct codec_request *request;
    enum loss_dtype read_as;   /* the dtype that predictions and weights were read as */
    const char *texts[FIELDS]; /* where each tensor begins; NULL if it is not there */
    struct tensor_json tensors[FIELDS];
    int predictions;       /* the field that is there, or FIELDS */
    unsigned options_seen; /* a bit for each option */
    struct envelope envelope;
    size_t envelope_bytes; /* the text of the options so far */
};

static enum tensor_json_mode mode_of(const struct decoding *decoding, int field)
{
    if (field == TARGETS)
        return TENSOR_JSON_TARGETS;
    return decoding->read_as == LOSS_FLOAT64 ? TENSOR_JSON_FLOAT64 : TENSOR_JSON_FLOAT32;
}

static enum loss_status fail_duplicate(struct decoding *decoding)
{
    return scan_fail_member(&decoding->scanner, LOSS_DUPLICATE_KEY,
                            "the field \"%s\" is there twice", decoding->scanner.key);
}

static enum loss_status read_tensor(struct decoding *decoding, int field)
{
    struct scanner *scanner = &decoding->scanner;

    if (decoding->texts[field] != NULL)
        return fail_duplicate(decoding);
    if (field <= LOG_PROBABILITIES) {
        if (decoding->predictions != FIELDS)
            return scan_fail_member(scanner, LOSS_CONFLICTING_FIELDS,
                                    "\"%s\" and \"%s\" are both there, but only one of logits, "
                                    "probabilities and log_probabilities may be",
                                    field_names[decoding->predictions], field_names[field]);
        decoding->predictions = field;
    }
    decoding->texts[field] = scanner->at;
    return tensor_json_read(scanner, mode_of(decoding, field), decoding->limits->elements_max,
                            decoding->arena, &decoding->tensors[field]);
}

static enum loss_status read_option(struct decoding *decoding, int option)
{
    struct scanner *scanner = &decoding->scanner;
    const char *start = scanner->at;
    enum loss_status status;

    if (decoding->options_seen & 1u << option)
        return fail_duplicate(decoding);
    decoding->options_seen |= 1u << option;
    if ((status = scan_value(scanner)) != LOSS_OK)
        return status;
    decoding->envelope_bytes += strlen(scanner->key) + (size_t)(scanner->at - start);
    if (decoding->envelope_bytes > decoding->limits->envelope_bytes_max)
        return scan_fail_member(scanner, LOSS_BODY_TOO_LARGE,
                                "the request without its tensors has more than %zu bytes "
                                "(envelope_bytes_max)",
                                decoding->limits->envelope_bytes_max);
    return envelope_read(&decoding->envelope, option, start, (size_t)(scanner->at - start),
                         decoding->arena, decoding->request, scanner->error);
}

static enum loss_status fail_unknown_field(struct decoding *decoding)
{
    const char *names[64], *nearest;
    char quoted[64];
    size_t count, options;
    const char *const *option_names = envelope_names(&options);

    for (count = 0; count < FIELDS; count++)
        names[count] = field_names[count];
    for (size_t i = 0; i < options; i++)
        names[count++] = option_names[i];
    nearest = words_nearest(decoding->scanner.key, names, count);
    (void)words_quote(decoding->scanner.key, quoted, sizeof quoted);
    if (nearest == NULL)
        return scan_fail_member(&decoding->scanner, LOSS_UNKNOWN_FIELD, "there is no field %s",
                                quoted);
    return scan_fail_member(&decoding->scanner, LOSS_UNKNOWN_FIELD,
                            "there is no field %s; did you mean \"%s\"?", quoted, nearest);
}

/* One member of the object, from its name on. */
static enum loss_status read_member(struct decoding *decoding)
{
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;
    int option;

    scan_space(scanner);
    if (*scanner->at != '"')
        return scan_fail_expected(scanner, "a field name in quotes", scanner->at);
    if ((status = scan_key(scanner)) != LOSS_OK)
        return status;
    scan_space(scanner);
    if (*scanner->at != ':')
        return scan_fail_expected(scanner, "':'", scanner->at);
    scanner->at++;
    scan_space(scanner);
    for (int field = 0; field < FIELDS; field++) {
        if (strcmp(scanner->key, field_names[field]) == 0)
            return read_tensor(decoding, field);
    }
    option = envelope_find(scanner->key);
    return option >= 0 ? read_option(decoding, option) : fail_unknown_field(decoding);
}

static enum loss_status read_object(struct decoding *decoding)
{
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;

    if ((status = scan_open(scanner)) != LOSS_OK)
        return status;
    scan_space(scanner);
    if (*scanner->at == '}') {
        scanner->at++;
        return LOSS_OK;
    }
    for (;;) {
        if ((status = read_member(decoding)) != LOSS_OK)
            return status;
        scan_space(scanner);
        if (*scanner->at == '}') {
            scanner->at++;
            return LOSS_OK;
        }
        if (*scanner->at != ',')
            return scan_fail_expected(scanner, "',' or '}'", scanner->at);
        scanner->at++;
    }
}

/* The whole text: an object, and nothing after it. */
static enum loss_status read_text(struct decoding *decoding)
{
    struct scanner *scanner = &decoding->scanner;
    enum loss_status status;

    scan_space(scanner);
    if (scanner->at == scanner->end)
        return loss_fail(scanner->error, LOSS_EMPTY_BODY, NULL,
                         "the body is empty, but must be a JSON object");
    if (*scanner->at != '{') {
        char found[32];

        if (strchr("[\"-0123456789tfn", *scanner->at) == NULL || *scanner->at == '\0')
            return scan_fail_expected(scanner, "a JSON object", scanner->at);
        (void)scan_describe(scanner, scanner->at, found, sizeof found);
        if ((status = scan_value(scanner)) != LOSS_OK)
            return status;
        return loss_fail(scanner->error, LOSS_EXPECTED_OBJECT, "0",
                         "the body is %s, but must be a JSON object", found);
    }
    if ((status = read_object(decoding)) != LOSS_OK)
        return status;
    scan_space(scanner);
    if (scanner->at != scanner->end)
        return scan_fail(scanner, LOSS_TRAILING_DATA, scanner->at,
                         "the JSON object ends, but more follows at byte %td",
                         scanner->at - scanner->text);
    return LOSS_OK;
}

/* The dtype was told after tensors had been read as another: read those again. */
static enum loss_status reread(struct decoding *decoding)
{
    decoding->read_as = decoding->request->dtype;
    for (int field = 0; field < FIELDS; field++) {
        enum loss_status status;

        if (decoding->texts[field] == NULL || field == TARGETS)
            continue;
        decoding->scanner.at = decoding->texts[field];
        decoding->scanner.depth = 1;
        (void)snprintf(decoding->scanner.key, sizeof decoding->scanner.key, "%s",
                       field_names[field]);
        status = tensor_json_read(&decoding->scanner, mode_of(decoding, field),
                                  decoding->limits->elements_max, decoding->arena,
                                  &decoding->tensors[field]);
        if (status != LOSS_OK)
            return status;
    }
    return LOSS_OK;
}

/* Describe the remarkable element of a tensor: "<place> is <its text>, but <why not>". */
static enum loss_status fail_odd(struct decoding *decoding, int field, enum loss_status status,
                                 const char *why_not)
{
    const struct tensor_json *read = &decoding->tensors[field];
    char where[128], place[128], element[25];
    size_t length = strcspn(read->odd_text, ",] \t\r\n}");

    if (length >= sizeof element)
        length = sizeof element - 1;
    for (size_t i = 0; i < length; i++) /* a string may hold anything */
        element[i] = read->odd_text[i] >= ' ' && read->odd_text[i] < 0x7f ? read->odd_text[i] : '?';
    element[length] = '\0';
    (void)loss_tensor_pointer(&read->tensor, field_names[field], read->odd_index, where,
                              sizeof where);
    (void)loss_tensor_place(&read->tensor, field_names[field], read->odd_index, place,
                            sizeof place);
    return loss_fail(decoding->scanner.error, status, where, "%s is %s, but %s", place, element,
                     why_not);
}

static enum loss_status check_overflow(struct decoding *decoding, int field)
{
    if (decoding->tensors[field].oddity != TENSOR_JSON_OVERFLOW)
        return LOSS_OK;
    return fail_odd(decoding, field, LOSS_NUMBER_OUT_OF_RANGE,
                    "float32 ends at 3.4028235e38; \"dtype\":\"float64\" has more room");
}

/* Targets of the predictions' shape are probabilities: numbers of the request's dtype. */
static enum loss_status make_probabilities(struct decoding *decoding)
{
    struct tensor_json *targets = &decoding->tensors[TARGETS];
    size_t count = loss_tensor_elements(&targets->tensor);
    bool integers = targets->tensor.dtype == LOSS_INT64, single = decoding->read_as == LOSS_FLOAT32;
    void *data;

    if (targets->oddity == TENSOR_JSON_NOT_A_NUMBER)
        return fail_odd(decoding, TARGETS, LOSS_WRONG_TYPE,
                        "a class probability must be a number (or \"NaN\", \"Infinity\", "
                        "\"-Infinity\")");
    if (!integers && !single)
        return LOSS_OK;
    data = loss_arena_take(decoding->arena, count, single ? sizeof(float) : sizeof(double));
    if (data == NULL)
        return loss_fail_memory(decoding->scanner.error);
    for (size_t i = 0; i < count; i++) {
        double value = integers ? (double)((const int64_t *)targets->tensor.data)[i]
                                : ((const double *)targets->tensor.data)[i];

        if (!single) {
            ((double *)data)[i] = value;
            continue;
        }
        ((float *)data)[i] = (float)value;
        if (isinf((float)value) && !isinf(value)) {
            char where[128];

            (void)loss_tensor_pointer(&targets->tensor, "targets", i, where, sizeof where);
            return loss_fail(decoding->scanner.error, LOSS_NUMBER_OUT_OF_RANGE, where,
                             "targets holds %g, but float32 ends at 3.4028235e38", value);
        }
    }
    targets->tensor.dtype = decoding->read_as;
    targets->tensor.data = data;
    return LOSS_OK;
}

/* Whether targets of this shape would be class indices. */
static bool has_index_shape(const struct loss_tensor *predictions,
                            const struct loss_tensor *targets)
{
    if (predictions->rank < 2)
        return predictions->rank == 1 && targets->rank == 0;
    return targets->rank == predictions->rank - 1 && targets->shape[0] == predictions->shape[0] &&
           memcmp(targets->shape + 1, predictions->shape + 2,
                  (predictions->rank - 2) * sizeof targets->shape[0]) == 0;
}

static enum loss_status resolve_targets(struct decoding *decoding, struct loss_tensor *predictions)
{
    struct tensor_json *targets = &decoding->tensors[TARGETS];
    struct tensor_json *weights = &decoding->tensors[WEIGHTS];

    if (predictions->rank == 1 && predictions->shape[0] == 0 && targets->tensor.rank == 1 &&
        targets->tensor.shape[0] == 0) {
        /* [] and []: JSON cannot write the shape (0,C), so this is a batch of no rows. */
        predictions->rank = 2;
        predictions->shape[1] = weights->tensor.rank == 1 ? weights->tensor.shape[0] : 0;
        targets->tensor.dtype = LOSS_INT64;
        return LOSS_OK;
    }
    if (loss_tensor_same_shape(predictions, &targets->tensor))
        return make_probabilities(decoding);
    if (targets->tensor.dtype == LOSS_INT64 || !has_index_shape(predictions, &targets->tensor))
        return LOSS_OK; /* libloss says what does not fit */
    if (targets->oddity == TENSOR_JSON_HUGE)
        return fail_odd(decoding, TARGETS, LOSS_TARGET_OUT_OF_RANGE,
                        "there are not that many classes");
    return fail_odd(decoding, TARGETS, LOSS_TARGET_NOT_INTEGER, "a class index must be an integer");
}

/* All members are read: do they make a request? */
static enum loss_status resolve(struct decoding *decoding)
{
    struct codec_request *request = decoding->request;
    int predictions = decoding->predictions;
    enum loss_status status;

    if (predictions == FIELDS)
        return loss_fail(
            decoding->scanner.error, LOSS_MISSING_FIELD, NULL,
            "one of the fields \"logits\", \"probabilities\" and \"log_probabilities\" "
            "must be there");
    if (decoding->texts[TARGETS] == NULL)
        return loss_fail(decoding->scanner.error, LOSS_MISSING_FIELD, NULL,
                         "the field \"targets\" is missing");
    if (decoding->read_as != request->dtype && (status = reread(decoding)) != LOSS_OK)
        return status;
    if ((status = check_overflow(decoding, predictions)) != LOSS_OK)
        return status;
    if ((status = check_overflow(decoding, WEIGHTS)) != LOSS_OK)
        return status;
    request->loss.stage = (enum loss_stage)predictions;
    request->loss.predictions = decoding->tensors[predictions].tensor;
    if ((status = resolve_targets(decoding, &request->loss.predictions)) != LOSS_OK)
        return status;
    request->loss.targets = decoding->tensors[TARGETS].tensor;
    if (decoding->texts[WEIGHTS] != NULL) {
        request->weights = decoding->tensors[WEIGHTS].tensor;
        request->loss.weights = &request->weights;
    }
    return LOSS_OK;
}

enum loss_status request_json_decode(const char *text, size_t length,
                                     const struct codec_limits *limits, struct loss_arena *arena,
                                     struct codec_request *request, struct loss_error *error)
{
    struct decoding decoding = {
        .scanner = {.text = text,
                    .at = text,
                    .end = text + length,
                    .depth_max = limits->json_depth_max,
                    .error = error},
        .limits = limits,
        .arena = arena,
        .request = request,
        .read_as = LOSS_FLOAT32,
        .predictions = FIELDS,
        .envelope = ENVELOPE_EMPTY,
    };
    enum loss_status status;

    *request = (struct codec_request){.loss = LOSS_REQUEST_DEFAULTS, .dtype = LOSS_FLOAT32};
    if ((status = read_text(&decoding)) != LOSS_OK)
        return status;
    if ((status = envelope_resolve(&decoding.envelope, request, error)) != LOSS_OK)
        return status;
    return resolve(&decoding);
}
