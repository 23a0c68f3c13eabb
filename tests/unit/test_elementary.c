/* test_elementary.c - our exp, log and log1p against the C library's in long double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#define VECTOR_BYTES 16
#include "kernels/elementary.h"
#include "support/numbers.h"

enum { SAMPLES = 400000 };

/* The largest error of y over x in spacings of float64 seen so far; the arguments that give it. */
static double worst(double error, double x, double bound, const char *name)
{
    if (!(error <= bound))
        fail_msg("%s(%a) is off by %g ULP, more than %g", name, x, error, bound);
    return error;
}

static double between(uint64_t *state, double low, double high)
{
    return low + (high - low) * number_random(state);
}

static void exp_is_within_a_unit(void **state)
{
    uint64_t random = 1;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        double x = i % 3 == 0 ? between(&random, -746, 710) : between(&random, -2, i % 3 - 1);
        vec y = exp_full(vec_all(x), vec_all(0.0));

        (void)worst(number_units_from_truth(LOSS_FLOAT64, y[0], expl(x)), x, 1.0, "exp");
    }
}

static void exp_carries_a_low_part(void **state)
{
    uint64_t random = 2;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        double x = between(&random, -700, 0), low = x * 0x1p-54 * between(&random, -1, 1);
        vec y = exp_full(vec_all(x), vec_all(low));

        (void)worst(number_units_from_truth(LOSS_FLOAT64, y[0], expl((long double)x + low)), x, 1.0,
                    "exp with low part");
    }
}

static void log_is_within_a_unit(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        double x = i % 2 == 0 ? ldexp(between(&random, 1, 2), (int)between(&random, -1074, 1023))
                              : between(&random, 0.5, 2);

        (void)worst(number_units_from_truth(LOSS_FLOAT64, log_full(vec_all(x))[0], logl(x)), x, 1.0,
                    "log");
    }
}

static void log1p_is_within_a_unit(void **state)
{
    uint64_t random = 4;

    (void)state;
    for (int i = 0; i < SAMPLES; i++) {
        double s = i % 2 == 0 ? ldexp(between(&random, 1, 2), (int)between(&random, -1074, 1023))
                              : between(&random, 0, 3);

        (void)worst(number_units_from_truth(LOSS_FLOAT64, log1p_full(vec_all(s), vec_all(0.0))[0],
                                            log1pl(s)),
                    s, 1.0, "log1p");
    }
}

static void special_arguments_have_their_values(void **state)
{
    static const struct {
        double x, exp, log, log1p; /* log1p: of x >= 0 only */
    } rows[] = {
        {0.0, 1.0, -INFINITY, 0.0},
        {1.0, M_E, 0.0, M_LN2},
        {INFINITY, INFINITY, INFINITY, INFINITY},
        {NAN, NAN, NAN, NAN},
        {0x1p-1074, 1.0, -744.44007192138122, 0x1p-1074},
        {1e300, INFINITY, 690.77552789821368, 690.77552789821368},
        {-INFINITY, 0.0, NAN, NAN},
        {-1.0, 0.36787944117144233, NAN, NAN},
        {-745.2, 0.0, NAN, NAN},
        {-745.1, 0x1p-1074, NAN, NAN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        vec x = vec_all(rows[i].x);

        (void)worst(number_units_apart(LOSS_FLOAT64, exp_full(x, vec_all(0.0))[0], rows[i].exp),
                    rows[i].x, 1.0, "exp");
        (void)worst(number_units_apart(LOSS_FLOAT64, log_full(x)[0], rows[i].log), rows[i].x, 1.0,
                    "log");
        if (!(rows[i].x < 0))
            (void)worst(
                number_units_apart(LOSS_FLOAT64, log1p_full(x, vec_all(0.0))[0], rows[i].log1p),
                rows[i].x, 1.0, "log1p");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_a_unit),
        cmocka_unit_test(exp_carries_a_low_part),
        cmocka_unit_test(log_is_within_a_unit),
        cmocka_unit_test(log1p_is_within_a_unit),
        cmocka_unit_test(special_arguments_have_their_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
