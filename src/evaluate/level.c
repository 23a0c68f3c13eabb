/* level.c - which level of CPU the kernels in use are for. */
#include "evaluate/level.h"

#include <stdatomic.h>
#include <string.h>

#include "loss/kernel.h"

/* The level in use, or NULL before the first question: then the highest that runs here. */
static _Atomic(const struct kernel_level *) current;

static const struct kernel_level *best(void)
{
    size_t count;
    const struct kernel_level *levels = kernel_levels(&count);

    while (!levels[count - 1].runs_here()) /* the first always does */
        count--;
    return &levels[count - 1];
}

static const struct kernel_level *in_use(void)
{
    const struct kernel_level *level = atomic_load_explicit(&current, memory_order_relaxed);

    if (level == NULL) { /* whoever comes at the same time finds the same */
        level = best();
        atomic_store_explicit(&current, level, memory_order_relaxed);
    }
    return level;
}

const struct kernel *level_kernel(enum loss_dtype dtype)
{
    return dtype == LOSS_FLOAT64 ? in_use()->float64 : in_use()->float32;
}

const char *loss_kernel_name(size_t index)
{
    size_t count;
    const struct kernel_level *levels = kernel_levels(&count);

    return index < count ? levels[index].name : NULL;
}

bool loss_kernel_runs(size_t index)
{
    size_t count;
    const struct kernel_level *levels = kernel_levels(&count);

    return index < count && levels[index].runs_here();
}

bool loss_kernel_choose(const char *name)
{
    size_t count;
    const struct kernel_level *levels = kernel_levels(&count);

    if (strcmp(name, "auto") == 0) {
        atomic_store_explicit(&current, best(), memory_order_relaxed);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(levels[i].name, name) == 0 && levels[i].runs_here()) {
            atomic_store_explicit(&current, &levels[i], memory_order_relaxed);
            return true;
        }
    }
    return false;
}

const char *loss_kernel_current(void)
{
    return in_use()->name;
}
