/* safetensors_entry.c - what the header of a safetensors file says of one tensor. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/safetensors_internal.h"
#include "codec/words.h"

/* The dtypes that are taken, the floating ones first.  Class indices that libloss does not have are
 * converted. */
#define DTYPE_TABLE(X)                 \
    X("F64", LOSS_FLOAT64, 8, false)   \
    X("F32", LOSS_FLOAT32, 4, false)   \
    X("F16", LOSS_FLOAT16, 2, false)   \
    X("BF16", LOSS_BFLOAT16, 2, false) \
    X("I64", LOSS_INT64, 8, false)     \
    X("I32", LOSS_INT32, 4, false)     \
    X("I16", LOSS_INT16, 2, false)     \
    X("I8", LOSS_INT8, 1, false)       \
    X("U64", LOSS_INT64, 8, true)      \
    X("U32", LOSS_INT64, 4, true)      \
    X("U16", LOSS_INT64, 2, true)      \
    X("U8", LOSS_UINT8, 1, false)

static const char *const dtype_names[] = {
#define DTYPE_NAME(name, dtype, bytes, is_wider) name,
    DTYPE_TABLE(DTYPE_NAME)
#undef DTYPE_NAME
};

static const struct safetensors_dtype dtypes[] = {
#define DTYPE_ROW(name, dtype, bytes, is_wider) {dtype, bytes, is_wider},
    DTYPE_TABLE(DTYPE_ROW)
#undef DTYPE_ROW
};

enum { FLOATING_DTYPES = 4, DTYPES = sizeof dtypes / sizeof dtypes[0] };

const char *safetensors_dtype_name(enum loss_dtype dtype)
{
    int i = 0;

    while (dtypes[i].dtype != dtype || dtypes[i].is_wider)
        i++;
    return dtype_names[i];
}

/* A tensor that is being read. */
struct entry {
    int field;
    struct safetensors_tensor *tensor;
    unsigned seen; /* a bit for each of its members */
};

static enum loss_status fail_entry(struct safetensors *file, const struct entry *entry,
                                   enum loss_status status, const char *found, const char *expected)
{
    const char *name = decoding_fields[entry->field];
    char where[32];

    return loss_fail(file->scanner.error, status,
                     decoding_pointer(entry->field, where, sizeof where), "%s %s, but %s", name,
                     found, expected);
}

static enum loss_status read_dtype(struct safetensors *file, struct entry *entry)
{
    struct scanner *scanner = &file->scanner;
    size_t taken = entry->field == TARGETS ? DTYPES : FLOATING_DTYPES;
    char quoted[64], found[80], list[160], expected[200];
    enum loss_status status;

    if (*scanner->at != '"')
        return scan_fail_expected(scanner, "the name of a dtype", scanner->at);
    if ((status = scan_key(scanner)) != LOSS_OK)
        return status;
    for (size_t i = 0; i < taken; i++) {
        if (strcmp(scanner->key, dtype_names[i]) == 0) {
            entry->tensor->dtype = &dtypes[i];
            return LOSS_OK;
        }
    }
    (void)snprintf(found, sizeof found, "has the dtype %s",
                   words_quote(scanner->key, quoted, sizeof quoted));
    (void)snprintf(expected, sizeof expected, "must have %s",
                   words_list(dtype_names, taken, list, sizeof list));
    return fail_entry(file, entry, LOSS_UNKNOWN_DTYPE, found, expected);
}

/* A plain integer: the format has no 1.0 and no 1e3 here. */
static enum loss_status read_size(struct scanner *scanner, size_t *size)
{
    const char *start = scanner->at, *at = start;
    size_t length = strspn(start, "-+.0123456789eE"), value = 0;
    bool is_size = length > 0 && (*start != '0' || length == 1);

    for (; at < start + length && is_size; at++) {
        size_t digit = (size_t)(*at - '0');

        is_size = *at >= '0' && *at <= '9' && value <= (SIZE_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (length == 0)
        return scan_fail_expected(scanner, "an integer", start);
    if (!is_size)
        return scan_fail(scanner, LOSS_INVALID_SAFETENSORS, start,
                         "expected an integer from 0 to 2^64-1 at byte %td, but found %.*s",
                         start - scanner->text, length < 40 ? (int)length : 40, start);
    scanner->at = at;
    *size = value;
    return LOSS_OK;
}

/* An array of sizes, *count of them, of which the first `room` are kept. */
static enum loss_status read_sizes(struct scanner *scanner, size_t *sizes, size_t room,
                                   size_t *count)
{
    enum loss_status status;
    size_t size = 0;

    *count = 0;
    if (*scanner->at != '[')
        return scan_fail_expected(scanner, "an array", scanner->at);
    scanner->at++;
    scan_space(scanner);
    while (*scanner->at != ']') {
        if (*count > 0) {
            if (*scanner->at != ',')
                return scan_fail_expected(scanner, "',' or ']'", scanner->at);
            scanner->at++;
            scan_space(scanner);
        }
        if ((status = read_size(scanner, &size)) != LOSS_OK)
            return status;
        if (*count < room)
            sizes[*count] = size;
        ++*count;
        scan_space(scanner);
    }
    scanner->at++;
    return LOSS_OK;
}

static enum loss_status read_shape(struct safetensors *file, struct entry *entry)
{
    struct safetensors_tensor *tensor = entry->tensor;
    enum loss_status status;
    char found[48], most[48];
    size_t rank;

    if ((status = read_sizes(&file->scanner, tensor->shape, LOSS_RANK_MAX, &rank)) != LOSS_OK)
        return status;
    tensor->rank = (unsigned)rank;
    if (rank <= LOSS_RANK_MAX)
        return LOSS_OK;
    (void)snprintf(found, sizeof found, "has %zu dimensions", rank);
    (void)snprintf(most, sizeof most, "at most %d are taken", LOSS_RANK_MAX);
    return fail_entry(file, entry, LOSS_INVALID_SHAPE, found, most);
}

static enum loss_status read_offsets(struct safetensors *file, struct entry *entry)
{
    size_t offsets[2], count;
    enum loss_status status;
    char found[64];

    if ((status = read_sizes(&file->scanner, offsets, 2, &count)) != LOSS_OK)
        return status;
    if (count != 2) {
        (void)snprintf(found, sizeof found, "has data_offsets of %zu numbers", count);
        return fail_entry(file, entry, LOSS_INVALID_SAFETENSORS, found, "they must be two");
    }
    entry->tensor->begin = offsets[0];
    entry->tensor->end = offsets[1];
    return LOSS_OK;
}

static const struct {
    const char *name;
    enum loss_status (*read)(struct safetensors *file, struct entry *entry);
} members[] = {{"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};

enum { MEMBERS = sizeof members / sizeof members[0] };

static enum loss_status read_entry_member(struct safetensors *file, void *context)
{
    struct scanner *scanner = &file->scanner;
    struct entry *entry = context;
    char quoted[64], found[96];

    for (unsigned i = 0; i < MEMBERS; i++) {
        if (strcmp(scanner->key, members[i].name) != 0)
            continue;
        if (entry->seen & 1u << i) {
            (void)snprintf(found, sizeof found, "has %s twice", members[i].name);
            return fail_entry(file, entry, LOSS_DUPLICATE_KEY, found, "may have it once");
        }
        entry->seen |= 1u << i;
        return members[i].read(file, entry);
    }
    (void)snprintf(found, sizeof found, "has %s", words_quote(scanner->key, quoted, sizeof quoted));
    return fail_entry(file, entry, LOSS_INVALID_SAFETENSORS, found,
                      "may have dtype, shape and data_offsets only");
}

enum loss_status safetensors_read_entry(struct safetensors *file, int field)
{
    struct entry entry = {.field = field, .tensor = &file->tensors[field]};
    enum loss_status status;
    char found[32];

    if (entry.tensor->is_there)
        return scan_fail_member(&file->scanner, LOSS_DUPLICATE_KEY,
                                "the field \"%s\" is there twice", file->scanner.key);
    entry.tensor->is_there = true;
    if ((status = safetensors_read_object(file, read_entry_member, &entry)) != LOSS_OK)
        return status;
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (entry.seen & 1u << i)
            continue;
        (void)snprintf(found, sizeof found, "has no %s", members[i].name);
        return fail_entry(file, &entry, LOSS_INVALID_SAFETENSORS, found,
                          "must have dtype, shape and data_offsets");
    }
    return LOSS_OK;
}
