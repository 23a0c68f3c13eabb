/* bench_json_others.cpp - simdjson and std::to_chars, for bench_json.c and sweep_float32.c. */
#include "bench/bench_json.h"

#include <charconv>
#include <simdjson.h>

namespace ondemand = simdjson::ondemand;

const char *others_simdjson_level(void)
{
    return SIMDJSON_STRINGIFY(
        SIMDJSON_BUILTIN_IMPLEMENTATION); /* of the header, not of the library */
}

template <typename Real> static size_t read_logits(const char *body, size_t length, Real *values)
{
    static ondemand::parser parser; /* it keeps its memory, as lossd keeps its own */
    const simdjson::padded_string_view text(body, length, length + OTHERS_PADDING);
    Real *at = values;

    try {
        ondemand::document document = parser.iterate(text);

        for (auto row : document["logits"].get_array())
            for (auto element : row.get_array())
                *at++ = static_cast<Real>(element.get_double().value());
    } catch (const simdjson::simdjson_error &) {
        return 0;
    }
    return static_cast<size_t>(at - values);
}

size_t others_simdjson(const char *body, size_t length, bool single, void *values)
{
    return single ? read_logits(body, length, static_cast<float *>(values))
                  : read_logits(body, length, static_cast<double *>(values));
}

template <typename Real>
static size_t put_values(const Real *values, size_t count, char *text, size_t size)
{
    char *at = text, *end = text + size;

    for (size_t i = 0; i < count && at < end; i++) {
        at = std::to_chars(at, end, values[i]).ptr;
        *at++ = ',';
    }
    return static_cast<size_t>(at - text);
}

size_t others_to_chars(const void *values, size_t count, bool single, char *text, size_t size)
{
    return single ? put_values(static_cast<const float *>(values), count, text, size)
                  : put_values(static_cast<const double *>(values), count, text, size);
}

size_t others_scientific32(float value, char *text, size_t size)
{
    return static_cast<size_t>(
        std::to_chars(text, text + size, value, std::chars_format::scientific).ptr - text);
}
