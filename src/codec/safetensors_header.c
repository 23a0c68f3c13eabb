/* safetensors_header.c - the header of a safetensors file: an object of tensors and metadata. */
#include <string.h>

#include "codec/safetensors_internal.h"
#include "codec/words.h"

enum loss_status safetensors_read_object(struct safetensors *file,
                                         enum loss_status (*read)(struct safetensors *file,
                                                                  void *context),
                                         void *context)
{
    struct scanner *scanner = &file->scanner;
    enum loss_status status;

    if (*scanner->at != '{')
        return scan_fail_expected(scanner, "an object", scanner->at);
    scanner->at++;
    scan_space(scanner);
    for (bool is_first = true; *scanner->at != '}'; is_first = false) {
        if (!is_first) {
            if (*scanner->at != ',')
                return scan_fail_expected(scanner, "',' or '}'", scanner->at);
            scanner->at++;
            scan_space(scanner);
        }
        if (*scanner->at != '"')
            return scan_fail_expected(scanner, "a name in quotes", scanner->at);
        if ((status = scan_key(scanner)) != LOSS_OK)
            return status;
        scan_space(scanner);
        if (*scanner->at != ':')
            return scan_fail_expected(scanner, "':'", scanner->at);
        scanner->at++;
        scan_space(scanner);
        if ((status = read(file, context)) != LOSS_OK)
            return status;
        scan_space(scanner);
    }
    scanner->at++;
    return LOSS_OK;
}

enum loss_status safetensors_fail_dtype_option(struct loss_error *error)
{
    return loss_fail(
        error, LOSS_CONFLICTING_FIELDS, "/dtype",
        "\"dtype\" is given, but a safetensors file says for each tensor which it has");
}

/* An option, or "format", which Python's writers put there.  The value replaces its own text in the
 * copy. */
static enum loss_status read_metadata_member(struct safetensors *file, void *context)
{
    struct scanner *scanner = &file->scanner;
    char name[SCAN_KEY_BYTES], *value = file->copy + (scanner->at - scanner->text);
    bool *has_format = context;
    enum loss_status status;

    memcpy(name, scanner->key, sizeof name);
    if (*scanner->at != '"')
        return scan_fail_expected(scanner, "a string", scanner->at);
    if ((status = scan_text(scanner, value)) != LOSS_OK)
        return status;
    if (strcmp(name, "dtype") == 0)
        return safetensors_fail_dtype_option(scanner->error);
    if (strcmp(name, "format") != 0)
        return envelope_read_text(&file->envelope, name, value);
    if (*has_format)
        return scan_fail_member(scanner, LOSS_DUPLICATE_KEY, "the field \"format\" is there twice");
    *has_format = true;
    return LOSS_OK;
}

static enum loss_status fail_unknown(struct safetensors *file)
{
    struct scanner *scanner = &file->scanner;
    const char *nearest = words_nearest(scanner->key, decoding_fields, FIELDS);
    char quoted[64];

    (void)words_quote(scanner->key, quoted, sizeof quoted);
    if (nearest != NULL)
        return scan_fail_member(scanner, LOSS_UNKNOWN_FIELD,
                                "there is no tensor %s; did you mean \"%s\"?", quoted, nearest);
    return scan_fail_member(
        scanner, LOSS_UNKNOWN_FIELD, "there is no tensor %s%s", quoted,
        request_option_find(scanner->key) < 0 ? "" : "; options stand in __metadata__, as strings");
}

static enum loss_status read_header_member(struct safetensors *file, void *context)
{
    bool *has_metadata = context, has_format = false;
    const char *key = file->scanner.key;

    for (int field = 0; field < FIELDS; field++) {
        if (strcmp(key, decoding_fields[field]) == 0)
            return safetensors_read_entry(file, field);
    }
    if (strcmp(key, "__metadata__") != 0)
        return fail_unknown(file);
    if (*has_metadata)
        return scan_fail_member(&file->scanner, LOSS_DUPLICATE_KEY,
                                "the field \"__metadata__\" is there twice");
    *has_metadata = true;
    return safetensors_read_object(file, read_metadata_member, &has_format);
}

enum loss_status safetensors_read_header(struct safetensors *file)
{
    struct scanner *scanner = &file->scanner;
    bool has_metadata = false;
    enum loss_status status = safetensors_read_object(file, read_header_member, &has_metadata);

    if (status == LOSS_OK) {
        scan_space(scanner);
        if (scanner->at != scanner->end)
            status = scan_fail_expected(scanner, "spaces up to the end of the header", scanner->at);
    }
    if (status == LOSS_INVALID_JSON) /* it is the header that is malformed, not a body of JSON */
        status = scanner->error->status = LOSS_INVALID_SAFETENSORS;
    return status;
}
