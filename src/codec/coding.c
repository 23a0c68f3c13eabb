/* coding.c - gzip and deflate, by zlib; its memory is the arena's, so it counts and cannot leak. */
#include "codec/coding.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#define ZLIB_CONST
#include <zlib.h>

enum {
    GUESSED_RATIO = 4,   /* JSON numbers shrink to less than half, seldom to a quarter */
    RATIO_MAX = 1032,    /* of deflate: 258 bytes by two bits */
    GZIP_BYTES_MIN = 18, /* head and trailer */
    SPARE_BYTES = 1 + CODEC_PADDING,
    WINDOW_BITS_MIN = 9,
    GZIP_BITS = 16, /* to the bits of the window: how zlib is told that it is gzip */
    MEMORY_LEVEL_MAX = 8,
};

static const char *const names[CODING_COUNT] = {
    [CODING_IDENTITY] = "identity",
    [CODING_GZIP] = "gzip",
    [CODING_DEFLATE] = "deflate",
};

const char *coding_name(enum coding coding)
{
    return names[coding];
}

bool coding_find(const char *header_value, enum coding *coding)
{
    if (header_value == NULL || header_value[0] == '\0')
        header_value = names[CODING_IDENTITY];
    if (strcasecmp(header_value, "x-gzip") == 0) /* the older name, RFC 9110, section 8.4.1.3 */
        header_value = names[CODING_GZIP];
    for (int i = 0; i < CODING_COUNT; i++) {
        if (strcasecmp(header_value, names[i]) == 0) {
            *coding = (enum coding)i;
            return true;
        }
    }
    return false;
}

/* A zlib stream, and where its bytes go.  It is fed and emptied by portions of PIECE_BYTES. */
struct work {
    z_stream stream;
    struct loss_arena *arena;
    const char *end; /* of the input */
    char *body;
    size_t length, capacity; /* of `body`, which has SPARE_BYTES more */
    bool body_is_last;       /* the arena's piece taken last, which alone can be resized */
};

static voidpf take_memory(voidpf context, uInt count, uInt size)
{
    struct work *work = context;

    work->body_is_last = false;
    return loss_arena_take(work->arena, count, size);
}

/* The arena gives everything back at once.  So there is no need of
 * inflateEnd and deflateEnd either. */
static void keep_memory(voidpf context, voidpf memory)
{
    (void)context;
    (void)memory;
}

static void set_up(struct work *work, const char *bytes, size_t length, struct loss_arena *arena)
{
    *work = (struct work){.arena = arena, .end = bytes + length};
    work->stream.next_in = (const Bytef *)bytes;
    work->stream.zalloc = take_memory;
    work->stream.zfree = keep_memory;
    work->stream.opaque = work;
}

static size_t input_left(const struct work *work)
{
    return (size_t)(work->end - (const char *)work->stream.next_in);
}

static uInt portion(size_t left)
{
    return (uInt)(left < PIECE_BYTES ? left : PIECE_BYTES);
}

/* Let zlib's step read on, and write to the body as far as byte `stop`. */
static int step(struct work *work, int (*next)(z_stream *stream, int flush), int flush, size_t stop)
{
    int result;

    work->stream.avail_in = portion(input_left(work));
    work->stream.next_out = (Bytef *)work->body + work->length;
    work->stream.avail_out = portion(stop - work->length);
    result = next(&work->stream, flush);
    work->length = (size_t)((char *)work->stream.next_out - work->body);
    return result;
}

/* Give the body room for `capacity` bytes. */
static bool hold(struct work *work, size_t capacity)
{
    size_t bytes = capacity + SPARE_BYTES, old_bytes = work->capacity + SPARE_BYTES;
    char *body = work->body_is_last ? loss_arena_resize(work->arena, work->body, old_bytes, bytes)
                                    : loss_arena_take(work->arena, bytes, 1);

    if (body == NULL)
        return false;
    if (!work->body_is_last && work->body != NULL)
        memcpy(body, work->body, old_bytes);
    work->body = body;
    work->capacity = capacity;
    work->body_is_last = true;
    return true;
}

static enum loss_status fail_invalid(struct loss_error *error, enum coding coding, const char *why)
{
    return loss_fail(error, LOSS_INVALID_CODING, NULL,
                     "the body is not the %s that its Content-Encoding says: it %s", names[coding],
                     why);
}

/* zlib may write one byte more than the capacity: that is how it shows that there is more. */
static enum loss_status inflate_all(struct work *work, enum coding coding, size_t bytes_max,
                                    const struct patience *patience, struct loss_error *error)
{
    for (;;) {
        int result = step(work, inflate, Z_NO_FLUSH, work->capacity + 1);

        if (result == Z_MEM_ERROR)
            return loss_fail_memory(error);
        if (patience_is_over(patience))
            return loss_fail_plainly(error, LOSS_DEADLINE_EXCEEDED);
        if (work->length > bytes_max)
            return LOSS_BODY_TOO_LARGE;
        if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR)
            return fail_invalid(error, coding, "has a fault or a wrong checksum");
        if (result == Z_STREAM_END) {
            if (input_left(work) == 0)
                return LOSS_OK;
            if (coding != CODING_GZIP)
                return fail_invalid(error, coding, "goes on after its end");
            (void)inflateReset(&work->stream);
        } else if (work->stream.avail_out > 0 && input_left(work) == 0) {
            return fail_invalid(error, coding, "ends too early");
        }
        if (work->length > work->capacity &&
            !hold(work, work->capacity < bytes_max / 2 ? 2 * work->capacity : bytes_max))
            return loss_fail_memory(error);
    }
}

/* About as many bytes as come out.  A gzip tells with its last four (RFC 1952, section 2.3.1),
 * which is not so if it has several members or lies; then the body grows, or does not fill it. */
static size_t first_capacity(const char *bytes, size_t length, enum coding coding)
{
    const unsigned char *end = (const unsigned char *)bytes + length;
    size_t told;

    if (coding != CODING_GZIP || length < GZIP_BYTES_MIN)
        return (length + 1) * GUESSED_RATIO;
    told = (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
    if (told > length * RATIO_MAX)
        return (length + 1) * GUESSED_RATIO;
    return told > length ? told : length;
}

enum loss_status coding_inflate(const char *bytes, size_t length, enum coding coding,
                                size_t bytes_max, const struct patience *patience,
                                struct loss_arena *arena, char **body, size_t *body_length,
                                struct loss_error *error)
{
    int window_bits = MAX_WBITS + (coding == CODING_GZIP ? GZIP_BITS : 0);
    size_t guess = first_capacity(bytes, length, coding);
    struct work work;
    enum loss_status status;

    assert(coding != CODING_IDENTITY);
    set_up(&work, bytes, length, arena);
    if (inflateInit2(&work.stream, window_bits) != Z_OK ||
        !hold(&work, guess < bytes_max ? guess : bytes_max))
        return loss_fail_memory(error);
    status = inflate_all(&work, coding, bytes_max, patience, error);
    if (status == LOSS_BODY_TOO_LARGE)
        return loss_fail(error, status, NULL,
                         "the body of %zu bytes has more than %zu when it is decoded, and no more "
                         "are taken",
                         length, bytes_max);
    if (status != LOSS_OK)
        return status;
    memset(work.body + work.length, 0, CODEC_PADDING);
    *body = work.body;
    *body_length = work.length;
    return LOSS_OK;
}

/* For a body of a few kilobytes zlib need not have the quarter of a megabyte of a large one. */
static int window_bits_for(size_t length)
{
    int bits = WINDOW_BITS_MIN;

    while (bits < MAX_WBITS && (size_t)1 << bits < length)
        bits++;
    return bits;
}

bool coding_deflate(const char *bytes, size_t length, enum coding coding,
                    const struct patience *patience, struct loss_arena *arena, char **body,
                    size_t *body_length)
{
    int bits = window_bits_for(length), result = Z_OK;
    /* 2^(level + 6) symbols are coded together: as many as the window has bytes. */
    int memory_level = bits - 6 < MEMORY_LEVEL_MAX ? bits - 6 : MEMORY_LEVEL_MAX;
    struct work work;

    assert(coding != CODING_IDENTITY);
    if (length == 0)
        return false;
    set_up(&work, bytes, length, arena);
    if (deflateInit2(&work.stream, Z_BEST_SPEED, Z_DEFLATED,
                     bits + (coding == CODING_GZIP ? GZIP_BITS : 0), memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        !hold(&work, length - 1))
        return false;
    while (result == Z_OK && !patience_is_over(patience))
        result = step(&work, deflate, input_left(&work) > PIECE_BYTES ? Z_NO_FLUSH : Z_FINISH,
                      length - 1);
    *body = work.body;
    *body_length = work.length;
    return result == Z_STREAM_END;
}
