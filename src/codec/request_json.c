/* request_json.c - the JSON form of a request: one object, whose tensors are read where they stand
 * and whose other members are copied to an envelope. */
#include "codec/request_json.h"

#include <string.h>

#include "codec/decoding_internal.h"
#include "codec/words.h"

enum loss_status decoding_read_tensor(struct decoding *decoding, int field)
{
    enum tensor_json_mode mode = field == TARGETS                    ? TENSOR_JSON_TARGETS
                                 : decoding->read_as == LOSS_FLOAT64 ? TENSOR_JSON_FLOAT64
                                                                     : TENSOR_JSON_FLOAT32;

    return tensor_json_read(&decoding->scanner, mode, decoding->limits->elements_max,
                            decoding->arena, &decoding->tensors[field]);
}

static enum loss_status fail_duplicate(struct decoding *decoding)
{
    return scan_fail_member(&decoding->scanner, LOSS_DUPLICATE_KEY,
                            "the field \"%s\" is there twice", decoding->scanner.key);
}

static enum loss_status read_tensor(struct decoding *decoding, int field)
{
    enum loss_status status = LOSS_OK;

    if (decoding->texts[field] != NULL)
        return fail_duplicate(decoding);
    if (field <= LOG_PROBABILITIES)
        status = decoding_note_predictions(field, &decoding->predictions, decoding->scanner.error);
    if (status != LOSS_OK)
        return status;
    decoding->texts[field] = decoding->scanner.at;
    return decoding_read_tensor(decoding, field);
}

static enum loss_status read_option(struct decoding *decoding, int option)
{
    struct scanner *scanner = &decoding->scanner;
    const char *start = scanner->at;
    enum loss_status status = scan_value(scanner);

    if (status != LOSS_OK)
        return status;
    status = envelope_read(&decoding->envelope, option, start, (size_t)(scanner->at - start));
    /* A dtype that comes before the tensors spares reading them again. */
    if (decoding->predictions == FIELDS && decoding->texts[WEIGHTS] == NULL)
        decoding->read_as = decoding->request->dtype;
    return status;
}

static enum loss_status fail_unknown_field(struct decoding *decoding)
{
    const char *key = decoding->scanner.key, *names[64];
    char text[WORDS_UNKNOWN_BYTES];
    size_t count, options;
    const char *const *option_names = request_option_names(&options);

    for (count = 0; count < FIELDS; count++)
        names[count] = decoding_fields[count];
    for (size_t i = 0; i < options; i++)
        names[count++] = option_names[i];
    (void)words_unknown("field", key, words_nearest(key, names, count), text, sizeof text);
    return scan_fail_member(&decoding->scanner, LOSS_UNKNOWN_FIELD, "%s", text);
}

/* One member of the object, of which the name has been read. */
static enum loss_status read_member(void *context)
{
    struct decoding *decoding = context;
    const char *key = decoding->scanner.key;
    int option;

    for (int field = 0; field < FIELDS; field++) {
        if (strcmp(key, decoding_fields[field]) == 0)
            return read_tensor(decoding, field);
    }
    option = request_option_find(key);
    return option >= 0 ? read_option(decoding, option) : fail_unknown_field(decoding);
}

enum loss_status request_json_decode(const struct codec_body *body,
                                     const struct codec_limits *limits, struct loss_arena *arena,
                                     struct codec_request *request, struct loss_error *error)
{
    struct decoding decoding = {
        .scanner = {.text = body->bytes,
                    .at = body->bytes,
                    .end = body->bytes + body->length,
                    .depth_max = limits->json_depth_max,
                    .patience = &body->patience,
                    .error = error},
        .limits = limits,
        .arena = arena,
        .request = request,
        .predictions = FIELDS,
    };
    enum loss_status status =
        envelope_open(&decoding.envelope, body, limits, arena, request, error);

    if (status != LOSS_OK)
        return status;
    decoding.read_as = request->dtype;
    if ((status = scan_document(&decoding.scanner, read_member, &decoding)) != LOSS_OK)
        return status;
    if ((status = request_option_resolve(&decoding.envelope.options)) != LOSS_OK)
        return status;
    return decoding_resolve(&decoding);
}
