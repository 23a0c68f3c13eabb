/* fuzz_numbers.c - numbers in and out, each held against the C library: any text as a number of
 * JSON, and its first bytes as the bits of a float64 and of a float32 that are written. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "codec/decimal.h"
#include "codec/shortest.h"
#include "fuzz/fuzz.h"

/* ---- in -------------------------------------------------------------------------------------- */

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* The end of the number at `text` by RFC 8259, section 6, said as plainly as
 * there; NULL if there is none. */
static const char *end_of_number(const char *text)
{
    const char *end = text + (*text == '-'), *digits;

    digits = end;
    end = *digits == '0' ? digits + 1 : skip_digits(digits);
    if (end == digits || skip_digits(end) != end)
        return NULL;
    if (*end == '.') {
        digits = end + 1;
        end = skip_digits(digits);
        if (end == digits)
            return NULL;
    }
    if (*end == 'e' || *end == 'E') {
        digits = end + 1 + (end[1] == '+' || end[1] == '-');
        end = skip_digits(digits);
        if (end == digits)
            return NULL;
    }
    return end;
}

static void check_integer(const char *number, const struct decimal *decimal, double value)
{
    int64_t integer = 0;
    enum decimal_kind kind = decimal_to_int64(decimal, &integer);

    if (kind == DECIMAL_INTEGER)
        FUZZ_CHECK((double)integer == value);
    if (kind == DECIMAL_FRACTION)
        FUZZ_CHECK(fabs(value) <= 0x1p63);
    if (number[strcspn(number, ".eE")] == '\0') { /* without point and exponent: strtoll knows it */
        intmax_t wanted;

        errno = 0;
        wanted = strtoimax(number, NULL, 10);
        FUZZ_CHECK(kind == (errno == ERANGE ? DECIMAL_HUGE : DECIMAL_INTEGER));
        FUZZ_CHECK(kind == DECIMAL_HUGE || integer == wanted);
    }
}

static void check_number(const char *text)
{
    const char *end = end_of_number(text), *stop = NULL;
    struct decimal decimal;
    double value, wanted;
    char *number;

    FUZZ_CHECK(decimal_scan(text, &decimal, &stop) == end);
    if (end == NULL) {
        FUZZ_CHECK(stop >= text && stop <= text + strlen(text));
        return;
    }
    number = strndup(text, (size_t)(end - text));
    FUZZ_CHECK(number != NULL);
    value = decimal_to_double(&decimal);
    wanted = strtod(number, NULL);
    FUZZ_CHECK(memcmp(&value, &wanted, sizeof value) == 0);
    check_integer(number, &decimal, value);
    free(number);
}

/* ---- out ------------------------------------------------------------------------------------- */

/* Its digits, without sign, point, exponent, and zeros before and after them; returns how many. */
static int digits_of(const char *text, char *digits)
{
    int count = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0'))
            digits[count++] = *text;
    }
    while (count > 0 && digits[count - 1] == '0')
        count--;
    digits[count] = '\0';
    return count;
}

/* Whether a text is this value to every reader: those of float32 may round to float64 first. */
static bool reads_back(const char *text, double value, int bytes)
{
    double by_double = strtod(text, NULL);

    return bytes != (int)sizeof(float)
               ? by_double == value
               : (double)strtof(text, NULL) == value && (double)(float)by_double == value;
}

/* `text` is what was written of a finite value; `bytes` its type's. */
static void check_written(double value, const char *text, int bytes)
{
    char digits[64], nearest[64], nearest_digits[64];
    struct decimal decimal;
    const char *stop;
    int count = digits_of(text, digits);

    FUZZ_CHECK(decimal_scan(text, &decimal, &stop) == text + strlen(text));
    FUZZ_CHECK(reads_back(text, value, bytes) && !signbit(value) == (text[0] != '-'));
    if (count == 0)
        return;
    /* One digit less would not do, and of as many digits these are the nearest. */
    if (count > 1) {
        (void)snprintf(nearest, sizeof nearest, "%.*e", count - 2, value);
        FUZZ_CHECK(!reads_back(nearest, value, bytes));
    }
    (void)snprintf(nearest, sizeof nearest, "%.*e", count - 1, value);
    (void)digits_of(nearest, nearest_digits);
    FUZZ_CHECK(!reads_back(nearest, value, bytes) || strcmp(digits, nearest_digits) == 0);
}

static void check_value(double value, const char *written, size_t length, int bytes)
{
    char text[SHORTEST_BYTES_MAX + 1 + DECIMAL_PADDING] = "";

    FUZZ_CHECK(length > 0 && length <= SHORTEST_BYTES_MAX);
    memcpy(text, written, length);
    if (isfinite(value))
        check_written(value, text, bytes);
    else
        FUZZ_CHECK(strcmp(text, isnan(value) ? "\"NaN\""
                                : value > 0  ? "\"Infinity\""
                                             : "\"-Infinity\"") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(size + DECIMAL_PADDING, 1), written[SHORTEST_BYTES_MAX];
    double real64 = 0;
    float real32 = 0;

    FUZZ_CHECK(text != NULL);
    memcpy(text, data, size);
    check_number(text);
    free(text);
    memcpy(&real64, data, size < sizeof real64 ? size : sizeof real64);
    check_value(real64, written, shortest_float64(real64, written), sizeof real64);
    memcpy(&real32, data, size < sizeof real32 ? size : sizeof real32);
    check_value((double)real32, written, shortest_float32(real32, written), sizeof real32);
    return 0;
}
