/* test_kernel_nans.c - what scan of src/kernels/kernel.h says of rows with a NaN: that it is the
 * largest, and where the first one is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "kernels/kernel.h"

enum { POSITIONS = 9, LONGEST = 300 };

/* Rows, and the same with positions side by side, of one type. */
struct layouts {
    union {
        float narrow[POSITIONS * LONGEST];
        double wide[POSITIONS * LONGEST];
    } rows, columns;
};

static void put(struct layouts *layouts, bool wide, size_t position, size_t c, size_t classes,
                double value)
{
    size_t in_row = position * classes + c, in_column = c * POSITIONS + position;

    if (wide)
        layouts->rows.wide[in_row] = layouts->columns.wide[in_column] = value;
    else
        layouts->rows.narrow[in_row] = layouts->columns.narrow[in_column] = (float)value;
}

/* Both layouts, with sums and without, of every level. */
static void check(const struct layouts *layouts, bool wide, size_t classes, const size_t *first_nan)
{
    const struct kernel_tile tiles[] = {
        {&layouts->rows, POSITIONS, classes, classes, 1, NULL},
        {&layouts->columns, POSITIONS, 1, classes, POSITIONS, NULL},
    };
    struct kernel_rows rows;
    size_t levels;
    const struct kernel_level *level = kernel_levels(&levels);

    for (size_t i = 0; i < 4 * levels; i++) {
        const struct kernel *kernel = wide ? level[i / 4].float64 : level[i / 4].float32;

        if (!level[i / 4].runs_here())
            continue;
        kernel->scan(&tiles[i % 2], i % 4 < 2, &rows);
        for (size_t p = 0; p < POSITIONS; p++) {
            assert_int_equal(isnan(rows.max[p]) != 0, first_nan[p] < classes);
            if (first_nan[p] < classes)
                assert_int_equal(rows.argmax[p], first_nan[p]);
            if (i % 4 < 2 && first_nan[p] < classes)
                assert_true(isnan(rows.rest[p]) && isnan(rows.log_rest[p]));
        }
    }
}

/* Position p has its first NaN in class `first` + p, if there is one, beside numbers that are all
 * `other`; and then more of them, or not. */
static void fill_and_check(size_t classes, size_t first, double other, bool more)
{
    static struct layouts layouts;
    size_t first_nan[POSITIONS];

    for (int wide = 0; wide < 2; wide++) {
        for (size_t p = 0; p < POSITIONS; p++) {
            first_nan[p] = first + p;
            for (size_t c = 0; c < classes; c++) {
                bool is_nan = c == first_nan[p] || (more && c > first_nan[p]);

                put(&layouts, wide, p, c, classes, is_nan ? NAN : other);
            }
        }
        check(&layouts, wide, classes, first_nan);
    }
}

static void the_first_nan_is_the_largest(void **state)
{
    static const size_t classes[] = {1, 2, 3, 7, 8, 9, 10, 63, 64, 65, 100, 130, 257, LONGEST};
    static const double others[] = {-INFINITY, -1000.0, 0.5, 1000.0, INFINITY};

    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        for (size_t j = 0; j < sizeof others / sizeof others[0]; j++) {
            for (size_t first = 0; first < classes[i]; first += first < 16 ? 1 : 7) {
                fill_and_check(classes[i], first, others[j], false);
                fill_and_check(classes[i], first, others[j], true);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_nan_is_the_largest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
