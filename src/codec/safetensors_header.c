/* safetensors_header.c - the header of a safetensors file: an object of tensors and metadata. */
#include <string.h>

#include "codec/safetensors_internal.h"
#include "codec/words.h"

/* Who reads the members of an object. */
struct members {
    struct safetensors *file;
    enum loss_status (*read)(struct safetensors *file, void *context);
    void *context;
};

static enum loss_status read_member(void *context)
{
    const struct members *members = context;

    return members->read(members->file, members->context);
}

enum loss_status safetensors_read_object(struct safetensors *file,
                                         enum loss_status (*read)(struct safetensors *file,
                                                                  void *context),
                                         void *context)
{
    struct members members = {file, read, context};
    struct scanner *scanner = &file->scanner;

    if (*scanner->at != '{')
        return scan_fail_expected(scanner, "an object", scanner->at);
    return scan_object(scanner, read_member, &members);
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
    bool is_option = nearest == NULL && request_option_find(scanner->key) >= 0;
    char text[WORDS_UNKNOWN_BYTES];

    (void)words_unknown("tensor", scanner->key, nearest, text, sizeof text);
    return scan_fail_member(scanner, LOSS_UNKNOWN_FIELD, "%s%s", text,
                            is_option ? "; options stand in __metadata__, as strings" : "");
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
