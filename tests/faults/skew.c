/* skew.c - preloaded into the daemon, a library as it should not be: it leaves the rounding mode
 * changed and subnormals flushed to zero, has numbers written in the user's language, and the wall
 * clock jumps by a day whenever it is read. */
#include <dlfcn.h>
#include <fenv.h>
#include <locale.h>
#include <time.h>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

enum { DAY_S = 24 * 60 * 60, FLUSH_TO_ZERO = 0x8040 };

__attribute__((constructor)) static void start(void)
{
    (void)fesetround(FE_UPWARD);
    (void)setlocale(LC_NUMERIC, "");
#if defined(__SSE2__)
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO);
#endif
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    static _Atomic int turn;
    int (*real)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))(size_t)dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, now);

    if (id == CLOCK_REALTIME)
        now->tv_sec += turn++ % 2 == 0 ? DAY_S : -DAY_S;
    return result;
}
