/* levels.c - the levels of CPU in this build, and what is the same for them all. */
#define VECTOR_BYTES 16
#include "kernels/elementary.h"
#include "kernels/kernel.h"

#define DECLARE_LEVEL(level) \
    extern const struct kernel kernel_float32_##level, kernel_float64_##level

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
DECLARE_LEVEL(v2);
DECLARE_LEVEL(v3);
DECLARE_LEVEL(v4);

/* The levels of the x86-64 psABI, as far as compilers use them for arithmetic; each implies the one
 * before.  The library's own baseline is v2. */
static bool has_v3(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("fma");
}

static bool has_v4(void)
{
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

static const struct kernel_level levels[] = {
    {"v2", always, &kernel_float32_v2, &kernel_float64_v2},
    {"v3", has_v3, &kernel_float32_v3, &kernel_float64_v3},
    {"v4", has_v4, &kernel_float32_v4, &kernel_float64_v4},
};
#else
DECLARE_LEVEL(native);

static const struct kernel_level levels[] = {
    {"native", always, &kernel_float32_native, &kernel_float64_native},
};
#endif

const struct kernel_level *kernel_levels(size_t *count)
{
    *count = sizeof levels / sizeof levels[0];
    return levels;
}

double kernel_exp(double x)
{
    return exp_full(vec_all(x), vec_all(0.0))[0];
}
