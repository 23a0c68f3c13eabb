/* specification.c - the formulas of sums32.h and real64.h, and the order
 * of additions of kernel.h. */
#include "support/specification.h"

#include <math.h>

#define VECTOR_BYTES 16
#include "kernels/elementary.h"

enum { ROW_SUMS = 16 };

/* An exponential of the specification: float32 gives a power of two and the rest of it. */
struct exponential {
    double power;
    float rest;
};

float specification_curve(float r)
{
    float square = r * r, low = fmaf(0x1.55549p-3f, r, 0x1.fffffcp-2f);
    float high = fmaf(0x1.6a2352p-10f, square, fmaf(0x1.123a6cp-7f, r, 0x1.5558f4p-5f));

    return fmaf(square, high, low);
}

float specification_whole(float y)
{
    return (float)rint((double)y * 0x1.715476p+0); /* whose product is exact */
}

/* Those of float32: of x, or of x - max where `max` is far from 0; by real32.h's formulas, one
 * operation at a time, times 2^-lowest. */
static struct exponential narrow_exp(float x, float max, bool far, float *lowest)
{
    float d = far ? x - max : x, back = d - x, low = (x - (d - back)) - (max + back);
    float least = (far ? 0.0f : max) + -138.0f;
    float n, y, r, power;

    if (!(d > least)) {
        d = least;
        low = 0.0f;
    }
    *lowest = specification_whole(least);
    n = specification_whole(d);
    y = d - n * 0x1.62e4p-1f;
    r = far ? y + fmaf(n, -0x1.7f7d1cp-20f, low) : fmaf(n, -0x1.7f7d1cp-20f, y);
    power = n == *lowest ? 0.0f : ldexpf(1.0f, (int)(n - *lowest) - 127);
    return (struct exponential){power, power * fmaf(r * r, specification_curve(r), r)};
}

/* e^y 2^k, good to 2^-32. */
static double factor(double y, int k)
{
    double n = rint(y * 0x1.71547652b82fep+0), r = y - n * 0x1.62e42fefa39efp-1;
    double square = r * r, fourth = square * square;
    double low = (1.0 + r) + square * (0.5 + 1.0 / 6 * r);
    double high = (1.0 / 24 + 1.0 / 120 * r) + square * (1.0 / 720 + 1.0 / 5040 * r);
    double p = low + fourth * (high + fourth * (1.0 / 40320));

    return ldexp(p, (int)n + k);
}

/* The pair of softmax32.h, of x or of x - max, its scale 2^(28 - lowest - 127). */
float specification_softmax(float x, float max, double scale, double rest)
{
    bool far = !(fabsf(max) <= 64.0f);
    float y = far ? x - max : x, back = y - x, low = far ? (x - (y - back)) - (max + back) : 0.0f;
    float least = (far ? 0.0f : max) + -138.0f, n = specification_whole(y);
    float first = y - n * 0x1.62e4p-1f, remains = fmaf(n, -0x1.7f7d1cp-20f, low);
    float r = first + remains, r_low = remains - (r - first), power, linear, sum, lost;

    if (!(y > least))
        return 0.0f;
    power = ldexpf(1.0f, (int)(n - specification_whole(least)) + 28 - 127);
    linear = power * r;
    sum = power + linear;
    lost = (linear - (sum - power)) + power * fmaf(r * r, specification_curve(r), r_low);
    return (float)(((double)sum + (double)lost) * (scale / 0x1p28 / (1.0 + rest)));
}

/* The sum of float32's exponentials but that of argmax, in `sums` partial sums; the rests of two
 * classes that go to the same one are added first. */
static double narrow_rest(const double *x, size_t classes, size_t argmax, size_t sums)
{
    bool far = !(fabs(x[argmax]) <= 64.0);
    double totals[ROW_SUMS];
    float max = (float)x[argmax], lowest = 0.0f;

    for (size_t l = 0; l < sums; l++) {
        double powers = 0.0, rests = 0.0;

        for (size_t c = l; c < classes; c += 2 * sums) {
            float rest[2] = {0.0f};

            for (size_t k = 0; k < 2 && c + k * sums < classes; k++) {
                size_t at = c + k * sums;
                struct exponential e = narrow_exp((float)x[at], max, far, &lowest);

                powers += at == argmax ? 0.0 : e.power;
                rest[k] = at == argmax ? 0.0f : e.rest;
            }
            rests += (double)(rest[0] + rest[1]);
        }
        totals[l] = powers + rests;
    }
    for (size_t half = sums / 2; half != 0; half /= 2) {
        for (size_t l = 0; l < half; l++)
            totals[l] += totals[half + l];
    }
    return totals[0] * factor(far ? 0.0 : -x[argmax], (int)lowest + 127);
}

static double wide_exp(double x, double max)
{
    double d = x - max, back = d - x;

    return exp_full(vec_all(d), vec_all((x - (d - back)) - (max + back)))[0];
}

/* Those of float64: every sum is compensated. */
static double wide_rest(const double *x, size_t classes, size_t argmax, bool along_classes,
                        double *low)
{
    double sums[ROW_SUMS] = {0}, lost[ROW_SUMS] = {0}, sum;

    for (size_t c = 0; c < classes; c++) {
        size_t l = along_classes ? c % ROW_SUMS : 0;
        double e = wide_exp(x[c], x[argmax]), total = sums[l] + e, added = total - sums[l];

        if (c == argmax)
            continue;
        lost[l] += (sums[l] - (total - added)) + (e - added);
        sums[l] = total;
    }
    for (size_t half = ROW_SUMS / 2; along_classes && half != 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            double other = sums[half + l], total = sums[l] + other, added = total - sums[l];

            lost[l] += lost[half + l] + ((sums[l] - (total - added)) + (other - added));
            sums[l] = total;
        }
    }
    sum = sums[0] + lost[0];
    *low = (sums[0] - sum) + lost[0];
    return sum;
}

double specification_rest(bool is_wide, const double *x, size_t classes, bool along_classes,
                          double *low)
{
    size_t argmax = 0;

    for (size_t c = 1; c < classes; c++)
        argmax = x[c] > x[argmax] ? c : argmax;
    if (is_wide)
        return wide_rest(x, classes, argmax, along_classes, low);
    *low = 0.0;
    return narrow_rest(x, classes, argmax, along_classes ? ROW_SUMS : 1);
}

/* That of float32, by the formulas of real32.h. */
static double narrow_log1p(double s)
{
    int k = 0;
    double u = frexp(1.0 + s, &k), f = s, half, z, square, series;

    if (u < 0x1.6a09e667f3bcdp-1) { /* sqrt(1/2) */
        u *= 2.0;
        k--;
    }
    if (k != 0 || s >= 0x1.a8279p-2)
        f = u - 1.0;
    half = f / (2.0 + f);
    z = half * half;
    square = z * z;
    series = (2.0 / 3 + 2.0 / 5 * z) + square * (2.0 / 7 + 2.0 / 9 * z) +
             square * square * (2.0 / 11 + 2.0 / 13 * z);
    return k * 0x1.62e42fefa39efp-1 + (2.0 * half + half * (z * series));
}

double specification_log1p(bool is_wide, double s, double low)
{
    return is_wide ? log1p_full(vec_all(s), vec_all(low))[0] : narrow_log1p(s);
}
