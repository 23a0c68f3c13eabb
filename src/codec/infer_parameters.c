/* infer_parameters.c - the parameters of a request: our options by name,
 * and those of the protocol. */
#include <string.h>

#include "codec/infer_internal.h"
#include "codec/words.h"

static enum loss_status read_binary_data_output(struct infer_decoding *decoding)
{
    return infer_read_flag(decoding, &decoding->wants_binary);
}

static enum loss_status read_timeout(struct infer_decoding *decoding)
{
    return infer_read_count(decoding, &decoding->request->timeout_us);
}

/* There is one queue for all, so it is only looked at. */
static enum loss_status read_priority(struct infer_decoding *decoding)
{
    uint64_t priority;

    return infer_read_count(decoding, &priority);
}

/* HTTP headers, which Triton hands to the model. */
static enum loss_status read_headers(struct infer_decoding *decoding)
{
    return scan_value(&decoding->scanner);
}

/* A request of a sequence wants to be remembered; what says that there is none does no harm. */
static enum loss_status read_sequence(struct infer_decoding *decoding)
{
    static const char *const none[] = {"0", "false", "\"\""};
    struct scanner *scanner = &decoding->scanner;
    const char *start = scanner->at;
    enum loss_status status = scan_value(scanner);
    size_t length = (size_t)(scanner->at - start);

    if (status != LOSS_OK)
        return status;
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        if (strlen(none[i]) == length && memcmp(start, none[i], length) == 0)
            return LOSS_OK;
    }
    return infer_fail(decoding, LOSS_UNKNOWN_VALUE, scanner->key,
                      "%s is set, but this model has no state that a sequence could share",
                      scanner->key);
}

/* Options that are something else in this protocol. */
static const struct {
    const char *name, *instead;
} elsewhere[] = {
    {"dtype", "the inputs' datatypes say it"},
    {"return", "outputs lists what is returned"},
    {"id", "it is a member of the request"},
};

/* What is to be used instead of an option, or NULL. */
static const char *instead_of(const char *name)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        if (strcmp(elsewhere[i].name, name) == 0)
            return elsewhere[i].instead;
    }
    return NULL;
}

static const struct infer_member members[] = {
    {"binary_data_output", read_binary_data_output},
    {"timeout", read_timeout},
    {"priority", read_priority},
    {"headers", read_headers},
    {"sequence_id", read_sequence},
    {"sequence_start", read_sequence},
    {"sequence_end", read_sequence},
};

enum { MEMBERS = sizeof members / sizeof members[0] };

static enum loss_status fail_unknown(struct infer_decoding *decoding)
{
    const char *key = decoding->scanner.key, *names[64];
    size_t options, count = 0;
    const char *const *option_names = request_option_names(&options);

    for (size_t i = 0; i < MEMBERS; i++)
        names[count++] = members[i].name;
    for (size_t i = 0; i < options; i++) {
        if (instead_of(option_names[i]) == NULL)
            names[count++] = option_names[i];
    }
    return infer_fail_unknown(decoding, NULL, "parameter", key, words_nearest(key, names, count));
}

static enum loss_status read_option(struct infer_decoding *decoding)
{
    struct scanner *scanner = &decoding->scanner;
    const char *key = scanner->key, *start = scanner->at, *instead = instead_of(key);
    int option = request_option_find(key);
    enum loss_status status;

    if (instead != NULL)
        return infer_fail(decoding, LOSS_UNKNOWN_FIELD, key, "%s is no parameter: %s", key,
                          instead);
    if (strncmp(key, "triton_", strlen("triton_")) == 0)
        return infer_fail(decoding, LOSS_UNKNOWN_FIELD, NULL,
                          "parameters that begin with triton_ are reserved");
    if (option < 0)
        return fail_unknown(decoding);
    if ((status = scan_value(scanner)) != LOSS_OK)
        return status;
    return envelope_read(&decoding->envelope, option, start, (size_t)(scanner->at - start));
}

enum loss_status infer_read_parameters(struct infer_decoding *decoding)
{
    return infer_read_object(decoding, "/parameters", members, MEMBERS, read_option);
}
