/* pressure.c - from the memory in use to the step that is taken. */
#include "server/pressure.h"

enum { SIXTEENTHS = 16, LARGE_PART = 64 };

enum pressure pressure_now(const struct service *service)
{
    static const struct {
        unsigned sixteenths;
        enum pressure pressure;
    } steps[] = {{15, PRESSURE_VITAL_ONLY}, {14, PRESSURE_CLOSING}, {12, PRESSURE_NO_LARGE}};
    uint64_t sixteenth = service->options->memory_budget_bytes / SIXTEENTHS;
    uint64_t used = memory_used_bytes(service->memory);

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (used >= steps[i].sixteenths * sixteenth)
            return steps[i].pressure;
    }
    return PRESSURE_NONE;
}

bool pressure_admits(const struct service *service, size_t bytes)
{
    return bytes <= service->options->memory_budget_bytes / LARGE_PART ||
           pressure_now(service) == PRESSURE_NONE;
}
