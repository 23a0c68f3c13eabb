/* sweep_float32.c - every finite float32 that is not negative, written and read back.
 *
 * Each of the 2139095040 texts must read back to the same bits, by decimal_run.h and by decimal.h,
 * and have as few significant digits as that of std::to_chars.  One alone is read as its neighbour,
 * because a float32 is read by way of float64, as PyTorch does.  All processors work on it; `make
 * sweep-float32` runs it, for some minutes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench_json.h"
#include "codec/decimal.h"
#include "codec/decimal_run.h"
#include "codec/shortest.h"

enum { THREADS_MAX = 256, BLOCK_BITS = 20, BLOCKS = 0x7f800000u >> BLOCK_BITS, FAULTS_SHOWN = 20 };

/* The float64 of its shortest digits, 7.038531e-26, is half way between two float32, to which it
 * has been rounded already: so the writer gives it one digit more. */
static const uint32_t rounded_twice = 0x15ae43fd;

static atomic_uint next_block, faults;

/* The significant digits of a text: without point, exponent, and zeros at either end. */
static int significant(const char *text, size_t length)
{
    int count = 0, zeros = 0;

    for (size_t i = 0; i < length && text[i] != 'e'; i++) {
        if (text[i] == '.' || (text[i] == '0' && count == 0))
            continue;
        count++;
        zeros = text[i] == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

static bool reads_back(const char *text, size_t length, float value)
{
    const char *at = text, *stop;
    struct decimal decimal;
    float run, alone;

    if (decimal_run_float32(&at, &run, 1) != 1 || at != text + length)
        return false;
    if (decimal_scan(text, &decimal, &stop) != at)
        return false;
    alone = (float)decimal_to_double(&decimal);
    return memcmp(&run, &value, sizeof run) == 0 && memcmp(&alone, &value, sizeof alone) == 0;
}

static void check(uint32_t bits)
{
    char text[SHORTEST_BYTES_MAX + DECIMAL_PADDING], other[64];
    size_t length, other_length;
    int more = bits == rounded_twice; /* digits that it needs to come back */
    float value;

    memcpy(&value, &bits, sizeof value);
    length = shortest_float32(value, text);
    memset(text + length, 0, DECIMAL_PADDING);
    other_length = others_scientific32(value, other, sizeof other);
    if (reads_back(text, length, value) &&
        significant(text, length) == significant(other, other_length) + more)
        return;
    if (atomic_fetch_add(&faults, 1) < FAULTS_SHOWN)
        (void)printf("%08x: %.*s, by std::to_chars %.*s\n", bits, (int)length, text,
                     (int)other_length, other);
}

static void *check_blocks(void *argument)
{
    unsigned block;

    (void)argument;
    while ((block = atomic_fetch_add(&next_block, 1)) < BLOCKS) {
        for (uint32_t i = 0; i < 1u << BLOCK_BITS; i++)
            check(block << BLOCK_BITS | i);
        if (block % 16 == 0)
            (void)fprintf(stderr, "\r%3u %%", 100 * block / BLOCKS);
    }
    return NULL;
}

int main(void)
{
    long usable = sysconf(_SC_NPROCESSORS_ONLN), count = 0;
    pthread_t threads[THREADS_MAX];

    for (; count < usable && count < THREADS_MAX; count++) {
        if (pthread_create(&threads[count], NULL, check_blocks, NULL) != 0)
            break;
    }
    (void)check_blocks(NULL); /* in case none could be made */
    for (long i = 0; i < count; i++)
        (void)pthread_join(threads[i], NULL);
    (void)fprintf(stderr, "\r     \r");
    (void)printf("sweep_float32: %u values, %u faults\n", BLOCKS << BLOCK_BITS,
                 atomic_load(&faults));
    return atomic_load(&faults) == 0 ? 0 : 1;
}
