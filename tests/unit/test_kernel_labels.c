/* test_kernel_labels.c - what src/kernels/kernel.h promises of labels, and of sums of what positions
 * have: for every level, both types and both layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "kernels/kernel.h"

enum { POSITIONS = KERNEL_TILE_POSITIONS, LONGEST = 130 };

#define WIDER_THAN_32_BITS ((int64_t)1 << 32)

/* Call a check with the kernels of all levels that run here. */
static void for_every_kernel(void (*check)(const struct kernel *kernel, bool wide))
{
    size_t levels;
    const struct kernel_level *level = kernel_levels(&levels);

    for (size_t i = 0; i < levels; i++) {
        if (!level[i].runs_here())
            continue;
        check(level[i].float32, false);
        check(level[i].float64, true);
    }
}

/* Labels of every class, and such that name none. */
static int64_t label_of(size_t p, size_t classes)
{
    const int64_t none[] = {-1,
                            -100,
                            INT64_MIN,
                            INT64_MAX,
                            (int64_t)classes,
                            WIDER_THAN_32_BITS,
                            -WIDER_THAN_32_BITS,
                            WIDER_THAN_32_BITS + (int64_t)(classes / 2)};

    return p % 3 == 2 ? none[p / 3 % 8] : (int64_t)(p * 7 % classes);
}

static void check_picked(const struct kernel *kernel, bool wide)
{
    static const size_t classes[] = {1, 2, 3, 10, 63, 64, 65, LONGEST};
    static double x[POSITIONS * LONGEST];
    static float narrow[POSITIONS * LONGEST];
    int64_t labels[POSITIONS];
    struct kernel_rows rows;

    for (size_t i = 0; i < POSITIONS * LONGEST; i++)
        narrow[i] = (float)(x[i] = (double)i + 1.0);
    for (size_t run = 0; run < 4 * sizeof classes / sizeof classes[0]; run++) {
        size_t c = classes[run / 4], count = run % 2 == 0 ? POSITIONS : POSITIONS - 11;
        bool is_along = run % 4 < 2; /* positions side by side */
        struct kernel_tile tile = {.x = wide ? (void *)x : (void *)narrow,
                                   .positions = count,
                                   .position_stride = is_along ? 1 : c,
                                   .classes = c,
                                   .class_stride = is_along ? POSITIONS : 1,
                                   .labels = labels};

        for (size_t p = 0; p < POSITIONS; p++)
            labels[p] = label_of(p, c);
        kernel->scan(&tile, true, &rows);
        for (size_t p = 0; p < count; p++) {
            size_t at = p * tile.position_stride + (size_t)labels[p] * tile.class_stride;

            assert_true(rows.picked[p] == ((uint64_t)labels[p] < c ? x[at] : 0.0));
        }
    }
}

static void the_labels_elements_are_picked(void **state)
{
    (void)state;
    for_every_kernel(check_picked);
}

static void check_counts(const struct kernel *kernel, bool wide)
{
    static const int64_t ignored[] = {-100, 3, INT64_MIN, WIDER_THAN_32_BITS};
    enum { CLASSES = 10 };
    int64_t labels[POSITIONS + 1];

    (void)wide;
    for (size_t p = 0; p < POSITIONS + 1; p++)
        labels[p] = label_of(p, CLASSES);
    for (size_t i = 0; i < 4 * (POSITIONS + 2); i++) {
        size_t count = i / 4, want = 0, want_bad = 0, bad;

        for (size_t p = 0; p < count; p++) {
            if (labels[p] == ignored[i % 4])
                want++;
            else if (labels[p] < 0 || labels[p] >= CLASSES)
                want_bad++;
        }
        assert_int_equal(kernel->count_labels(labels, count, CLASSES, ignored[i % 4], &bad), want);
        assert_int_equal(bad, want_bad);
    }
}

static void labels_are_counted(void **state)
{
    (void)state;
    for_every_kernel(check_counts);
}

static void check_weights(const struct kernel *kernel, bool wide)
{
    int64_t labels[POSITIONS];
    double factors[POSITIONS], surprises[POSITIONS], found[POSITIONS];
    struct kernel_rows rows;

    (void)wide;
    for (size_t count = 1; count <= POSITIONS; count++) {
        struct kernel_tile tile = {.positions = count, .classes = 4, .labels = labels};
        size_t correct = 0;

        for (size_t p = 0; p < POSITIONS; p++) {
            labels[p] = (int64_t)(p % 4);
            rows.argmax[p] = p % 5;
            factors[p] = (double)p / 3.0;
            surprises[p] = p % 4 == 2 ? (p % 8 == 2 ? (double)NAN : INFINITY) : (double)p + 0.1;
            correct += p < count && p % 4 != 2 && p % 4 == p % 5;
        }
        assert_int_equal(kernel->weigh_labels(&tile, &rows, 2, factors, surprises, found), correct);
        for (size_t p = 0; p < count; p++)
            assert_true(found[p] == (labels[p] == 2 ? 0.0 : factors[p] * surprises[p]));
    }
}

static void what_is_ignored_weighs_nothing(void **state)
{
    (void)state;
    for_every_kernel(check_weights);
}

/* In every sum what cancels hides a 1 and 2^-60, of which a plain sum keeps nothing. */
static void check_sums(const struct kernel *kernel, bool wide)
{
    double numbers[POSITIONS];

    (void)wide;
    for (size_t p = 0; p < POSITIONS; p++)
        numbers[p] = (const double[]){0x1p80, 0x1p-60, (double)(p % KERNEL_SUMS), -0x1p80}[p / 16];
    for (size_t count = 0; count <= POSITIONS; count++) {
        struct kernel_sums sums = {.total = {0.0}};

        kernel->add(numbers, count, &sums);
        for (size_t l = 0; l < KERNEL_SUMS; l++) {
            double total = 0.0, least = 0.0;

            for (size_t p = l; p < count; p += KERNEL_SUMS) {
                total += numbers[p];
                least += p / 16 == 1 || p / 16 == 2 ? numbers[p] : 0.0;
            }
            assert_true(sums.total[l] == total);
            assert_true(sums.lost[l] == least);
        }
    }
}

static void sums_keep_what_they_lose(void **state)
{
    (void)state;
    for_every_kernel(check_sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_labels_elements_are_picked),
        cmocka_unit_test(labels_are_counted),
        cmocka_unit_test(what_is_ignored_weighs_nothing),
        cmocka_unit_test(sums_keep_what_they_lose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
