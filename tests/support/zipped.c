/* zipped.c - gzip and deflate. */
#include "support/zipped.h"

#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

enum { ROOM_FIRST = 4096 };

static int window_bits(enum zip kind)
{
    return kind == ZIP_GZIP ? MAX_WBITS + 16 : kind == ZIP_DEFLATE ? MAX_WBITS : -MAX_WBITS;
}

/* Step on until the input is used, or the stream ends; grow the output as needed. */
static int run(z_stream *stream, int (*step)(z_stream *stream, int flush), int flush,
               struct zipped *out)
{
    int result;

    do {
        size_t room = 2 * out->length + ROOM_FIRST;

        out->bytes = realloc(out->bytes, room + 1);
        if (out->bytes == NULL)
            abort();
        stream->next_out = (Bytef *)out->bytes + out->length;
        stream->avail_out = (uInt)(room - out->length);
        result = step(stream, flush);
        out->length = room - stream->avail_out;
    } while (result == Z_OK && stream->avail_out == 0);
    out->bytes[out->length] = '\0';
    return result;
}

struct zipped zip(const char *bytes, size_t length, enum zip kind, size_t times)
{
    struct zipped out = {NULL, 0};
    z_stream stream = {.zalloc = NULL};

    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits(kind), 8,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    for (size_t i = 0; i < times; i++) {
        stream.next_in = (Bytef *)(uintptr_t)bytes;
        stream.avail_in = (uInt)length;
        (void)run(&stream, deflate, i + 1 == times ? Z_FINISH : Z_NO_FLUSH, &out);
    }
    (void)deflateEnd(&stream);
    return out;
}

struct zipped unzip(const char *bytes, size_t length, enum zip kind)
{
    struct zipped out = {NULL, 0};
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes, .avail_in = (uInt)length};
    int result;

    if (inflateInit2(&stream, window_bits(kind)) != Z_OK)
        abort();
    result = run(&stream, inflate, Z_NO_FLUSH, &out);
    if (result != Z_STREAM_END || stream.avail_in != 0) {
        free(out.bytes);
        out = (struct zipped){NULL, 0};
    }
    (void)inflateEnd(&stream);
    return out;
}
