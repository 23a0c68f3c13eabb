/* fuzz_coding.c - any bytes as a compressed body, and any bytes compressed and decoded again.
 *
 * The first byte chooses the coding, what is done and the limit, the second how often the rest is
 * repeated, so that short inputs make long bodies. */
#include <string.h>

#include "codec/coding.h"
#include "fuzz/fuzz.h"

enum {
    PARTS_MAX = 3,
    LIMIT_BITS = 18, /* of bytes_max: bombs take time, and larger ones do nothing else */
};

static enum loss_status inflate(const char *bytes, size_t length, enum coding coding,
                                size_t bytes_max, struct loss_arena *arena, char **body,
                                size_t *body_length)
{
    static const char padding[CODEC_PADDING];
    struct loss_error error;
    enum loss_status status =
        coding_inflate(bytes, length, coding, bytes_max, NULL, arena, body, body_length, &error);

    if (status == LOSS_OK)
        FUZZ_CHECK(*body_length <= bytes_max &&
                   memcmp(*body + *body_length, padding, sizeof padding) == 0);
    else
        FUZZ_CHECK(status == error.status && error.sentence[0] != '\0' &&
                   (status == LOSS_INVALID_CODING || status == LOSS_BODY_TOO_LARGE));
    return status;
}

/* What is decoded must be `length` bytes of `body`, no matter how tight the limit is. */
static void check_decoded(const char *bytes, size_t count, enum coding coding, const char *body,
                          size_t length, struct loss_arena *arena)
{
    size_t again_length;
    char *again;

    FUZZ_CHECK(inflate(bytes, count, coding, length, arena, &again, &again_length) == LOSS_OK);
    FUZZ_CHECK(again_length == length && memcmp(again, body, length) == 0);
    if (length > 1)
        FUZZ_CHECK(inflate(bytes, count, coding, length - 1, arena, &again, &again_length) ==
                   LOSS_BODY_TOO_LARGE);
}

static void check_round_trip(const char *body, size_t length, enum coding coding,
                             struct loss_arena *arena)
{
    size_t count, again_count;
    char *bytes, *again;

    if (!coding_deflate(body, length, coding, NULL, arena, &bytes, &count))
        return;
    FUZZ_CHECK(count < length);
    check_decoded(bytes, count, coding, body, length, arena);
    FUZZ_CHECK(coding_deflate(body, length, coding, NULL, arena, &again, &again_count));
    FUZZ_CHECK(again_count == count && memcmp(again, bytes, count) == 0);
}

/* Members of gzip, one after the other, are one body; deflate has no such thing. */
static void check_members(const char *body, size_t length, enum coding coding,
                          struct loss_arena *arena)
{
    size_t count, whole_length = 0, written = 0;
    char *bytes, *members, *whole;

    if (!coding_deflate(body, length, coding, NULL, arena, &bytes, &count))
        return;
    members = loss_arena_take(arena, PARTS_MAX, count);
    whole = loss_arena_take(arena, PARTS_MAX, length);
    FUZZ_CHECK(members != NULL && whole != NULL);
    for (int i = 0; i < PARTS_MAX; i++) {
        memcpy(members + written, bytes, count);
        memcpy(whole + whole_length, body, length);
        written += count;
        whole_length += length;
    }
    if (coding == CODING_GZIP)
        check_decoded(members, written, coding, whole, whole_length, arena);
    else
        FUZZ_CHECK(inflate(members, written, coding, whole_length, arena, &bytes, &count) ==
                   LOSS_INVALID_CODING);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { DEFLATE = 1, ENCODE = 2, MEMBERS = 4, LIMIT_SHIFT = 3 }; /* bits of the first byte */
    struct loss_arena arena;
    enum coding coding;
    size_t length, bytes_max, piece, repeats;
    char *body, *decoded;

    if (size < 2)
        return 0;
    coding = data[0] & DEFLATE ? CODING_DEFLATE : CODING_GZIP;
    bytes_max = (size_t)1 << (data[0] >> LIMIT_SHIFT) % LIMIT_BITS;
    piece = size - 2;
    loss_arena_init(&arena, NULL);
    if (data[0] & ENCODE) {
        repeats = 1 + data[1] / 16;
        length = piece * repeats;
        body = malloc(length);
        FUZZ_CHECK(body != NULL || length == 0);
        for (size_t i = 0; i < repeats; i++)
            memcpy(body + i * piece, data + 2, piece);
        if (data[0] & MEMBERS)
            check_members(body, length, coding, &arena);
        else
            check_round_trip(body, length, coding, &arena);
        free(body);
    } else if (inflate((const char *)data + 2, piece, coding, bytes_max, &arena, &decoded,
                       &length) == LOSS_OK) {
        check_decoded((const char *)data + 2, piece, coding, decoded, length, &arena);
        check_round_trip(decoded, length, coding, &arena);
    }
    loss_arena_reset(&arena);
    return 0;
}
