/* clock: see clock.h. */
#include "clock.h"

#include <stddef.h>
#include <time.h>

static int64_t (*replacement)(void);

static int64_t read_clock(clockid_t id)
{
    if (replacement)
        return replacement();
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t clock_elapsed(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t clock_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / NS_PER_MS;
}

void clock_override(int64_t (*now)(void))
{
    replacement = now;
}
